"""What screens ask of the app."""

from __future__ import annotations

from textual.message import Message

__all__ = ["DeskFailed", "DeskOpened", "OpenSession", "StartSession"]


class DeskOpened(Message):
    """The memory is open: runs can be listed and started."""


class DeskFailed(Message):
    """The memory could not be opened.

    Attributes:
        why: What is wrong, and what to do.
    """

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class OpenSession(Message):
    """Show the session of a run, and go on with it where that is asked.

    Attributes:
        run_id: The run.
        resume: Have it worked from where it stands.
    """

    def __init__(self, run_id: str, *, resume: bool = False) -> None:
        super().__init__()
        self.run_id = run_id
        self.resume = resume


class StartSession(Message):
    """Begin a new session with a request."""

    def __init__(self, request: str) -> None:
        super().__init__()
        self.request = request
