"""Transactions that run to their end although whoever waits for them is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

__all__ = ["Unbroken"]

T = TypeVar("T")


class Unbroken:
    """Runs short pieces of database work so that a cancellation never stops one half-way.

    A driver that is cancelled between BEGIN and COMMIT leaves its connection, and with it the write lock of
    the database, in the hands of nobody. So the work goes on by itself; only the waiting ends.
    """

    def __init__(self) -> None:
        self._open: set[asyncio.Task[object]] = set()

    async def run(self, work: Coroutine[None, None, T]) -> T:
        """Run a piece of work and return what it returns; where this is cancelled, the work still ends."""
        task = asyncio.create_task(work)
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait for the work whose callers were cancelled."""
        while self._open:
            await asyncio.wait(self._open)
