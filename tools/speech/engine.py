"""The embedded speech engine: needs no weights, no key, no server and no GPU, and says what it is."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from nexus_agents.core.errors import InputError
from nexus_agents.core.voices import Speech, Voice, VoiceReport
from tools.speech.audio import check_format, read_clip, require_packages, resample, sha256_of, write_audio, write_whole
from tools.speech.presets import BASES, PRESETS, WORDS_PER_MINUTE
from tools.speech.process import SpeechProcess
from tools.speech.protocol import SpeechRequest, Utterance
from tools.speech.words import clean, spoken_words

if TYPE_CHECKING:
    from tools.speech.audio import Samples
    from tools.speech.likeness import Likeness

__all__ = ["EmbeddedSpeech", "fitted"]

_SLOWEST, _FASTEST = 0.5, 2.5
_LONGEST_TEXT = 200_000  # characters, about three hours of speech
_KEPT = 8  # likenesses in memory
_LIKENESS, _CARD = "likeness.npz", "likeness.json"

_PROBE = "The boy was there when the sun rose, and fires lack heat."  # Harvard sentences, shortened
_RICH = (
    "The quick brown fox jumps over the lazy dog. We judge the huge boats with joy, and measure each "
    "young man's thick thumb. Please show George a few good toys and yellow chairs now."
)
_UNSEEN = (
    "A pot of tea helps to pass the evening. Smoky fires lack flame and heat. The soft cushion broke the man's fall. "
    "The salt breeze came across from the sea."
)


class _Card(BaseModel):
    voice: Voice
    report: VoiceReport
    clip: str
    with_transcript: bool


@dataclass(frozen=True)
class _Loaded:
    likeness: Likeness
    clip: str


class EmbeddedSpeech:
    """Speaks by eSpeak NG, and in likenesses of clips by WORLD over it. A `SpeechPort`.

    Args:
        voice_root: The folder under which durable voices are kept.
        process: The speech process; one of its own by default.
    """

    def __init__(self, voice_root: Path, process: SpeechProcess | None = None) -> None:
        self._voice_root = voice_root
        self._process = process or SpeechProcess()
        self._spoken_by = ""
        self._loaded: dict[tuple[Path, int], _Loaded] = {}

    @property
    def voice_root(self) -> Path:
        """The folder under which voices are kept for good."""
        return self._voice_root

    async def speak(self, text: str, voice: Voice, output: Path, *, rate: float = 1.0) -> Speech:
        """Speak a text into an audio file; the suffix chooses the format (.wav .mp3 .ogg .flac).

        Args:
            text: What is said, up to 200,000 characters.
            voice: Who says it: a preset, or a voice made by `fit`.
            output: The file; written under a temporary name and renamed.
            rate: Speed from 0.5 to 2.5, 1.0 being the voice's own.

        Raises:
            InputError: Nothing to say, a voice that this engine does not have, or a format that cannot be written.
            BackendDown: The speech process does not answer.
            MissingExtra: The packages for speech are not installed.
        """
        require_packages()
        check_format(output)
        text = clean(text)
        _check(text, rate)
        loaded = await asyncio.to_thread(self._load, voice) if voice.engine == "world" else None
        if loaded is None and voice.engine != "espeak":
            raise InputError(f"The voice {voice.name} needs {voice.engine!r}.", "Choose a voice of `nexus voices`.")
        pace = (loaded.likeness.words_per_minute if loaded else WORDS_PER_MINUTE) * rate
        request = SpeechRequest(text, voice.base, rate=min(450, max(80, round(pace))))
        utterance = await self._process.speak(request)
        if loaded:
            engine = f"likeness of {loaded.clip} by WORLD over eSpeak NG (not neural)"
        else:
            engine = f"eSpeak NG {await self._version()} (formant synthesis)"
        return await asyncio.to_thread(_render, text, utterance, loaded, output, voice.name, engine)

    async def fit(
        self, clip: Path, name: str, folder: Path, *, transcript: str | None = None
    ) -> tuple[Voice, VoiceReport]:
        """Fit a voice to a clip of 3 to 30 seconds and keep what was derived in `folder`.

        With a transcript the likeness is closer, and found faster: the synthesiser says the same words and is
        compared moment by moment.

        Raises:
            InputError: The clip is not audio, is silent, or is too short or too long; the transcript does not fit it.
            BackendDown: The speech process does not answer.
            MissingExtra: The packages for speech are not installed.
        """
        require_packages()
        from tools.speech.matching import fit_and_measure, matching_pace

        samples, rate = await asyncio.to_thread(read_clip, clip)
        # Above 22050 Hz the synthesiser has nothing to give; below, nothing is made that the clip does not have.
        own_rate = 22050 if rate >= 22050 else 16000
        target = await asyncio.to_thread(resample, samples, rate, own_rate)
        base = await self._nearest_base(target, own_rate)
        pace = WORDS_PER_MINUTE
        words = " ".join(clean(transcript or "").split())
        if words:
            pace = matching_pace(target, await self._say(words, base, pace, own_rate), own_rate)
        speech = await self._say(words or f"{_RICH} {_PROBE}", base, pace, own_rate)
        other = await self._say(_RICH if words else _UNSEEN, base, pace, own_rate)
        unseen = await self._say(_UNSEEN if words else _RICH, base, pace, own_rate)
        likeness, report = await asyncio.to_thread(
            fit_and_measure, target, speech, other, unseen, own_rate, pace, same_words=bool(words)
        )
        voice = Voice(
            name=name,
            engine="world",
            base=base,
            description=f"likeness of {clip.name} (WORLD over eSpeak NG, not neural)",
            folder=str(folder),
            clip_sha256=await asyncio.to_thread(sha256_of, clip),
        )
        card = _Card(voice=voice, report=report, clip=clip.name, with_transcript=bool(words))
        await asyncio.to_thread(likeness.save, folder / _LIKENESS)
        # The card comes last: where it stands, the likeness is whole.
        await asyncio.to_thread(write_whole, folder / _CARD, card.model_dump_json(indent=1).encode())
        return voice, report

    async def presets(self) -> list[Voice]:
        """Return the voices that need no clip."""
        return list(PRESETS)

    async def aclose(self) -> None:
        """End the speech process; the next request starts it again."""
        await self._process.aclose()

    async def _version(self) -> str:
        if not self._spoken_by:
            self._spoken_by = ".".join((await self._process.version()).split(".")[:2])
        return self._spoken_by

    async def _say(self, text: str, base: str, pace: int, rate: int) -> Samples:
        utterance = await self._process.speak(SpeechRequest(text, base, rate=pace))
        return await asyncio.to_thread(lambda: resample(_samples(utterance), utterance.sample_rate, rate))

    async def _nearest_base(self, target: Samples, rate: int) -> str:
        from tools.speech.matching import nearest_base

        tried = {base: await self._say(_PROBE, base, WORDS_PER_MINUTE, rate) for base in BASES}
        return await asyncio.to_thread(nearest_base, tried, target, rate)

    def _load(self, voice: Voice) -> _Loaded:
        from tools.speech.likeness import Likeness

        folder = Path(voice.folder or voice.name)
        if not folder.is_dir():
            folder = self._voice_root / folder.name  # the whole folder of voices may have been moved
        card = _read_card(folder)
        if card is None:
            raise InputError(
                f"The files of the voice {voice.name} are missing from {folder}.", "Clone it again from its clip."
            )
        path = folder / _LIKENESS
        key = (path, path.stat().st_mtime_ns if path.exists() else 0)
        if key not in self._loaded:
            while len(self._loaded) >= _KEPT:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[key] = _Loaded(Likeness.load(path), card.clip)
        return self._loaded[key]


def fitted(folder: Path) -> tuple[Voice, VoiceReport] | None:
    """Return the voice that `EmbeddedSpeech.fit` has finished in a folder, or None."""
    card = _read_card(folder)
    return (card.voice, card.report) if card and (folder / _LIKENESS).is_file() else None


def _read_card(folder: Path) -> _Card | None:
    try:
        return _Card.model_validate_json((folder / _CARD).read_bytes())
    except (OSError, ValidationError):
        return None


def _check(text: str, rate: float) -> None:
    if not re.search(r"[^\W_]", text):
        raise InputError("There is nothing to say.", "Give a text with at least one word.")
    if len(text) > _LONGEST_TEXT:
        raise InputError(
            f"The text has {len(text)} characters; at most {_LONGEST_TEXT} are spoken at once.", "Speak it in parts."
        )
    if not _SLOWEST <= rate <= _FASTEST:
        raise InputError(f"A speed of {rate:g} cannot be spoken.", f"Use {_SLOWEST} to {_FASTEST}.")


def _samples(utterance: Utterance) -> Samples:
    import numpy as np

    return np.frombuffer(utterance.pcm, dtype=np.int16).astype(np.float64) / 32768


def _render(text: str, utterance: Utterance, loaded: _Loaded | None, output: Path, voice: str, engine: str) -> Speech:
    from tools.speech.loudness import to_loudness

    plain, rate = _samples(utterance), utterance.sample_rate
    samples = plain
    if loaded:
        samples, rate = resample(plain, rate, loaded.likeness.rate), loaded.likeness.rate
        samples = loaded.likeness.convert(samples)
    write_audio(output, to_loudness(samples, rate), rate, comment=f"Synthetic speech: {engine}")
    seconds = len(samples) / rate
    words = spoken_words(text, utterance, plain)  # converting keeps the timing
    return Speech(path=str(output), seconds=seconds, sample_rate=rate, engine=engine, voice=voice, words=words)
