"""Asks a person for the consent to imitate a voice: the clip, the statement and the scope in plain sight."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from nexus_agents.core.errors import NexusError
from tui.screens.base import NexusScreen
from tui.widgets.plain import PlainStatic

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.consents import ClipFacts
    from tui.cards import ApprovalCard

__all__ = ["ConsentScreen"]

STATEMENT = "I agree that my voice in this recording is imitated by the owner of this installation."
SCOPE = "any use by the owner of this installation"


class ConsentScreen(ModalScreen[bool], NexusScreen[bool]):
    """A form; answers whether a consent was recorded."""

    AUTO_FOCUS = "#speaker"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "Cancel")]

    def __init__(self, run: Run, card: ApprovalCard) -> None:
        super().__init__()
        self._nexus_run = run
        self._card = card
        self._facts: ClipFacts | None = None

    def compose(self) -> ComposeResult:
        """Make the form."""
        with VerticalScroll(id="consent-form"):
            yield PlainStatic("Consent to imitate a voice", classes="title")
            yield PlainStatic("looking at the clip ...", id="clip")
            yield PlainStatic("Whose voice is it?")
            yield Input(id="speaker", compact=True)
            yield PlainStatic("Your own name: who records this")
            yield Input(id="approved_by", compact=True)
            yield PlainStatic("What they agreed to:")
            yield Input(STATEMENT, id="statement", compact=True)
            yield PlainStatic("What for:")
            yield Input(SCOPE, id="scope", compact=True)
            yield PlainStatic("", id="wrong")
            with Horizontal(classes="answers"):
                yield Button(Content("Record this consent"), id="record", variant="warning", compact=True)
                yield Button(Content("Play the clip"), id="play", compact=True)
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Measure the clip."""
        self.measure()

    @work(exit_on_error=False)
    async def measure(self) -> None:
        """Find the clip that the question is about, and say what it is."""
        from nexus_agents.runtime.consents import clip_facts

        named = str(self._card.arguments.get("reference_audio", ""))
        found = next(
            (
                base / named
                for base in (Path(self._nexus_run.workspace), Path(self._nexus_run.origin))
                if (base / named).is_file()
            ),
            Path(named),
        )
        try:
            self._facts = await asyncio.to_thread(clip_facts, found)
        except NexusError as error:
            self.query_one("#clip", PlainStatic).show(str(error))
            return
        facts = self._facts
        self.query_one("#clip", PlainStatic).show(
            f"{facts.path}\n{facts.seconds:.1f} s, SHA-256 {facts.sha256[:24]}..."
        )

    @on(Button.Pressed, "#cancel")
    def cancelled(self) -> None:
        """Leave without a consent."""
        self.dismiss(False)

    @on(Button.Pressed, "#play")
    def played(self) -> None:
        """Let the person hear what the consent is about."""
        if self._facts is not None:
            self.nexus.open_path(str(self._facts.path))

    @on(Input.Submitted)
    def entered(self) -> None:
        """Go on to the next field."""
        self.focus_next()

    @on(Button.Pressed, "#record")
    async def recorded(self) -> None:
        """Write the consent down."""
        from nexus_agents.runtime.consents import make_consent

        if self._facts is None or self.nexus.desk is None:
            self.query_one("#wrong", PlainStatic).show("There is no clip that a consent could be about.")
            return
        values = {
            name: self.query_one(f"#{name}", Input).value for name in ("speaker", "approved_by", "statement", "scope")
        }
        try:
            consent = make_consent(self._facts, **values)
            await self.nexus.desk.runtime.memory.voices.add_consent(consent)
        except NexusError as error:
            self.query_one("#wrong", PlainStatic).show(str(error))
            return
        self.dismiss(True)
