"""The list of runs: search, open, rename, delete and bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from tui.messages import OpenSession
from tui.screens.base import NexusScreen
from tui.widgets.plain import PlainStatic, clean, shorten

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.runs import Run

__all__ = ["RenameScreen", "RunsScreen"]

MOST = 5_000
"""Runs that are read; older ones are found with `nexus runs --limit`."""


class RunsScreen(NexusScreen[None]):
    """All runs, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("f2", "rename", "Rename"),
        Binding("delete,ctrl+d", "delete", "Delete"),
        Binding("ctrl+z", "undo", "Bring back"),
        Binding("f5", "resume", "Resume"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self._deleted: list[str] = []

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield Input(placeholder="Search: words of the request, a status, an id", id="search")
        yield OptionList(id="runs", markup=False)
        yield PlainStatic("", id="count")
        yield Footer()

    def on_mount(self) -> None:
        """Read the runs."""
        self.read()

    @work(exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        """Read the runs and list them."""
        if self.nexus.desk is not None:
            self.runs = await self.nexus.desk.runtime.memory.runs.list(limit=MOST)
            self.fill()

    def fill(self) -> None:
        """List the runs that fit what is searched for."""
        words = self.query_one("#search", Input).value.lower().split()
        fitting = [run for run in self.runs if all(word in _text(run).lower() for word in words)]
        options = self.query_one(OptionList)
        place = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(Content(_line(run)), id=run.id) for run in fitting])
        if fitting:
            options.highlighted = min(place, len(fitting) - 1)
        says = f"{len(fitting)} of {len(self.runs)} runs" if self.runs else "No runs yet: Esc goes back to begin one."
        self.query_one("#count", PlainStatic).show(says)

    @on(Input.Changed, "#search")
    def searched(self) -> None:
        """Narrow the list."""
        self.fill()

    @on(Input.Submitted, "#search")
    def submitted(self) -> None:
        """Go to the list."""
        self.query_one(OptionList).focus()

    def on_key(self, event: events.Key) -> None:
        """Go down from the search into the list."""
        if event.key == "down" and isinstance(self.focused, Input):
            event.stop()
            self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def chosen(self, event: OptionList.OptionSelected) -> None:
        """Show a run's session."""
        self.post_message(OpenSession(str(event.option_id)))

    def action_resume(self) -> None:
        """Go on with a run."""
        if run := self._highlighted():
            self.post_message(OpenSession(run.id, resume=run.status not in ("done", "cancelled", "running")))

    @work(exit_on_error=False)
    async def action_rename(self) -> None:
        """Give a run a name."""
        run = self._highlighted()
        if run is None or self.nexus.desk is None:
            return
        title = await self.app.push_screen_wait(RenameScreen(run.title or run.request))
        if title is not None:
            await self.nexus.desk.runtime.memory.runs.rename(run.id, title or None)
            self.read()

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete a run from the list; ctrl+z brings it back."""
        run = self._highlighted()
        if run is None or self.nexus.desk is None:
            return
        if await self.nexus.desk.is_worked(run):
            self.notify("It is being worked on: interrupt it first.", severity="warning")
            return
        await self.nexus.desk.runtime.memory.runs.delete(run.id)
        self._deleted.append(run.id)
        self.notify("Deleted; ctrl+z brings it back. Its workspace was not touched.")
        self.read()

    @work(exit_on_error=False)
    async def action_undo(self) -> None:
        """Bring the run back that was deleted last."""
        if self._deleted and self.nexus.desk is not None:
            await self.nexus.desk.runtime.memory.runs.delete(self._deleted.pop(), deleted=False)
            self.read()

    def _highlighted(self) -> Run | None:
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return None
        chosen = options.get_option_at_index(options.highlighted).id
        return next((run for run in self.runs if run.id == chosen), None)


class RenameScreen(ModalScreen[str | None]):
    """Asks for a name."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name_now = name

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield Input(
            clean(self._name_now), id="name", placeholder="A name; empty for the request itself", max_length=120
        )

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """Answer with the name."""
        self.dismiss(event.value.strip())


def _line(run: Run) -> str:
    when = f"{run.created_at.astimezone():%Y-%m-%d %H:%M}"
    return f"{when}  {run.status:<11}  {shorten(run.title or run.request, 90)}"


def _text(run: Run) -> str:
    return f"{run.id} {run.status} {run.title or ''} {run.request} {run.thread_id}"
