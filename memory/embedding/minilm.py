"""The sentence encoder all-MiniLM-L6-v2 in numpy alone: a BERT of 6 layers whose outputs are averaged.

Reimers and Gurevych, "Sentence-BERT" (2019); Wang et al., "MiniLM" (2020). The same vectors as with PyTorch to five
decimals, without its gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from memory.embedding.threads import one_thread
from memory.embedding.weights import check_weights, find_weights
from nexus_agents.core.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

__all__ = ["MiniLm", "create"]

_LAYERS, _HEADS, _WIDTH = 6, 12, 384
_HEAD = _WIDTH // _HEADS
_SHARE = 1 / _WIDTH
_LONGEST = 256
"""Tokens of a text that count; with this length the model was trained."""

_BATCH = 32


def create(folder: Path | None = None) -> MiniLm:
    """Load the encoder, about 0.3 s and 130 MB.

    Args:
        folder: Where the weights lie; by default where `find_weights` finds them.

    Raises:
        ConfigError: There are no weights, or they are not those of MiniLM.
        MissingExtra: A package is not installed.
    """
    folder = folder or find_weights()
    if folder is None:
        raise ConfigError("No weights of MiniLM were found.", "Run: make minilm")
    check_weights(folder)
    return MiniLm(folder)


class MiniLm:
    """Implements `Embedder`; the weights were checked before.

    Args:
        folder: Folder with `model.safetensors` and `tokenizer.json`.
    """

    name = "all-MiniLM-L6-v2"
    dimensions = _WIDTH

    def __init__(self, folder: Path) -> None:
        try:
            import numpy as np
            from safetensors import numpy as safetensors_numpy
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtra("Search by meaning", "minilm") from error
        self._np = np
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()
        # The declared type of the function has a hole.
        load = cast("Callable[[Path], dict[str, Array]]", safetensors_numpy.load_file)  # pyright: ignore[reportUnknownMemberType]
        weights = load(folder / "model.safetensors")
        self._words = weights["embeddings.word_embeddings.weight"]
        # Every text is one sentence: the embedding of "first sentence" is a constant, added to the positions.
        first = weights["embeddings.token_type_embeddings.weight"][0]
        self._positions = weights["embeddings.position_embeddings.weight"] + first
        self._norm = _pair(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(np, weights, f"encoder.layer.{number}") for number in range(_LAYERS)]

    def embed(self, texts: Sequence[str]) -> Array:
        """Return one vector of length 1 for each text, shape `(texts, 384)`."""
        np = self._np
        vectors = np.empty((len(texts), _WIDTH), dtype=np.float32)
        tokens: list[list[int]] = [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        # Texts of one length side by side: next to nothing is spent on padding.
        order = sorted(range(len(texts)), key=lambda place: len(tokens[place]))
        with one_thread():
            for start in range(0, len(order), _BATCH):
                places = order[start : start + _BATCH]
                vectors[places] = self._encode([tokens[place] for place in places])
        return vectors

    def _encode(self, batch: Sequence[Sequence[int]]) -> Array:
        np = self._np
        length = max(len(ids) for ids in batch)
        ids = np.zeros((len(batch), length), dtype=np.int64)
        real = np.zeros((len(batch), length), dtype=np.float32)
        for row, known in enumerate(batch):
            ids[row, : len(known)] = known
            real[row, : len(known)] = 1
        # (batch, length, 384)
        hidden = _normalise(np, self._words[ids] + self._positions[:length], *self._norm)
        # What is padding gets no attention; None where there is none.
        mask = (1 - real)[:, None, None, :] * np.float32(-1e9) if not real.all() else None
        for layer in self._layers:
            hidden = layer(hidden, mask)
        mean = (hidden * real[:, :, None]).sum(1) / real.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


class _Layer:
    """One layer of the encoder: attention, then two linear maps, each added to what came in and normalised."""

    def __init__(self, np: Any, weights: dict[str, Array], at: str) -> None:
        self._np = np
        parts = [_pair(weights, f"{at}.attention.self.{part}") for part in ("query", "key", "value")]
        # One product instead of three; the scale of attention goes into the queries. (384, 1152)
        scale = np.float32(_HEAD**-0.5)
        matrix = np.concatenate([weight for weight, _ in parts]).T.copy()
        bias = np.concatenate([offset for _, offset in parts])
        matrix[:, :_WIDTH] *= scale
        bias[:_WIDTH] *= scale
        self._ask = matrix, bias
        self._answer = _linear(weights, f"{at}.attention.output.dense")
        self._after_attention = _pair(weights, f"{at}.attention.output.LayerNorm")
        self._widen = _linear(weights, f"{at}.intermediate.dense")
        # Left as it lies: for a product with so few rows and this shape, OpenBLAS is quicker along the rows.
        weight, offset = _pair(weights, f"{at}.output.dense")
        self._narrow = weight.T, offset
        self._after_all = _pair(weights, f"{at}.output.LayerNorm")

    def __call__(self, hidden: Array, mask: Array | None) -> Array:
        np = self._np
        batch, length, _ = hidden.shape
        flat: Array = hidden.reshape(-1, _WIDTH)
        asked = (flat @ self._ask[0] + self._ask[1]).reshape(batch, length, 3, _HEADS, _HEAD)
        # Each (batch, heads, length, head), and copied: numpy multiplies stacks of scattered matrices slowly.
        query, key, value = np.ascontiguousarray(asked.transpose(2, 0, 3, 1, 4))
        attention = query @ key.transpose(0, 1, 3, 2)
        if mask is not None:
            attention += mask
        attention -= np.maximum.reduce(attention, -1, keepdims=True)
        np.exp(attention, out=attention)
        attention /= np.add.reduce(attention, -1, keepdims=True)
        seen: Any = (attention @ value).transpose(0, 2, 1, 3).reshape(-1, _WIDTH)
        flat = _normalise(np, flat + seen @ self._answer[0] + self._answer[1], *self._after_attention)
        wide: Any = _gelu(np, flat @ self._widen[0] + self._widen[1])
        flat = _normalise(np, flat + wide @ self._narrow[0] + self._narrow[1], *self._after_all)
        return flat.reshape(batch, length, _WIDTH)


def _pair(weights: dict[str, Array], name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _linear(weights: dict[str, Array], name: str) -> tuple[Array, Array]:
    weight, bias = _pair(weights, name)
    return weight.T.copy(), bias


def _normalise(np: Any, values: Array, weight: Array, bias: Array) -> Array:
    # `np.mean` and temporaries would take as long as the arithmetic: these matrices have a dozen rows.
    values = values - np.add.reduce(values, -1, keepdims=True) * _SHARE
    spread = np.einsum("...i,...i->...", values, values)[..., None]
    values *= 1 / np.sqrt(spread * _SHARE + np.float32(1e-12))
    values *= weight
    values += bias
    return values


def _gelu(np: Any, values: Array) -> Array:
    """Return x * Phi(x), the error function by Abramowitz and Stegun 7.1.26 (off by 1.5e-7 at most)."""
    size = np.abs(values)
    size *= np.float32(0.5**0.5)
    near = size * np.float32(0.3275911)
    near += 1
    np.reciprocal(near, out=near)
    series = near * np.float32(1.061405429)
    for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(term)
        series *= near
    np.multiply(size, size, out=size)
    np.negative(size, out=size)
    np.exp(size, out=size)
    series *= size
    # Phi(x) is 1 - series / 2 above zero and series / 2 below.
    series *= np.float32(0.5)
    np.subtract(1, series, out=series, where=values > 0)
    series *= values
    return series
