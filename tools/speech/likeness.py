"""A likeness of a speaker without neural weights: the synthesiser's speech, moved frame by frame towards a clip.

Pitch is mapped by mean and spread, the vocal tract by a warp of the frequency axis, and the envelope by regression
over the nearest paired frames. Everything is fixed when the voice is fitted; converting is deterministic.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nexus_agents.core.errors import InputError
from tools.speech.alignment import context, nearest_frames
from tools.speech.analysis import Frames, active_frames, analyse, code, decode, smooth, synthesise, warp
from tools.speech.audio import write_whole

__all__ = ["LEVEL", "NEIGHBOURS", "SHAPE", "Likeness"]

Array = NDArray[np.float64]

LEVEL = 0.05
"""RMS that speech is brought to before it is analysed."""
NEIGHBOURS = 16
"""Paired frames that each frame is regressed from."""
SHAPE = slice(1, 20)
"""Coefficients by which frames are compared: the shape without the level."""

_STRENGTH = 0.6
"""Share of the clip's envelope; above it likeness grows little and words become harder to understand."""
_SEGMENT = 8.0  # seconds converted at once


@dataclass(frozen=True)
class Likeness:
    """What was learnt from a clip.

    Attributes:
        rate: Hz, of all that is analysed and made.
        words_per_minute: Rate at which the synthesiser speaks, so that it keeps the clip's pace.
        source_level: RMS of the synthesiser's speech, by which its audio is scaled first.
        threshold: Energy (dB) above which a frame of the synthesiser is speech.
        pitches: Mean and spread of the log pitch: of the synthesiser, and of the clip.
        warp: Factor of the frequency axis.
        tilt: `(bins,)` log power added after the warp.
        centre: `(19,)` mean of the synthesiser's envelope shapes.
        spread: `(19,)` their standard deviation.
        keys: `(pairs, 95)` shapes in context, by which pairs are found.
        shapes: `(pairs, BANDS)` mel-cepstra of the clip.
        breaths: `(pairs, bands)` aperiodicity of the clip (dB).
        voiced: `(pairs,)` whether the clip was voiced there.
        gain: `(BANDS,)` restores the liveliness that averaging takes away.
        mean: `(BANDS,)` around which the gain works.
        lift: Level of the clip above the synthesiser, in the first coefficient.
        equaliser: `(bins,)` log power that brings the long-term spectrum to the clip's.
    """

    rate: int
    words_per_minute: int
    source_level: float
    threshold: float
    pitches: Array
    warp: float
    tilt: Array
    centre: Array
    spread: Array
    keys: Array
    shapes: Array
    breaths: Array
    voiced: NDArray[np.bool_]
    gain: Array
    mean: Array
    lift: float
    equaliser: Array

    def convert(self, samples: Array) -> Array:
        """Turn the synthesiser's speech at `rate` into the likeness: the same length, the same timing."""
        pieces = [self._convert_segment(part) for part in _segments(samples, self.rate)]
        return np.concatenate([np.zeros(0), *pieces])

    def save(self, path: Path) -> None:
        """Write the likeness as an npz file, whole or not at all."""
        data = io.BytesIO()
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        small: dict[str, Any] = {n: a.astype(np.float32) if a.ndim == 2 else a for n, a in arrays.items()}
        np.savez_compressed(data, **small)
        write_whole(path, data.getvalue())

    @classmethod
    def load(cls, path: Path) -> Likeness:
        """Read a likeness back.

        Raises:
            InputError: The file is missing or is not a likeness.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                arrays = {field.name: data[field.name] for field in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InputError(
                f"The voice's file {path.name} in {path.parent.name} is missing or damaged.",
                "Clone the voice again from its clip.",
            ) from error
        values: dict[str, Any] = {name: a.item() if a.ndim == 0 else _wide(a) for name, a in arrays.items()}
        return cls(**values)

    def move(self, frames: Frames) -> Frames:
        """Move analysed speech of the synthesiser towards the clip."""
        active, _ = active_frames(frames.envelope, self.threshold)
        envelope = self.towards_tract(frames.envelope)
        own = code(envelope, self.rate)
        moved, breath = self.regress(own, frames.pitch > 0, active)
        blend = _STRENGTH * moved + (1 - _STRENGTH) * own
        blend[:, 0] = own[:, 0] + self.lift
        bins = envelope.shape[1]
        return Frames(self._map_pitch(frames.pitch), decode(blend, self.rate, bins) * np.exp(self.equaliser), breath)

    def towards_tract(self, envelope: Array) -> Array:
        """Warp and tilt envelopes `(frames, bins)` of the synthesiser to the clip's vocal tract."""
        return warp(envelope, self.warp) * np.exp(self.tilt)

    def regress(self, own: Array, voiced: NDArray[np.bool_], active: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Look up what the clip did where the synthesiser does this.

        Args:
            own: `(frames, BANDS)` mel-cepstra after `towards_tract`.
            voiced: `(frames,)` where the synthesiser is voiced.
            active: `(frames,)` where it is no pause.

        Returns:
            Mel-cepstra and coded aperiodicity of the clip.
        """
        moved, breath = own.copy(), np.zeros((len(own), self.breaths.shape[1]))
        if not active.any():
            return moved, breath
        wanted = context((own[:, SHAPE] - self.centre) / self.spread)[active]
        distance, found = nearest_frames(wanted, self.keys, NEIGHBOURS)
        weight = 1 / (distance + 1e-3)
        moved[active] = _weighted(self.shapes[found], weight)
        moved[active] = (moved[active] - self.mean) * self.gain + self.mean
        # A voiced frame takes its breath from voiced frames of the clip only: else it would be whispered.
        fits = self.voiced[found] == voiced[active][:, None]
        breath[active] = _weighted(self.breaths[found], np.where(fits, weight, 1e-6 * weight))
        return smooth(moved, 5), breath

    def _convert_segment(self, samples: Array) -> Array:
        least = self.rate // 5  # WORLD needs a few periods to look at
        padded = np.pad(samples, (0, max(0, least - len(samples)))) * (LEVEL / self.source_level)
        made = synthesise(self.move(analyse(padded, self.rate)), self.rate)[: len(samples)]
        return np.pad(made, (0, len(samples) - len(made)))

    def _map_pitch(self, pitch: Array) -> Array:
        (source, source_spread), (target, target_spread) = self.pitches
        voiced = pitch > 0
        offset = np.log(np.where(voiced, pitch, 1.0)) - source
        limited = np.clip(offset, -3 * source_spread, 3 * source_spread)
        ratio = np.clip(target_spread / source_spread, 0.5, 2.0)
        return np.where(voiced, np.exp(limited * ratio + target), 0.0)


def _weighted(values: Array, weight: Array) -> Array:
    return np.einsum("fkb,fk->fb", values, weight / weight.sum(axis=1, keepdims=True))


def _segments(samples: Array, rate: int) -> list[Array]:
    """Cut at the quietest moment of each stretch of 6 to 8 seconds."""
    size, hop, parts = int(_SEGMENT * rate), rate // 100, []
    while len(samples) > size:
        late = samples[size * 3 // 4 : size]
        power = (late[: len(late) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
        cut = size * 3 // 4 + int(smooth(power, 5).argmin()) * hop + hop // 2
        parts.append(samples[:cut])
        samples = samples[cut:]
    return [*parts, samples] if len(samples) else parts


def _wide(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values.astype(np.float64) if values.dtype.kind == "f" else values
