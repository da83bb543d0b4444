"""Home: which model and why, what was cut off, and three things to try."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Footer

from nexus_agents.core.errors import NexusError
from tui.messages import DeskFailed, DeskOpened, OpenSession, StartSession
from tui.screens.base import NexusScreen
from tui.widgets.plain import PlainStatic, shorten
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.runs import Run

__all__ = ["EXAMPLES", "HomeScreen"]

EXAMPLES = (
    "create a user API with name and email",
    "clone this voice examples/reference.wav and make a podcast about examples/notes.md",
    "debate: is 2^61 - 1 prime?",
)

CHANGE = "Change it: $NEXUS_MODEL, `default_model` in agents.yaml, or start a model server on this machine."

NEW_FOLDER = "a new one for each session. To work in this one: nexus -w ."

SHOWN = 3
"""Unfinished runs that are offered; the list of runs has them all."""


class HomeScreen(NexusScreen[None]):
    """The first screen."""

    AUTO_FOCUS = "#home"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"example({number})", f"Example {number}", show=False) for number in (1, 2, 3)),
        Binding("ctrl+r", "app.runs", "Runs"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._offered: list[Run] = []

    def compose(self) -> ComposeResult:
        """Make the parts; all that needs the memory is filled in when it is open."""
        with VerticalScroll(id="home"):
            yield PlainStatic("Nexus\na workstation of agents for people who own their models", id="banner")
            yield PlainStatic("looking for a model ...", id="model")
            yield Vertical(id="unfinished")
            yield PlainStatic("Try one (press its number, or write what you want):", classes="title")
            for number, example in enumerate(EXAMPLES, 1):
                yield PlainStatic(f"{number}  {example}", classes="example")
        yield Prompt("What shall be done? Enter sends.", id="prompt")
        yield Footer()

    def on_screen_resume(self) -> None:
        """Look again at what is unfinished."""
        self.fill()

    @on(DeskOpened)
    def opened(self) -> None:
        """The memory is open."""
        self.fill()

    @on(DeskFailed)
    def not_opened(self, event: DeskFailed) -> None:
        """Say why nothing can be done here, for as long as it is so."""
        self.query_one("#model", PlainStatic).show(event.why)

    def on_key(self, event: events.Key) -> None:
        """Take what is typed anywhere into the prompt, where it is no key of this screen."""
        prompt = self.query_one(Prompt)
        if isinstance(self.focused, Button) or (event.key in self._bindings.key_to_bindings and not prompt.text):
            return
        if event.is_printable and event.character:
            # Of a burst, letters come here that were on their way before the prompt had the focus.
            event.stop()
            self.set_focus(prompt)
            prompt.insert(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Take what is pasted anywhere into the prompt."""
        prompt = self.query_one(Prompt)
        prompt.focus()
        prompt.on_paste(event)

    @work(exclusive=True, exit_on_error=False)
    async def fill(self) -> None:
        """Say which model is used and why, and ask what to do with unfinished runs."""
        desk = self.nexus.desk
        if desk is None:
            return
        try:
            await self._offer(await desk.unfinished())
            name, reason = await asyncio.to_thread(self.nexus.find_model)
            folder = f"{self.nexus.workspace} for every new session" if self.nexus.workspace else NEW_FOLDER
            self.query_one("#model", PlainStatic).show(f"Model: {name} ({reason})\n{CHANGE}\nFolder: {folder}")
        except NexusError as error:
            self.query_one("#model", PlainStatic).show(str(error))

    async def _offer(self, runs: list[Run]) -> None:
        if runs == self._offered:
            return
        self._offered = runs
        box = self.query_one("#unfinished")
        await box.remove_children()
        box.set_class(bool(runs), "-some")
        if not runs:
            return
        await box.mount(PlainStatic(f"{len(runs)} unfinished: resume or start fresh?", classes="title"))
        await box.mount_all([_Offer(run) for run in runs[:SHOWN]])
        if len(runs) > SHOWN:
            await box.mount(PlainStatic(f"and {len(runs) - SHOWN} more: ctrl+r lists all", classes="more"))

    def action_example(self, number: int) -> None:
        """Run an example."""
        self.post_message(StartSession(EXAMPLES[number - 1]))

    @on(Prompt.Sent)
    def sent(self, event: Prompt.Sent) -> None:
        """Start a session with what was written."""
        self.post_message(StartSession(event.text))

    @on(Button.Pressed)
    def chosen(self, event: Button.Pressed) -> None:
        """Resume, look at, or give up an unfinished run."""
        offer = next(node for node in event.button.ancestors if isinstance(node, _Offer))
        if event.button.has_class("fresh"):
            self.nexus.start_fresh(offer.run)
        else:
            self.post_message(OpenSession(offer.run.id, resume=event.button.has_class("resume")))


class _Offer(Horizontal):
    """One unfinished run."""

    def __init__(self, run: Run) -> None:
        super().__init__(classes="offer")
        self.run = run

    def compose(self) -> ComposeResult:
        state = "waits for you" if self.run.status == "waiting" else "was cut off"
        yield PlainStatic(shorten(self.run.title or self.run.request, 300), classes="request")
        yield PlainStatic(state, classes="state")
        yield Button(Content("Resume"), classes="resume", compact=True, variant="success")
        yield Button(Content("Start fresh"), classes="fresh", compact=True)
        yield Button(Content("Look"), classes="look", compact=True)
