"""The sandbox: programs run apart from Nexus, held to a level that the machine really has."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tools.sandbox.levels import level, short_level
    from tools.sandbox.running import Completed, run, run_for

__all__ = ["Completed", "level", "run", "run_for", "short_level"]

_PLACES = {
    "Completed": "tools.sandbox.running",
    "level": "tools.sandbox.levels",
    "run": "tools.sandbox.running",
    "run_for": "tools.sandbox.running",
    "short_level": "tools.sandbox.levels",
}


def __getattr__(name: str) -> object:
    # Lazily: the process between Nexus and a command imports its modules from this package, and each command waits
    # for it.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PLACES[name]), name)
