"""What all screens share: the app with its own type, and workers whose faults do not end the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen, ScreenResultType
from textual.worker import Worker, WorkerState

if TYPE_CHECKING:
    from tui.app import NexusApp

__all__ = ["NexusScreen"]


class NexusScreen(Screen[ScreenResultType]):
    """A screen of this app."""

    @property
    def nexus(self) -> NexusApp:
        """The app, with its own type."""
        from tui.app import NexusApp

        assert isinstance(self.app, NexusApp)
        return self.app

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell of a worker that failed, and go on."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.nexus.tell(event.worker.error)
