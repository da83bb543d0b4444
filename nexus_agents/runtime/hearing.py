"""What people say to a run that is at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexus_agents.core.events import UserSaid
    from nexus_agents.core.ports import EventLog
    from nexus_agents.runtime.recorder import RunRecorder

__all__ = ["Hearing"]


class Hearing:
    """The words of the user to one run, looked for anew at each question.

    Args:
        events: Where they are written, by another process as a rule.
        run_id: The run.
        recorder: Tells how far the events are known.
    """

    def __init__(self, events: EventLog, run_id: str, recorder: RunRecorder) -> None:
        self._events = events
        self._run_id = run_id
        self._recorder = recorder
        self._heard: list[UserSaid] = []
        self._known = 0

    async def said(self) -> Sequence[UserSaid]:
        """Return all that was said to the run, oldest first."""
        # Numbers have no gaps: what has a smaller one than an event of our own is there by now.
        own = self._recorder.newest
        new = await self._events.said(self._run_id, after=self._known)
        self._heard += new
        self._known = max([own, self._known, *(event.seq for event in new)])
        return tuple(self._heard)
