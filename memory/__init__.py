"""The SQL memory: runs, events, ledger, artifacts, shared context, voices and checkpoints in one database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory.sql import SqlMemory, open_memory

__all__ = ["SqlMemory", "open_memory"]

# LangGraph reads this once, at its first import: a checkpoint must never import and run code.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")


def __getattr__(name: str) -> object:
    if name in __all__:
        from memory import sql

        return getattr(sql, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
