"""Fits a likeness to a clip: M. Morise's WORLD takes both apart, pairs of frames tie them together.

The pairs come from the synthesiser saying the clip's own words, where these are known, else from frames that are alike.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nexus_agents.core.errors import InputError
from tools.speech.alignment import context, pair_by_likeness, pair_by_time
from tools.speech.analysis import active_frames, analyse, code, log_pitch, smooth, warp
from tools.speech.likeness import LEVEL, NEIGHBOURS, SHAPE, Likeness

__all__ = ["fit", "level"]

Array = NDArray[np.float64]

_WARPS = np.linspace(0.84, 1.20, 13)  # from a tract a fifth longer to one a sixth shorter
_MOST_TILT, _MOST_FINE = 4.6, 2.3  # natural logarithm of power: 20 and 10 dB
_MOST_GAIN = 1.6
_TINY = 1e-16


def fit(clip: Array, speech: Array, other: Array, rate: int, *, words_per_minute: int, same_words: bool) -> Likeness:
    """Fit a likeness.

    Args:
        clip: The speaker, at `rate`.
        speech: The synthesiser, at `rate`, saying what the clip says, or something else.
        other: The synthesiser saying other words: gains and equaliser are set on these.
        rate: Hz.
        words_per_minute: The rate at which the synthesiser spoke.
        same_words: Whether clip and speech say the same.

    Raises:
        InputError: Clip and speech have too few frames in common.
    """
    source_level = level(speech)
    target = analyse(clip * (LEVEL / level(clip)), rate, breath=True)
    source = analyse(speech * (LEVEL / source_level), rate)
    heard, _ = active_frames(target.envelope)
    spoken, threshold = active_frames(source.envelope)
    shapes = code(target.envelope, rate)
    factor = _tract(source.envelope[spoken], shapes[heard], rate)
    tilt = _tilt(target.envelope[heard], warp(source.envelope, factor)[spoken])
    own = code(warp(source.envelope, factor) * np.exp(tilt), rate)
    centre, spread = own[spoken][:, SHAPE].mean(0), own[spoken][:, SHAPE].std(0) + 1e-6
    here = (own[:, SHAPE] - centre) / spread
    there = (shapes[:, SHAPE] - shapes[heard][:, SHAPE].mean(0)) / (shapes[heard][:, SHAPE].std(0) + 1e-6)
    if same_words:
        ones, others = pair_by_time(_with_level(here, own)[::2], _with_level(there, shapes)[::2])
        ones, others = np.concatenate([2 * ones, 2 * ones + 1]), np.concatenate([2 * others, 2 * others + 1])
        fits = (ones < len(own)) & (others < len(shapes))
        ones, others = ones[fits], others[fits]
    else:
        ones, others = pair_by_likeness(here[spoken], there[heard])
        ones, others = np.flatnonzero(spoken)[ones], np.flatnonzero(heard)[others]
    both = spoken[ones] & heard[others]
    ones, others = ones[both], others[both]
    if len(ones) < 10 * NEIGHBOURS:
        raise InputError(
            "The clip and its transcript have too little in common.",
            "Check that the transcript says what the clip says, or leave it out.",
        )
    rough = Likeness(
        rate=rate,
        words_per_minute=words_per_minute,
        source_level=source_level,
        threshold=threshold,
        pitches=np.array([log_pitch(source.pitch), log_pitch(target.pitch)]),
        warp=factor,
        tilt=tilt,
        centre=centre,
        spread=spread,
        keys=context(here)[ones],
        shapes=shapes[others],
        breaths=target.breath[others],
        voiced=target.pitch[others] > 0,
        gain=np.ones(shapes.shape[1]),
        mean=np.zeros(shapes.shape[1]),
        lift=float(shapes[heard][:, 0].mean() - own[spoken][:, 0].mean()),
        equaliser=np.zeros(target.envelope.shape[1]),
    )
    return _finish(rough, other, target.envelope[heard], shapes[heard])


def level(samples: Array) -> float:
    """Return the RMS of the parts that are no pauses (blocks of 320 samples within 30 dB of the loudest)."""
    blocks = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = (blocks**2).mean(axis=1) if len(blocks) else np.zeros(1)
    return float(np.sqrt(power[power >= power.max() * 1e-3].mean()) + 1e-9)


def _finish(rough: Likeness, other: Array, heard: Array, shapes: Array) -> Likeness:
    # On words that the pairs have not seen: on their own words every frame would find itself.
    frames = analyse(other * (LEVEL / rough.source_level), rough.rate)
    active, _ = active_frames(frames.envelope, rough.threshold)
    own = code(rough.towards_tract(frames.envelope), rough.rate)
    moved = rough.regress(own, frames.pitch > 0, active)[0][active]
    gain = np.clip(shapes.std(axis=0) / (moved.std(axis=0) + 1e-6), 1.0, _MOST_GAIN)
    lively = replace(rough, gain=gain, mean=moved.mean(axis=0))
    made = lively.move(frames).envelope[active]
    difference = smooth(np.log(heard.mean(0) + _TINY) - np.log(made.mean(0) + _TINY), 15)
    return replace(lively, equaliser=np.clip(difference - difference.mean(), -_MOST_FINE, _MOST_FINE))


def _tract(source: Array, shapes: Array, rate: int) -> float:
    def mismatch(factor: float) -> float:
        tried = code(warp(source[::4], factor), rate)
        by_mean, by_spread = tried.mean(0) - shapes.mean(0), tried.std(0) - shapes.std(0)
        return float((by_mean[1:] ** 2).sum() + (by_spread[1:] ** 2).sum())

    return float(min(_WARPS, key=mismatch))


def _tilt(heard: Array, spoken: Array) -> Array:
    difference = smooth(np.log(heard + _TINY).mean(0) - np.log(spoken + _TINY).mean(0), 9)
    return np.clip(difference, -_MOST_TILT, _MOST_TILT)


def _with_level(features: Array, cepstra: Array) -> Array:
    first = cepstra[:, :1]
    return np.concatenate([features, (first - first.mean()) / (first.std() + 1e-6)], axis=1)
