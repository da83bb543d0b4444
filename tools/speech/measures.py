"""Measures of speech that need no model and share no code with what fits a voice: pitch and spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import stft

from tools.speech.audio import resample

if TYPE_CHECKING:
    from tools.speech.audio import Samples

__all__ = ["pitch", "semitones", "spectrum", "spectrum_distance"]

_RATE = 16000  # Hz, at which pitch and spectrum are measured
_LOWEST, _HIGHEST = 60.0, 400.0  # Hz, range of pitch
_BANDS = 32
_SPEECH_GATE = 1e-4  # frames 40 dB under the loudest are pauses


def pitch(samples: Samples, rate: int) -> float:
    """Return the mean pitch (Hz, geometric) of the voiced parts; 0.0 where nothing is voiced.

    Normalised autocorrelation of 40 ms frames, as in Boersma, "Accurate short-term analysis of the fundamental
    frequency" (1993): the autocorrelation of the frame is divided by that of its window.
    """
    size, hop = int(0.040 * _RATE), int(0.010 * _RATE)
    frames = np.lib.stride_tricks.sliding_window_view(resample(samples, rate, _RATE), size)[::hop]
    power = (frames**2).mean(axis=1)
    frames = frames[power > power.max() * _SPEECH_GATE * 10]
    window = np.hanning(size)
    correlation = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window)
    own = _autocorrelation(window[None, :])
    correlation = correlation / (correlation[:, :1] + 1e-12) / (own / own[:, :1])
    first, last = int(_RATE / _HIGHEST), int(_RATE / _LOWEST)
    searched = correlation[:, first : last + 1]
    best = searched.max(axis=1)
    # The first lag that is nearly as good as the best: a later one is a multiple of the period.
    lags = np.argmax(searched >= 0.9 * best[:, None], axis=1)
    while True:
        after = np.minimum(lags + 1, searched.shape[1] - 1)
        rows = np.arange(len(lags))
        climbs = searched[rows, after] > searched[rows, lags]
        if not climbs.any():
            break
        lags = np.where(climbs, after, lags)
    found = _RATE / (first + lags[(best > 0.6) & (lags > 0) & (lags < searched.shape[1] - 1)])
    if len(found) == 0:
        return 0.0
    logs = np.log(found)
    return float(np.exp(logs[np.abs(logs - np.median(logs)) < 0.4].mean()))


def semitones(first: float, second: float) -> float:
    """Return the distance of two pitches (Hz) in semitones."""
    return abs(12 * float(np.log2(first / second))) if first > 0 and second > 0 else float("inf")


def spectrum(samples: Samples, rate: int) -> Samples:
    """Return the long-term average spectrum in 32 mel bands to 8 kHz (dB, mean removed), pauses left out."""
    _, _, bins = stft(resample(samples, rate, _RATE), _RATE, nperseg=1024, noverlap=768)
    power = _mel_filters(bins.shape[0]) @ (np.abs(bins) ** 2)
    total = power.sum(axis=0)
    decibels = 10 * np.log10(power[:, total > total.max() * _SPEECH_GATE].mean(axis=1) + 1e-12)
    return np.asarray(decibels - decibels.mean())


def spectrum_distance(first: Samples, second: Samples) -> float:
    """Return the RMS distance (dB) of two results of `spectrum`."""
    return float(np.sqrt(((first - second) ** 2).mean()))


def _autocorrelation(frames: Samples) -> Samples:
    size = 2 * frames.shape[1]
    return np.fft.irfft(np.abs(np.fft.rfft(frames, size)) ** 2, size)[:, : frames.shape[1]]


def _mel_filters(bins: int) -> Samples:
    edges = np.linspace(_mel(60.0), _mel(_RATE / 2), _BANDS + 2)
    frequencies = _mel(np.linspace(0, _RATE / 2, bins))[None, :]
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.maximum(0.0, np.minimum(rising, falling))


def _mel(hertz: Samples | float) -> Samples:
    return np.asarray(2595 * np.log10(1 + np.asarray(hertz) / 700))  # O'Shaughnessy 1987
