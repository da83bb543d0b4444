"""A question to the person: exactly what will run, and the keys that answer."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input

from tui.cards import ApprovalCard
from tui.widgets.plain import PlainStatic
from tui.widgets.views import CardView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.runtime.approvals import Effect

__all__ = ["ARMED_AFTER", "ApprovalView"]

ARMED_AFTER = 0.7
"""Seconds for which a question that took the focus by itself takes no answer: the key was meant for something else."""

UNKNOWN = "unknown_outcome"
"""The risk that is asked about where a call was cut off and nobody knows whether it took effect."""

ASKED_EACH_TIME = ("identity", UNKNOWN)
"""Risks that nobody approves for a whole run."""


class ApprovalView(CardView, can_focus=True):
    """One question, open or answered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "Once"),
        Binding("a", "approve_all", "All"),
        Binding("d", "done", "Done"),
        Binding("n", "deny", "No"),
        Binding("c", "consent", "Consent"),
        Binding("escape", "back", "Back", show=False),
    ]

    class Answered(Message):
        """The person decided."""

        def __init__(
            self,
            card: ApprovalCard,
            approve: bool,
            *,
            whole_run: bool = False,
            reason: str = "",
            effect: Effect | None = None,
        ) -> None:
            super().__init__()
            self.card = card
            self.approve = approve
            self.whole_run = whole_run
            self.reason = reason
            self.effect: Effect | None = effect

    class ConsentAsked(Message):
        """The person wants to record a consent for the clip in question."""

        def __init__(self, card: ApprovalCard) -> None:
            super().__init__()
            self.card = card

    class Left(Message):
        """The person would rather do something else first."""

    def __init__(self, card: ApprovalCard) -> None:
        super().__init__(card)
        self._armed = 0.0

    @property
    def approval(self) -> ApprovalCard:
        """The card."""
        assert isinstance(self.card, ApprovalCard)
        return self.card

    def compose(self) -> ComposeResult:
        """Make the parts."""
        card = self.approval
        identity = card.risk == "identity"
        text = [card.question, "", f"{card.tool} ({card.risk}), asked by {card.agent}"]
        text += [f"  {name}: {value}" for name, value in _arguments_of(card.arguments)]
        text += [card.how] if identity else []
        yield PlainStatic("\n".join(text), classes="question")
        with Horizontal(classes="answers"):
            if card.risk == UNKNOWN:
                yield Button(Content("Run again (y)"), id="approve", variant="warning", compact=True)
                yield Button(Content("It is done (d)"), id="done", variant="success", compact=True)
            elif identity:
                yield Button(Content("Record consent (c)"), id="consent", variant="warning", compact=True)
            else:
                yield Button(Content("Yes, once (y)"), id="approve", variant="success", compact=True)
                if card.risk not in ASKED_EACH_TIME:
                    yield Button(Content("All in this run (a)"), id="approve_all", compact=True)
            no = "Skip (n)" if card.risk == UNKNOWN else "No (n)"
            yield Button(Content(no), id="deny", variant="error", compact=True)
        yield Input(placeholder="Why not? The agent is told. Enter sends it, Esc goes back.", classes="reason")
        yield PlainStatic(classes="answer")

    async def draw(self) -> None:
        """Hide the keys once the answer is there."""
        answered = self.approval.answered
        self.set_class(bool(answered), "-answered")
        self.query_one(".answer", PlainStatic).show(answered)
        self.refresh_bindings()

    def take_focus(self, *, armed: bool) -> None:
        """Have the focus; where it was not asked for, answer to no key for a moment."""
        self._armed = 0.0 if armed else time.monotonic() + ARMED_AFTER
        self.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the answers that this question has."""
        risk, open_ = self.approval.risk, not self.approval.answered
        answers = {
            "approve": open_ and risk != "identity",
            "approve_all": open_ and risk not in ASKED_EACH_TIME,
            "done": open_ and risk == UNKNOWN,
            "deny": open_,
            "consent": open_ and risk == "identity",
        }
        return answers.get(action, True)

    def action_approve(self) -> None:
        """Approve this call, or have it made again."""
        self._answer(True, effect="again" if self.approval.risk == UNKNOWN else None)

    def action_approve_all(self) -> None:
        """Approve this kind of call for the rest of the run."""
        self._answer(True, whole_run=True)

    def action_done(self) -> None:
        """Say that a call which was cut off took effect."""
        self._answer(True, effect="done")

    def action_deny(self) -> None:
        """Ask for the reason; where a call was cut off, leave it as it is."""
        if self.approval.risk == UNKNOWN:
            self._answer(False, effect="skip")
        elif self._takes_answers():
            self.add_class("-denying")
            self.query_one(Input).focus()

    def action_consent(self) -> None:
        """Record a consent."""
        if self._takes_answers():
            self.post_message(self.ConsentAsked(self.approval))

    def action_back(self) -> None:
        """Go back from the reason to the question, and from there to the prompt."""
        if self.has_class("-denying") and not self.approval.answered:
            self.remove_class("-denying")
            self.focus()
        else:
            self.post_message(self.Left())

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Act as the key does."""
        event.stop()
        self._armed = 0.0
        await self.run_action(str(event.button.id))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Deny, with the reason."""
        event.stop()
        self._answer(False, reason=event.value.strip())

    def on_key(self) -> None:
        """Wait on while somebody goes on typing what was meant for something else."""
        self._takes_answers()

    def _takes_answers(self) -> bool:
        if (moment := time.monotonic()) < self._armed:
            self._armed = moment + ARMED_AFTER
            return False
        return not self.approval.answered

    def _answer(
        self, approve: bool, *, whole_run: bool = False, reason: str = "", effect: Effect | None = None
    ) -> None:
        if self._takes_answers():
            self.remove_class("-denying")
            self.post_message(self.Answered(self.approval, approve, whole_run=whole_run, reason=reason, effect=effect))


def _arguments_of(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    # Values as they will be used: what is approved is what is seen.
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in arguments.items()
    ]
