"""The events of one run: written down in order, and shown to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.ports import EventLog

__all__ = ["RunRecorder"]


class RunRecorder:
    """Implements `Recorder` of core.

    Args:
        events: Where events are kept.
        run_id: The run.
        show: Called with each event, in order, kept or not.

    Attributes:
        newest: The number of the newest event that was written here.
        count: Called with each event that is kept, before it is shown.
    """

    def __init__(self, events: EventLog, run_id: str, show: Callable[[AnyEvent], None]) -> None:
        self._events = events
        self._run_id = run_id
        self._show = show
        self.newest = 0
        self.count: Callable[[AnyEvent], None] | None = None

    async def emit(self, event: AnyEvent) -> None:
        """Persist an event and show it."""
        kept = await self._events.append(self._run_id, event)
        self.newest = max(self.newest, kept.seq)
        if self.count:
            self.count(kept)
        self._show(kept)

    def show(self, event: AnyEvent) -> None:
        """Show an event that is not kept, or that was persisted together with something else."""
        self.newest = max(self.newest, event.seq)
        self._show(event)
