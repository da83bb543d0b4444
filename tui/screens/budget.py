"""The form in which a run is given more, when its budget is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import ValidationError
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from nexus_agents.core.budget import Limits
from tui.widgets.plain import PlainStatic

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.budget import Spent

__all__ = ["BudgetScreen"]

KINDS = {"turns": "Turns: calls of a model", "tokens": "Tokens", "money": "US dollars", "minutes": "Minutes at work"}

SHOWN = {"turns": ",", "tokens": ",", "money": ".4f", "minutes": ".1f"}
"""How exactly what was used is told."""


class BudgetScreen(ModalScreen[Limits | None]):
    """Asks for new limits; answers with those that were changed, or None where everything stays.

    Args:
        spent: What the run has used.
        limits: What it may use up until now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("ctrl+s", "send", "Go on with these"),
    ]

    def __init__(self, spent: Spent, limits: Limits) -> None:
        super().__init__()
        self._spent = spent
        self._limits = limits

    def compose(self) -> ComposeResult:
        """Make the form: what is used up stands there doubled."""
        reached = self._limits.reached(self._spent)
        with VerticalScroll(id="budget-form"):
            yield PlainStatic("What may this run use up?", classes="title")
            for kind, label in KINDS.items():
                limit, used = getattr(self._limits, kind), getattr(self._spent, kind)
                of = f" of {limit:,}" if limit is not None else ""
                yield PlainStatic(f"{label} ({used:{SHOWN[kind]}} used{of})")
                # One call may have gone far beyond the limit.
                offered = round(2 * max(limit, used), 4) if kind in reached else limit
                yield Input("" if offered is None else f"{offered:,}", id=kind, placeholder="no limit", compact=True)
            yield PlainStatic("", id="wrong")
            with Horizontal(classes="answers"):
                yield Button(Content("Go on with these (ctrl+s)"), id="send", variant="success", compact=True)
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with what is used up."""
        self.query_one(f"#{(*self._limits.reached(self._spent), *KINDS)[0]}", Input).focus()

    @on(Input.Submitted)
    def entered(self) -> None:
        """Go on to the next field."""
        self.focus_next()

    @on(Button.Pressed, "#cancel")
    def cancelled(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    @on(Button.Pressed, "#send")
    def action_send(self) -> None:
        """Answer with what is written, where it is more than what is used."""
        given: dict[str, str] = {}
        for kind, label in KINDS.items():
            written = self.query_one(f"#{kind}", Input).value.replace(",", "").strip()
            if written:
                given[kind] = written
            elif getattr(self._limits, kind) is not None:
                self._refuse(kind, f"{label}: a limit can be raised, and not taken away.")
                return
        try:
            limits = Limits.model_validate(given)
        except ValidationError as error:
            fault = error.errors()[0]
            kind = str(fault["loc"][0])
            self._refuse(kind, f"{KINDS[kind]}: {fault['msg'].removeprefix('Input ').replace('should', 'it should')}.")
            return
        if still := limits.reached(self._spent):
            self._refuse(still[0], f"{KINDS[still[0]]}: that much is used already.")
            return
        changed = {kind: value for kind, value in limits if value != getattr(self._limits, kind)}
        self.dismiss(Limits(**changed))

    def _refuse(self, kind: str, why: str) -> None:
        self.query_one("#wrong", PlainStatic).show(why)
        self.query_one(f"#{kind}", Input).focus()
