"""Processes that go on in the background while a run is at work, as its tools see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    from nexus_agents.core.tool import Job

__all__ = ["ProcessState", "Processes"]


class ProcessState(BaseModel):
    """How a background process stands.

    Attributes:
        name: What the run calls it.
        command: What was started, as one would type it.
        status: `lost` where the run was cut off or paused since: no process outlives that.
        returncode: Exit status once it has ended.
        cut: Why it was ended where it did not end by itself: a limit.
        output: The end of what it has printed, on both of its outputs.
    """

    name: str
    command: str
    status: Literal["running", "ended", "stopped", "lost"]
    returncode: int | None = None
    cut: str = ""
    output: str = ""

    @property
    def summary(self) -> str:
        """What people are told."""
        if self.status == "lost":
            return f"{self.name} ended when the run was cut off; start it again"
        if self.cut:
            return f"{self.name} {self.cut}"
        status = f" with returncode {self.returncode}" if self.returncode is not None else ""
        return f"{self.name} {'is running' if self.status == 'running' else self.status}{status}"

    def for_model(self) -> str:
        """What the model is told."""
        return f"{self.summary}: {self.command}\n{self.output or '[no output]'}"


class Processes(Protocol):
    """The background processes of one run; all end when the run ends, pauses or is cut off."""

    async def start(self, job: Job, name: str, argv: Sequence[str], shown: str) -> ProcessState:
        """Start a process; the same again under the same name is the one that runs.

        Args:
            job: The call that starts it: what holds its programs holds this one.
            name: What the run will call it.
            argv: The program and its arguments.
            shown: The command as it was given.

        Raises:
            ToolInputError: Another command runs under that name, or too many run.
        """
        ...

    async def wait(self, name: str, text: str, seconds: float) -> None:
        """Wait until a text (anything, where it is empty) is printed, until the process ends, or for some seconds."""
        ...

    def read(self, name: str, characters: int) -> ProcessState:
        """Return how a process stands, with the end of its output.

        Raises:
            ToolInputError: There never was one of that name.
        """
        ...

    async def stop(self, name: str) -> ProcessState:
        """End a process and all that it has started; one that has ended stays as it is.

        Raises:
            ToolInputError: There never was one of that name.
        """
        ...

    def names(self) -> list[str]:
        """Return the names of all processes that the run has started."""
        ...
