"""The steps of a run: what changed at each; a fork from one, or a rewind to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Footer, OptionList
from textual.widgets.option_list import Option

from nexus_agents.core.errors import NexusError
from tui.messages import OpenSession
from tui.screens.base import NexusScreen
from tui.widgets.plain import PlainStatic, shorten

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.history import ChannelChange, CheckpointInfo

__all__ = ["HistoryScreen", "SureScreen"]

NODE = 32
"""Characters for the nodes that led to a step."""

DEEPEST = 8
"""Graphs within graphs that are set in; deeper ones stand below these."""


class HistoryScreen(NexusScreen[None]):
    """The steps of one run, the newest chosen.

    Args:
        run_id: The run.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("f", "fork", "Fork from here"),
        Binding("r", "rewind", "Rewind to here"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.steps: list[CheckpointInfo] = []

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield OptionList(id="steps", markup=False)
        with VerticalScroll(id="details"):
            yield PlainStatic("", id="changes")
        yield PlainStatic("", id="count")
        yield Footer()

    def on_mount(self) -> None:
        """Read the steps."""
        self.read()

    @work(exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        """Read the steps and list them."""
        if self.nexus.desk is None:
            return
        self.steps = await self.nexus.desk.history(self.run_id)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(Content(_line(step)), id=str(step.number)) for step in self.steps])
        says = f"{len(self.steps)} steps of run {self.run_id}" if self.steps else "No steps yet: the run has not begun."
        if any(step.left for step in self.steps):
            says += "; those in brackets were left by a rewind"
        self.query_one("#count", PlainStatic).show(says)
        if self.steps:
            options.highlighted = len(self.steps) - 1
        options.focus()

    @on(OptionList.OptionHighlighted)
    def chosen(self) -> None:
        """Show what changed at a step."""
        self.show_changes()

    @work(exclusive=True, group="changes", exit_on_error=False)
    async def show_changes(self) -> None:
        """Show the difference to the step before in the same graph."""
        step = self._highlighted()
        if step is None or self.nexus.desk is None:
            return
        before = [one for one in self.steps if one.checkpoint_id == step.parent_id and one.namespace == step.namespace]
        try:
            text = step.damaged or _told(await self.nexus.desk.changes(before[0] if before else None, step))
        except NexusError as error:
            text = str(error)
        self.query_one("#changes", PlainStatic).show(text or "Nothing of the state changed.")
        self.query_one("#details", VerticalScroll).scroll_home(animate=False)

    def action_fork(self) -> None:
        """Make a new run that goes on from the step."""
        self.go_on(rewind=False)

    def action_rewind(self) -> None:
        """Let the run go on from the step."""
        self.go_on(rewind=True)

    @work(exclusive=True, group="branch", exit_on_error=False)
    async def go_on(self, *, rewind: bool) -> None:
        """Ask, go on from the step, and show the session."""
        step, desk = self._highlighted(), self.nexus.desk
        if step is None or desk is None:
            return
        where = f"step {step.number} ({step.does})"
        ask = f"Fork from {where}? A new run goes on from there, in a copy of the workspace."
        if rewind:
            ask = f"Rewind to {where}? The run goes on from there; later steps stay here, files stay as they are."
        if not await self.app.push_screen_wait(SureScreen(ask, "Rewind" if rewind else "Fork")):
            return
        try:
            run = await (desk.rewind if rewind else desk.fork)(self.run_id, step.checkpoint_id)
        except NexusError as error:
            self.nexus.tell(error)
            return
        self.post_message(OpenSession(run.id))

    def _highlighted(self) -> CheckpointInfo | None:
        place = self.query_one(OptionList).highlighted
        return self.steps[place] if place is not None and place < len(self.steps) else None


class SureScreen(ModalScreen[bool]):
    """Asks whether something is meant.

    Args:
        question: What will be done.
        yes: The name of the button that does it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("escape,n", "dismiss(False)", "No"),
    ]

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Make the parts."""
        with Vertical():
            yield PlainStatic(self._question)
            with Horizontal(classes="answers"):
                yield Button(Content(f"{self._yes} (y)"), id="yes", variant="warning", compact=True)
                yield Button(Content("No (n)"), id="no", compact=True)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Act as the key does."""
        event.stop()
        self.dismiss(event.button.id == "yes")


def _line(step: CheckpointInfo) -> str:
    number = f"({step.number})" if step.left else f"{step.number} "
    when = f"{step.at.astimezone():%H:%M:%S}" if step.at else " " * 8
    begins = f"{step.path[-1]} begins" if step.path else "request"
    node = begins if step.source == "input" and not step.damaged else step.does
    inside = "  " * min(len(step.path), DEEPEST)
    name = inside + shorten(node, NODE - len(inside))
    return f"{number:>6} {when}  {name:<{NODE}}  {shorten(', '.join(step.changed), 60)}"


def _told(changes: list[ChannelChange]) -> str:
    lines: list[str] = []
    for change in changes:
        lines.append(f"{change.channel} ({change.kind}): {change.says}")
        lines += [f"  {line}" for line in [*change.elements, *change.diff.splitlines()]]
    return "\n".join(lines)
