"""Opens memory to look at it, without the weight of LangGraph."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["look"]

T = TypeVar("T")


def look(at: Callable[[Runtime], Awaitable[T]], config: Path | None = None) -> T:
    """Call a function with a runtime that works no runs, and return its answer."""

    async def call() -> T:
        from nexus_agents.runtime.runtime import open_runtime
        from nexus_agents.runtime.settings import load_settings

        async with open_runtime(load_settings(config), checkpoints=False) as runtime:
            return await at(runtime)

    return asyncio.run(call())
