"""Loudness as broadcasters measure it, and bringing speech to it without clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import lfilter

if TYPE_CHECKING:
    from tools.speech.audio import Samples

__all__ = ["TARGET", "loudness", "to_loudness"]

TARGET = -19.0
"""LUFS; what platforms ask of mono speech, and as loud as -16 LUFS in stereo."""

_CEILING = -1.5  # dBFS: lossy formats overshoot by some tenths, and -1 must hold for them too
_ATTACK = 0.005  # seconds that the limiter looks ahead


def loudness(samples: Samples, rate: int) -> float:
    """Return the integrated loudness (LUFS) of mono audio; -70 for silence.

    ITU-R BS.1770-4: K-weighting, blocks of 400 ms overlapping by 75 %, gates at -70 LUFS and 10 LU under the mean.
    """
    weighted = samples
    for numerator, denominator in _k_weighting(rate):
        weighted = np.asarray(lfilter(numerator, denominator, weighted))
    hop = rate // 10
    missing = max(4 * hop - len(weighted), 0)
    hops = np.pad(weighted, (0, missing))[: max(len(weighted), 4 * hop) // hop * hop].reshape(-1, hop)
    power = np.convolve(np.einsum("ij,ij->i", hops, hops) / hop, np.full(4, 0.25), "valid")
    audible = power[power > 10 ** ((-70 + 0.691) / 10)]
    if len(audible) == 0:
        return -70.0
    loud = audible[audible > audible.mean() * 0.1]
    return float(-0.691 + 10 * np.log10(loud.mean()))


def to_loudness(samples: Samples, rate: int, target: float = TARGET) -> Samples:
    """Bring speech to a loudness (LUFS); peaks above -1.5 dBFS are turned down smoothly, silence is left alone."""
    present = loudness(samples, rate)
    if present <= -70:
        return samples
    louder = samples * 10 ** ((target - present) / 20)
    ceiling = 10 ** (_CEILING / 20)
    if np.abs(louder).max() <= ceiling:
        return louder
    reach = 2 * int(_ATTACK * rate) + 1
    gain = np.minimum(1.0, ceiling / np.maximum(np.abs(louder), 1e-9))
    # The mean of minima over a window as wide never exceeds the minimum at its middle: no peak gets through.
    return louder * uniform_filter1d(minimum_filter1d(gain, reach), reach)


def _k_weighting(rate: int) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
    # Analogue parameters of the two filters of BS.1770, so that they hold at any rate: B. De Man,
    # "Evaluation of implementations of the EBU R128 loudness measurement" (AES 145, 2018).
    k, q, gain = np.tan(np.pi * 1681.974450955533 / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle, norm = gain**0.4996667741545416, 1 + k / q + k * k
    shelf = [(gain + middle * k / q + k * k), 2 * (k * k - gain), (gain - middle * k / q + k * k)]
    shelf_poles = [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    low = 1 + k / q + k * k
    high_pass_poles = [1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low]
    return ([value / norm for value in shelf], shelf_poles), ([1.0, -2.0, 1.0], high_pass_poles)
