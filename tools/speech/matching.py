"""What a voice is fitted from: the nearest voice and pace of the synthesiser, and the report on how close it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nexus_agents.core.errors import InputError
from nexus_agents.core.voices import VoiceReport
from tools.speech.likeness import Likeness
from tools.speech.measures import pitch, semitones, spectrum, spectrum_distance
from tools.speech.presets import WORDS_PER_MINUTE
from tools.speech.world import fit

if TYPE_CHECKING:
    from tools.speech.audio import Samples

__all__ = ["fit_and_measure", "matching_pace", "nearest_base"]

_MOST_APART = 2.0
"""How much slower or faster than the synthesiser a person may say the transcript."""


def nearest_base(tried: dict[str, Samples], target: Samples, rate: int) -> str:
    """Return the voice of the synthesiser that a clip is nearest to, by spectrum and pitch; voices all say the same."""
    wanted, height = spectrum(target, rate), pitch(target, rate)

    def distance(base: str) -> float:
        samples = tried[base]
        # A semitone weighs as much as a decibel of spectrum: both are moved later, at a like cost in clarity.
        apart = semitones(pitch(samples, rate), height) if height else 0.0
        return spectrum_distance(spectrum(samples, rate), wanted) + apart

    return min(tried, key=distance)


def matching_pace(target: Samples, speech: Samples, rate: int) -> int:
    """Return the words per minute at which the synthesiser takes as long as the clip, within what is clear.

    Raises:
        InputError: The clip cannot be saying that.
    """
    ratio = _span(speech, rate) / _span(target, rate)
    if not 1 / _MOST_APART <= ratio <= _MOST_APART:
        raise InputError(
            f"The transcript takes {_span(speech, rate):.0f} seconds to say; the clip has {_span(target, rate):.0f}.",
            "Give the words that are spoken in the clip, or no transcript (and no .txt file beside the clip).",
        )
    return round(min(210, max(125, WORDS_PER_MINUTE * ratio)))


def fit_and_measure(
    target: Samples,
    speech: Samples,
    other: Samples,
    unseen: Samples,
    rate: int,
    words_per_minute: int,
    *,
    same_words: bool,
) -> tuple[Likeness, VoiceReport]:
    """Fit a likeness and report on it by measures that the fitting does not use.

    Args:
        target: The clip, at `rate`.
        speech: The synthesiser with the words of the clip, or other words.
        other: The synthesiser with words for setting gains and equaliser.
        unseen: The synthesiser with words that are only measured.
        rate: Hz.
        words_per_minute: Rate at which the synthesiser spoke.
        same_words: Whether clip and speech say the same.
    """
    likeness = fit(target, speech, other, rate, words_per_minute=words_per_minute, same_words=same_words)
    made, wanted = likeness.convert(unseen), spectrum(target, rate)
    height, reached = pitch(target, rate), pitch(made, rate)
    report = VoiceReport(
        clip_seconds=round(len(target) / rate, 2),
        f0_clip_hz=round(height, 1),
        f0_voice_hz=round(reached, 1),
        f0_error_semitones=round(semitones(height, reached), 2),
        spectrum_error_db=round(spectrum_distance(spectrum(made, rate), wanted), 2),
        spectrum_error_before_db=round(spectrum_distance(spectrum(unseen, rate), wanted), 2),
        engine="WORLD over eSpeak NG (not neural)",
    )
    return likeness, report


def _span(samples: Samples, rate: int) -> float:
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 0.05)
    return float(loud[-1] - loud[0]) / rate
