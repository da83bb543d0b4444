"""Tool: speak a text into an audio file."""

from __future__ import annotations

from nexus_agents.core.errors import ConsentNeeded, ToolInputError
from nexus_agents.core.names import nearest
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.voices import Speech, Voice
from tools.paths import inside

__all__ = ["speak"]


@tool(risk="write", extra="speech", timeout=900, in_turn=True)
async def speak(job: Job, text: str, voice: str = "", output: str = "speech.wav") -> Speech:
    """Speak a text into an audio file in the workspace and return its length and the times of its words.

    Args:
        job: The call.
        text: What is said.
        voice: Name of a voice, one of `list_voices`; empty for the usual one.
        output: The file, relative to the workspace; its suffix (.wav .mp3 .ogg .flac) chooses the format.
    """
    path = inside(job.workspace, output, writing=True)
    speaker = await _find(job, voice.strip())
    job.progress(0.0, f"{speaker.name} speaks")
    speech = await job.speech.speak(text, speaker, path)
    job.artifact(path, "audio", f"{path.name}, spoken by {speaker.name}")
    return speech


async def _find(job: Job, name: str) -> Voice:
    presets = {voice.name: voice for voice in await job.speech.presets()}
    if not name:
        return next(iter(presets.values()))
    if name.lower() in presets:
        return presets[name.lower()]
    own = await job.voices.get(name)
    if own is None:
        names = [*presets, *(voice.name for voice in await job.voices.list())]
        close = nearest(name, names)
        raise ToolInputError(
            f"There is no voice named {name!r}.",
            f"Did you mean {close!r}?" if close else f"There are: {', '.join(names)}.",
        )
    if own.clip_sha256 and await job.voices.consent_for(own.clip_sha256) is None:
        raise ConsentNeeded(
            f"There is no valid consent for the clip behind the voice {own.name}.",
            "Its owner may give it again, with the recording at hand: nexus voices consent CLIP",
        )
    return own
