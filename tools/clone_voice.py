"""Tool: fit a voice to a recording, with the recorded consent of its owner."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

from pydantic import BaseModel

from nexus_agents.core.errors import ConsentNeeded, InputError, ToolInputError
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.voices import Voice, VoiceReport
from tools.paths import inside

__all__ = ["ClonedVoice", "clone_voice"]

_NAME = re.compile(r"[^\W_][\w .-]{0,39}")
_LONGEST_TRANSCRIPT = 2000  # characters; thirty seconds of fast speech are some 600


class ClonedVoice(BaseModel):
    """A voice that was fitted to a clip.

    Attributes:
        voice: The voice; it speaks by its name from now on.
        report: How close it came.
        with_transcript: Whether the words of the clip were known, which makes the likeness closer.
        reused: True where the same clip had been fitted under this name before.
        sample: A short file in which the voice speaks.
    """

    voice: Voice
    report: VoiceReport
    with_transcript: bool
    reused: bool
    sample: str

    @property
    def summary(self) -> str:
        """What came of it, in a line."""
        made = "was there already" if self.reused else "fitted"
        return f"{self.voice.name} {made}, pitch within {self.report.f0_error_semitones:.1f} semitones of the clip"


@tool(risk="identity", extra="speech", timeout=300, in_turn=True)
async def clone_voice(job: Job, reference_audio: str, speaker_name: str = "", transcript: str = "") -> ClonedVoice:
    """Make a voice that sounds like the person in a recording of 3 to 30 seconds; a recorded consent is needed.

    Args:
        job: The call.
        reference_audio: The recording: WAV, FLAC, MP3 or OGG, one person, no music.
        speaker_name: What the voice shall be called; empty to take the recording's name.
        transcript: The words of the recording, if known; a .txt file of the same name beside it is read by itself.
    """
    from tools.speech.audio import read_clip, sha256_of
    from tools.speech.engine import fitted

    clip = job.resolve_input(reference_audio)
    await asyncio.to_thread(read_clip, clip)
    digest = await asyncio.to_thread(sha256_of, clip)
    if await job.voices.consent_for(digest) is None:
        raise ConsentNeeded(
            f"The voice in {clip.name} may not be imitated: no consent is recorded for this recording.",
            f"A person records it with: nexus voices consent {shlex.quote(reference_audio)}",
        )
    name, known = await _settle_name(job, speaker_name.strip(), clip, digest)
    words = transcript.strip() or await asyncio.to_thread(_beside, clip)
    finished = fitted(Path(known.folder)) if known and known.folder else None
    if known and finished:
        voice, report = known, finished[1]
    else:
        job.progress(0.1, f"fitting {name} to {clip.name}")
        job.check_cancelled()
        folder = job.speech.voice_root / f"{_slug(name)}-{digest[:8]}"
        voice, report = await job.speech.fit(clip, name, folder, transcript=words or None)
        await job.voices.put(voice)
    job.progress(0.9, f"{name} speaks a sample")
    sample = inside(job.workspace, f"voices/{_slug(name)}.wav", writing=True)
    await job.speech.speak(f"Hello. I am a synthetic likeness, made from {_say(clip.stem)}.", voice, sample)
    job.artifact(sample, "audio", f"a sample of the voice {name}")
    return ClonedVoice(
        voice=voice, report=report, with_transcript=bool(words), reused=finished is not None, sample=str(sample)
    )


async def _settle_name(job: Job, wanted: str, clip: Path, digest: str) -> tuple[str, Voice | None]:
    """Return the name and, where it has been fitted to this very clip before, the voice."""
    if wanted and not _NAME.fullmatch(wanted):
        raise ToolInputError(
            f"{wanted!r} cannot be the name of a voice.", "Use up to 40 letters, digits, spaces, dots and hyphens."
        )
    presets = {voice.name for voice in await job.speech.presets()}
    if wanted:
        known = await job.voices.get(wanted)
        if wanted.lower() in presets or (known and known.clip_sha256 != digest):
            raise ToolInputError(f"There is a voice named {wanted!r} already.", "Choose another speaker_name.")
        return wanted, known
    stem = re.sub(r"[^\w .-]+", "-", clip.stem).strip(" .-_")[:36] or "voice"
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        known = await job.voices.get(name)
        if name.lower() not in presets and (known is None or known.clip_sha256 == digest):
            return name, known
        number += 1


def _beside(clip: Path) -> str:
    path = clip.with_suffix(".txt")
    if not path.is_file():
        return ""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name} beside the clip cannot be read as text.", "Rename it, or save it as UTF-8."
        ) from error
    if len(text) > _LONGEST_TRANSCRIPT:
        raise InputError(
            f"{path.name} beside the clip is too long to be its transcript.",
            "Rename it, or give the words as transcript.",
        )
    return text


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "voice"


def _say(stem: str) -> str:
    return re.sub(r"[\W_]+", " ", stem).strip() or "a recording"
