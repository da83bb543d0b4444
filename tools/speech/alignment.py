"""Which frame of one utterance belongs to which of another: by time where the words are the same, else by likeness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

__all__ = ["context", "nearest_frames", "pair_by_likeness", "pair_by_time"]

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

_STEPS = ((1, 1), (1, 2), (2, 1), (0, 1), (1, 0))
"""Moves that a path may make, in frames of the first and of the second utterance."""
_ROUNDS = 4
_CHUNK = 1024  # frames searched at a time, which bounds memory


def pair_by_time(first: Array, second: Array) -> tuple[Indices, Indices]:
    """Align two utterances of the same words by dynamic time warping (Sakoe and Chiba 1978).

    Args:
        first: `(n, features)`.
        second: `(m, features)`.

    Returns:
        Indices of paired frames, in order of time.
    """
    distance = cdist(first, second).astype(np.float32)
    n, m = distance.shape
    # Row d, column i holds cell (i, d - i): all cells of an anti-diagonal are computed at once.
    total = np.full((n + m - 1, n), np.inf, dtype=np.float32)
    move = np.zeros((n + m - 1, n), dtype=np.int8)
    total[0, 0] = distance[0, 0]
    for diagonal in range(1, n + m - 1):
        low, high = max(0, diagonal - m + 1), min(n, diagonal + 1)
        rows = np.arange(low, high)
        reached = np.full((len(_STEPS), high - low), np.inf, dtype=np.float32)
        for number, (down, right) in enumerate(_STEPS):
            if diagonal >= down + right:
                fits = (rows >= down) & (diagonal - rows >= right)
                reached[number, fits] = total[diagonal - down - right, rows[fits] - down]
        best = reached.argmin(axis=0)
        move[diagonal, low:high] = best
        total[diagonal, low:high] = reached[best, np.arange(high - low)] + distance[rows, diagonal - rows]
    path = list(_walk_back(move, n - 1, m - 1))[::-1]
    pairs = np.array(path, dtype=np.intp)
    return pairs[:, 0], pairs[:, 1]


def pair_by_likeness(first: Array, second: Array) -> tuple[Indices, Indices]:
    """Pair frames of utterances of different words: nearest neighbours in both directions, refined in rounds.

    INCA: D. Erro, A. Moreno, A. Bonafonte, "INCA algorithm for training voice conversion systems from nonparallel
    corpora" (IEEE TASLP 2010): after each round the first utterance is moved towards what it was paired with.

    Args:
        first: `(n, features)`, normalised, without pauses.
        second: `(m, features)`, the same.
    """
    moved = first
    goal = context(second)
    firsts, seconds = np.arange(len(first)), np.arange(len(second))
    ones, others = firsts, firsts
    for _ in range(_ROUNDS):
        here = context(moved)
        forward = nearest_frames(here, goal, 1)[1][:, 0]
        backward = nearest_frames(goal, here, 1)[1][:, 0]
        ones, others = np.concatenate([firsts, backward]), np.concatenate([forward, seconds])
        near = nearest_frames(context(first), context(first)[ones], 8)[1]
        moved = 0.5 * moved + 0.5 * second[others][near].mean(axis=1)
    return ones, others


def context(features: Array, reach: int = 2) -> Array:
    """Put each frame beside its neighbours: `(frames, features)` to `(frames, (2 * reach + 1) * features)`."""
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    return np.concatenate([padded[k : k + len(features)] for k in range(2 * reach + 1)], axis=1)


def nearest_frames(wanted: Array, known: Array, count: int) -> tuple[Array, Indices]:
    """Return distances and indices `(frames, count)` of the nearest known frames, in no order within a row."""
    count = min(count, len(known))
    distances, indices = np.empty((len(wanted), count)), np.empty((len(wanted), count), dtype=np.intp)
    lengths = (known**2).sum(axis=1)
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        squares = (part**2).sum(axis=1)[:, None] + lengths - 2 * part @ known.T
        found = np.argpartition(squares, count - 1, axis=1)[:, :count]
        indices[start : start + _CHUNK] = found
        distances[start : start + _CHUNK] = np.sqrt(np.maximum(np.take_along_axis(squares, found, axis=1), 0))
    return distances, indices


def _walk_back(move: NDArray[np.int8], i: int, j: int) -> Iterator[tuple[int, int]]:
    while True:
        yield i, j
        if i == 0 and j == 0:
            return
        down, right = _STEPS[move[i + j, i]]
        i, j = i - down, j - right
