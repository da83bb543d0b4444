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

from nexus_agents.core.errors import InputError
from nexus_agents.runtime.questions import ASKED_EACH_TIME, RISKS, UNKNOWN, read_arguments
from tui.cards import ApprovalCard
from tui.widgets.arguments import Arguments
from tui.widgets.plain import PlainStatic, shorten
from tui.widgets.views import CardView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.runtime.approvals import Effect

__all__ = ["ARMED_AFTER", "ApprovalView"]

ARMED_AFTER = 0.7
"""Seconds for which a question that took the focus by itself takes no answer: the key was meant for something else."""

NAME = 32
"""Characters of a kind of calls on a button; above, it stands whole."""

WHY = "Why not? The agent is told. Enter sends it, Esc goes back."
WHY_NEVER = "Never again, in this thread. Why? Enter sends it, Esc goes back."


class ApprovalView(CardView, can_focus=True):
    """One question, open or answered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "Once"),
        Binding("a", "always", "Always"),
        Binding("r", "approve_all", "All of this risk", show=False),
        Binding("d", "done", "Done"),
        Binding("n", "deny", "No"),
        Binding("v", "never", "Never", show=False),
        Binding("e", "edit", "Edit"),
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
            always: bool = False,
            reason: str = "",
            effect: Effect | None = None,
        ) -> None:
            super().__init__()
            self.card = card
            self.approve = approve
            self.whole_run = whole_run
            self.always = always
            self.reason = reason
            self.effect: Effect | None = effect

    class Edited(Message):
        """The person would have the call made with other arguments; whether it takes them is not known here."""

        def __init__(self, view: ApprovalView, arguments: dict[str, Any]) -> None:
            super().__init__()
            self.view = view
            self.arguments = arguments

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
        self._never = False

    @property
    def approval(self) -> ApprovalCard:
        """The card."""
        assert isinstance(self.card, ApprovalCard)
        return self.card

    def compose(self) -> ComposeResult:
        """Make the parts."""
        card = self.approval
        yield PlainStatic(f"{card.question}\n{card.tool} ({card.risk}), asked by {card.agent}", classes="question")
        told = [f"  {name}: {value}" for name, value in _arguments_of(card.arguments)]
        told += [card.how] if card.risk == "identity" else []
        told += [f"Always and never are about: {card.kind}"] if len(card.kind) > NAME else []
        yield PlainStatic("\n".join(told), classes="told")
        for row in self._answers():
            with Horizontal(classes="answers"):
                yield from row
        yield Input(placeholder=WHY, classes="reason")
        yield PlainStatic(classes="answer")

    def _answers(self) -> list[list[Button]]:
        card = self.approval
        skip = _button("Skip (n)" if card.risk == UNKNOWN else "No (n)", "deny", "error")
        if card.risk == UNKNOWN:
            return [
                [_button("Run again (y)", "approve", "warning"), _button("It is done (d)", "done", "success"), skip]
            ]
        if card.risk == "identity":
            return [[_button("Record consent (c)", "consent", "warning"), skip]]
        first = [_button("Yes, once (y)", "approve", "success"), skip, _button("Edit (e)", "edit")]
        first += [_button(f"All {card.risk} (r)", "approve_all")] if card.risk in RISKS else []
        if not card.kind:
            return [first]
        always = _button(f"Always {shorten(card.kind, NAME)} (a)", "always")
        return [first, [always, _button("Never (v)", "never", "error")]]

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
        # While the arguments are changed a key on one of those buttons must not approve the ones that stood there.
        card, open_ = self.approval, not self.approval.answered and not self.has_class("-editing")
        answers = {
            "approve": open_ and card.risk != "identity",
            "always": open_ and bool(card.kind) and card.risk not in ASKED_EACH_TIME,
            "approve_all": open_ and card.risk in RISKS,
            "done": open_ and card.risk == UNKNOWN,
            "deny": open_,
            "never": open_ and bool(card.kind) and card.risk not in ASKED_EACH_TIME,
            "edit": open_ and card.risk not in ASKED_EACH_TIME,
            "consent": open_ and card.risk == "identity",
        }
        return answers.get(action, True)

    def action_approve(self) -> None:
        """Approve this call, or have it made again."""
        self._answer(True, effect="again" if self.approval.risk == UNKNOWN else None)

    def action_always(self) -> None:
        """Approve every call of this kind, in this thread."""
        self._answer(True, always=True)

    def action_approve_all(self) -> None:
        """Approve every call of this risk for the rest of the run."""
        self._answer(True, whole_run=True)

    def action_done(self) -> None:
        """Say that a call which was cut off took effect."""
        self._answer(True, effect="done")

    def action_deny(self) -> None:
        """Ask for the reason; where a call was cut off, leave it as it is."""
        if self.approval.risk == UNKNOWN:
            self._answer(False, effect="skip")
        else:
            self._ask_why(never=False)

    def action_never(self) -> None:
        """Refuse every call of this kind, in this thread, once the reason is sent."""
        self._ask_why(never=True)

    async def action_edit(self) -> None:
        """Let the arguments be changed."""
        if not self._takes_answers():
            return
        if not self.query(Arguments):
            # Made when it is first asked for: few questions are answered so.
            await self.mount(Arguments(self.approval.arguments), before=self.query_one(Input))
        self.add_class("-editing")
        self.refresh_bindings()
        self.query_one(Arguments).take_focus()

    def action_consent(self) -> None:
        """Record a consent."""
        if self._takes_answers():
            self.post_message(self.ConsentAsked(self.approval))

    def action_back(self) -> None:
        """Go back from the reason, or the arguments, to the question, and from there to the prompt."""
        if (self.has_class("-denying") or self.has_class("-editing")) and not self.approval.answered:
            self.remove_class("-denying", "-editing")
            self.refresh_bindings()
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
        self._answer(False, always=self._never, reason=event.value.strip())

    def on_arguments_sent(self, event: Arguments.Sent) -> None:
        """Hand the changed arguments on, or say what is wrong with them."""
        event.stop()
        try:
            arguments = read_arguments(event.text)
        except InputError as error:
            self.refuse(error)
            return
        if self._takes_answers():
            self.post_message(self.Edited(self, arguments))

    def refuse(self, error: InputError) -> None:
        """Say why a call cannot be made with the changed arguments; the text stays."""
        self.query_one(Arguments).say(f"{error.message} {error.hint}")

    def on_key(self) -> None:
        """Wait on while somebody goes on typing what was meant for something else."""
        self._takes_answers()

    def _ask_why(self, *, never: bool) -> None:
        if self._takes_answers():
            self._never = never
            self.add_class("-denying")
            field = self.query_one(Input)
            field.placeholder = WHY_NEVER if never else WHY
            field.focus()

    def _takes_answers(self) -> bool:
        if (moment := time.monotonic()) < self._armed:
            self._armed = moment + ARMED_AFTER
            return False
        return not self.approval.answered

    def _answer(
        self,
        approve: bool,
        *,
        whole_run: bool = False,
        always: bool = False,
        reason: str = "",
        effect: Effect | None = None,
    ) -> None:
        if self._takes_answers():
            self.remove_class("-denying")
            self.post_message(
                self.Answered(self.approval, approve, whole_run=whole_run, always=always, reason=reason, effect=effect)
            )


def _button(label: str, action: str, variant: Any = "default") -> Button:
    return Button(Content(label), id=action, variant=variant, compact=True)


def _arguments_of(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    # Values as they will be used: what is approved is what is seen.
    return [(name, _value(value)) for name, value in arguments.items()]


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):  # pyright: ignore[reportUnknownVariableType]
        return "".join(f"\n    {json.dumps(one, ensure_ascii=False)}" for one in value)  # pyright: ignore[reportUnknownVariableType]
    return json.dumps(value, ensure_ascii=False)
