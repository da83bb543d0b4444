"""The arguments of a call as JSON, to be changed before it is approved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, TextArea

from tui.widgets.plain import PlainStatic

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["Arguments"]


class Arguments(Vertical):
    """A text area with the arguments, what is wrong with them, and the key that sends them.

    Args:
        arguments: As they were asked about.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "Call with these")]

    class Sent(Message):
        """The person is done.

        Attributes:
            text: What stands there, JSON or not.
        """

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        self._text = json.dumps(arguments, indent=2, ensure_ascii=False)

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield TextArea(self._text, soft_wrap=True, compact=True)
        yield PlainStatic(classes="wrong")
        with Horizontal():
            yield Button(Content("Call with these (ctrl+s)"), id="send", variant="success", compact=True)
            yield Button(Content("Back (esc)"), id="back", compact=True)

    def take_focus(self) -> None:
        """Let the person write."""
        self.query_one(TextArea).focus()

    def say(self, wrong: str) -> None:
        """Say what is wrong; the text stays as it is."""
        self.query_one(".wrong", PlainStatic).show(wrong)
        self.take_focus()

    def action_send(self) -> None:
        """Hand the text over."""
        self.post_message(self.Sent(self.query_one(TextArea).text))

    @on(Button.Pressed, "#send")
    def pressed(self, event: Button.Pressed) -> None:
        """Act as the key does; the other button is the question's."""
        event.stop()
        self.action_send()
