"""Joins spoken turns into an episode: natural gaps, equal loudness, and a transcript whose times fit the audio."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel

from nexus_agents.core.errors import InputError
from nexus_agents.core.voices import Word
from tools.speech.audio import read_audio, resample, write_audio, write_whole

if TYPE_CHECKING:
    from tools.speech.audio import Samples

__all__ = ["Episode", "EpisodeTurn", "SpokenTurn", "assemble"]

_SUFFIXES = (".wav", ".mp3", ".transcript.json", ".vtt")
_LEAD, _CLOSE = 0.30, 0.60  # seconds of silence before the first and after the last turn
_SAME_SPEAKER, _OTHER_SPEAKER, _AFTER_QUESTION = 0.45, 0.32, 0.24
"""Seconds between turns: people answer a question sooner than they take up a statement."""
_EDGE = 0.02  # seconds of quiet kept around a turn, so that soft beginnings are not cut
_QUIET = 10 ** (-45 / 20)  # of the peak
_LEAST_RATE = 22050  # Hz


class SpokenTurn(NamedTuple):
    """One turn as it was spoken; a plain tuple of the same four will do.

    Attributes:
        speaker: Who speaks.
        text: What is said.
        audio: The file.
        words: Times of the words, from the start of the file.
    """

    speaker: str
    text: str
    audio: Path
    words: Sequence[Word]


class EpisodeTurn(BaseModel):
    """Where a turn is heard in the episode (seconds)."""

    speaker: str
    text: str
    start: float
    end: float
    words: list[Word]


class Episode(BaseModel):
    """A finished episode.

    Attributes:
        title: Its title.
        wav: The audio, lossless.
        mp3: The audio, to share.
        transcript: Turns and words with their times, as JSON.
        subtitles: The same for players, as WebVTT.
        seconds: Length.
        sample_rate: Hz.
        loudness_lufs: Integrated loudness.
        peak_dbfs: Loudest sample.
        speakers: In order of appearance.
        turns: What was said when.
    """

    title: str
    wav: str
    mp3: str
    transcript: str
    subtitles: str
    seconds: float
    sample_rate: int
    loudness_lufs: float
    peak_dbfs: float
    speakers: list[str]
    turns: list[EpisodeTurn]

    @property
    def summary(self) -> str:
        """What was made, in a line."""
        return f"{self.title}: {self.seconds:.0f} s, {len(self.turns)} turns, {self.loudness_lufs:.1f} LUFS"

    def for_model(self) -> str:
        """Return what a model needs to know: everything but the turns and the times of their words."""
        return self.model_dump_json(exclude={"turns"})


def assemble(turns: Sequence[tuple[str, str, Path, Sequence[Word]]], output_stem: Path, title: str) -> Episode:
    """Join turns into `STEM.wav`, `STEM.mp3`, `STEM.transcript.json` and `STEM.vtt`.

    The same turns make the same files; each file appears whole or not at all. It blocks (one or two seconds for
    each hundred of the episode): call it in a thread.

    Args:
        turns: `SpokenTurn`s, in order.
        output_stem: Path of the files without their suffixes.
        title: Title of the episode.

    Raises:
        InputError: There are no turns, or the audio of one cannot be read.
        StorageFull: The disk has no room.
        WorkspaceError: The folder cannot be written.
    """
    import numpy as np

    from tools.speech.loudness import loudness, to_loudness

    spoken = [SpokenTurn(*turn) for turn in turns]
    if not spoken:
        raise InputError("The episode has no turns.", "Give a script with at least one turn.")
    read = [read_audio(turn.audio) for turn in spoken]
    rate = max(_LEAST_RATE, *(its_rate for _, its_rate in read))
    pieces: list[Samples] = [np.zeros(int(_LEAD * rate))]
    placed: list[EpisodeTurn] = []
    length = len(pieces[0])
    for number, (turn, (samples, its_rate)) in enumerate(zip(spoken, read, strict=True)):
        if number:
            pieces.append(np.zeros(int(_gap(spoken[number - 1], turn) * rate)))
            length += len(pieces[-1])
        # Each turn is brought to the target by itself: that is what makes the speakers equally loud.
        voice, cut = _trim(to_loudness(resample(samples, its_rate, rate), rate), rate)
        placed.append(_place(turn, length, len(voice), cut, rate))
        pieces.append(voice)
        length += len(voice)
    pieces.append(np.zeros(int(_CLOSE * rate)))
    whole = to_loudness(np.concatenate(pieces), rate)
    paths = [output_stem.with_name(output_stem.name + suffix) for suffix in _SUFFIXES]
    wav, mp3, transcript, subtitles = paths
    episode = Episode(
        title=title,
        wav=str(wav),
        mp3=str(mp3),
        transcript=str(transcript),
        subtitles=str(subtitles),
        seconds=len(whole) / rate,
        sample_rate=rate,
        loudness_lufs=round(loudness(whole, rate), 2),
        peak_dbfs=round(20 * float(np.log10(np.abs(whole).max() + 1e-9)), 2),
        speakers=list(dict.fromkeys(turn.speaker for turn in spoken)),
        turns=placed,
    )
    for path in (wav, mp3):
        write_audio(path, whole, rate, title=title, comment="Synthetic speech, made by Nexus")
    write_whole(transcript, _transcript(episode).encode())
    write_whole(subtitles, _subtitles(episode).encode())
    return episode


def _gap(before: SpokenTurn, after: SpokenTurn) -> float:
    if before.speaker == after.speaker:
        return _SAME_SPEAKER
    return _AFTER_QUESTION if before.text.rstrip().endswith("?") else _OTHER_SPEAKER


def _trim(samples: Samples, rate: int) -> tuple[Samples, float]:
    """Cut the silence at both ends; returns what is left and the seconds cut at the front."""
    import numpy as np

    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max(initial=0.0) * _QUIET)
    if len(loud) == 0:
        return samples, 0.0
    edge = int(_EDGE * rate)
    first, last = max(0, loud[0] - edge), min(len(samples), loud[-1] + edge)
    faded = samples[first:last].copy()
    ramp = np.linspace(0.0, 1.0, min(edge // 4, len(faded)))
    faded[: len(ramp)] *= ramp
    faded[len(faded) - len(ramp) :] *= ramp[::-1]
    return faded, float(first) / rate


def _place(turn: SpokenTurn, offset: int, length: int, cut: float, rate: int) -> EpisodeTurn:
    start, end = offset / rate, (offset + length) / rate

    def heard(seconds: float) -> float:
        return round(min(max(seconds - cut + start, start), end), 3)

    words = [Word(text=word.text, start=heard(word.start), end=heard(word.end)) for word in turn.words]
    return EpisodeTurn(speaker=turn.speaker, text=turn.text, start=round(start, 3), end=round(end, 3), words=words)


def _transcript(episode: Episode) -> str:
    # Names of files, not paths: the folder may be moved.
    document = episode.model_dump()
    for name in ("wav", "mp3", "transcript", "subtitles"):
        document[name] = Path(document[name]).name
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _subtitles(episode: Episode) -> str:
    cues = ["WEBVTT\n"]
    for turn in episode.turns:
        text = " ".join(turn.text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        speaker = turn.speaker.replace(">", "").replace("\n", " ")
        cues.append(f"{_clock(turn.start)} --> {_clock(turn.end)}\n<v {speaker}>{text}\n")
    return "\n".join(cues)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
