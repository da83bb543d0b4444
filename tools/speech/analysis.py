"""Speech as WORLD sees it: pitch, spectral envelope and breath, frame by frame; and back to sound.

M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system" (IEICE 2016).
"""

# pyright: basic
# pyworld is compiled from Cython and carries no types.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

__all__ = ["BANDS", "Frames", "active_frames", "analyse", "code", "decode", "log_pitch", "smooth", "synthesise", "warp"]

Array = NDArray[np.float64]

BANDS = 30
"""Mel-cepstral coefficients of an envelope; the first is its level."""

_PERIOD = 5.0  # milliseconds between frames
_FLOOR, _CEILING = 71.0, 500.0  # Hz; the floor is the one that CheapTrick's window is made for
_PAUSE = 35.0  # dB under the loud frames, where speech counts as a pause
_TINY = 1e-16


@dataclass(frozen=True)
class Frames:
    """An utterance, one row every 5 ms.

    Attributes:
        pitch: `(frames,)` Hz, 0 where unvoiced.
        envelope: `(frames, bins)` power spectrum without the harmonics.
        breath: `(frames, bands)` coded aperiodicity (dB); empty where it was not asked for.
    """

    pitch: Array
    envelope: Array
    breath: Array


def analyse(samples: Array, rate: int, *, breath: bool = False) -> Frames:
    """Take speech apart.

    Args:
        samples: `(samples,)` mono.
        rate: Hz.
        breath: Measure the aperiodicity too; it takes as long as all the rest.
    """
    samples = np.ascontiguousarray(samples, dtype=np.float64)
    # DIO with StoneMask: HARVEST is more exact and takes twenty times as long.
    rough, times = pyworld.dio(samples, rate, f0_floor=_FLOOR, f0_ceil=_CEILING, frame_period=_PERIOD)
    pitch = pyworld.stonemask(samples, rough, times, rate)
    envelope = pyworld.cheaptrick(samples, pitch, times, rate)
    coded = np.zeros((len(pitch), 0))
    if breath:
        coded = pyworld.code_aperiodicity(pyworld.d4c(samples, pitch, times, rate), rate)
    return Frames(pitch, envelope, coded)


def synthesise(frames: Frames, rate: int) -> Array:
    """Make sound of frames; the same frames give the same samples."""
    size = 2 * (frames.envelope.shape[1] - 1)
    breath = pyworld.decode_aperiodicity(np.ascontiguousarray(frames.breath), rate, size)
    envelope = np.ascontiguousarray(frames.envelope)
    return pyworld.synthesize(np.ascontiguousarray(frames.pitch), envelope, breath, rate, _PERIOD)


def code(envelope: Array, rate: int) -> Array:
    """Return the mel-cepstra `(frames, BANDS)` of envelopes `(frames, bins)`."""
    return pyworld.code_spectral_envelope(np.ascontiguousarray(envelope), rate, BANDS)


def decode(cepstra: Array, rate: int, bins: int) -> Array:
    """Return the envelopes `(frames, bins)` of mel-cepstra `(frames, BANDS)`."""
    return pyworld.decode_spectral_envelope(np.ascontiguousarray(cepstra), rate, 2 * (bins - 1))


def active_frames(envelope: Array, threshold: float | None = None) -> tuple[NDArray[np.bool_], float]:
    """Tell speech from pauses.

    Args:
        envelope: `(frames, bins)`.
        threshold: Energy (dB) above which a frame is speech; by default 35 dB under the loud frames.

    Returns:
        A mask `(frames,)` and the threshold.
    """
    energy = 10 * np.log10(envelope.sum(axis=1) + _TINY)
    if threshold is None:
        threshold = float(np.percentile(energy, 95)) - _PAUSE
    return energy > threshold, threshold


def log_pitch(pitch: Array) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm of the voiced pitch, octave errors left out."""
    logs = np.log(pitch[pitch > 0])
    if len(logs) == 0:
        return float(np.log(120.0)), 0.12
    logs = logs[np.abs(logs - np.median(logs)) < 0.5]
    return float(logs.mean()), float(max(logs.std(), 0.02))


def warp(envelope: Array, factor: float) -> Array:
    """Stretch the frequency axis: a factor above 1 moves formants up, as a shorter vocal tract does."""
    bins = envelope.shape[1]
    source = np.clip(np.arange(bins) / factor, 0, bins - 1)
    below = np.floor(source).astype(int)
    above, share = np.minimum(below + 1, bins - 1), source - below
    logs = np.log(envelope + _TINY)
    return np.exp(logs[:, below] * (1 - share) + logs[:, above] * share)


def smooth(values: Array, width: int) -> Array:
    """Smooth along the first axis by a Hann window of an odd width."""
    window = np.hanning(width + 2)[1:-1]
    window /= window.sum()
    edges = [(width // 2, width // 2)] + [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, edges, mode="edge")
    return np.sum([weight * padded[k : k + len(values)] for k, weight in enumerate(window)], axis=0)
