"""Short names for dotted paths: imported on first use, extended by agents.yaml and by other packages."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from nexus_agents.core.errors import ConfigError
from nexus_agents.core.names import nearest

__all__ = ["Registry", "load_dotted"]


class Registry:
    """Maps a short name to `package.module:attribute`.

    What agents.yaml adds comes first, then what is built in, then the entry points of other packages.

    Args:
        kind: What is registered, in the singular, for error messages.
        builtin: The names that ship with Nexus.
        group: Entry-point group of other packages, for instance `nexus.tools`.
        extra: Names added by the user.
    """

    def __init__(
        self, kind: str, builtin: Mapping[str, str], group: str, extra: Mapping[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.group = group
        self._paths = {**_plugins(group), **builtin, **(extra or {})}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def path(self, name: str) -> str:
        """Return the dotted path behind a name; a dotted path stands for itself.

        Raises:
            ConfigError: Nothing is registered under that name.
        """
        if name in self._paths:
            return self._paths[name]
        if ":" in name and "." in name:
            return name
        close = nearest(name, self._paths)
        raise ConfigError(
            f"There is no {self.kind} named {name!r}.",
            f"Did you mean {close!r}?" if close else f"There are: {', '.join(self)}.",
        )

    def load(self, name: str) -> Any:
        """Import and return what a name stands for."""
        return load_dotted(self.path(name), self.kind)


def load_dotted(path: str, kind: str = "object") -> Any:
    """Import `package.module:attribute`.

    Raises:
        ConfigError: The path cannot be imported.
    """
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"The {kind} {path!r} cannot be imported: {error}.",
            "Write it as package.module:name, and install the package into the environment of Nexus.",
        ) from error


@cache
def _plugins(group: str) -> dict[str, str]:
    # Reading what is installed costs 7 ms, and a run makes half a dozen registries.
    return {point.name: point.value for point in entry_points(group=group)}
