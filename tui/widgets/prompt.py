"""Where the user writes: enter sends, ctrl+j begins a new line, up and down go through what was sent."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from tui.widgets.plain import clean

__all__ = ["Prompt"]

LONGEST = 20_000
"""Characters: a longer request belongs into a file that the request names."""

IN_USE = 2.0
"""Seconds after a key for which somebody counts as writing."""


class Prompt(TextArea):
    """A text area of a few lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False),
        Binding("ctrl+j", "new_line", "New line", show=False),
        # A few lines have no pages: these keys move the conversation.
        Binding("pageup", "screen.page_up", "Page up", show=False),
        Binding("pagedown", "screen.page_down", "Page down", show=False),
    ]

    class Sent(Message):
        """The user sent a text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, placeholder: str, **options: Any) -> None:
        super().__init__(placeholder=placeholder, compact=True, soft_wrap=True, **options)
        self._sent: list[str] = []
        self._draft = ""
        self._place = 0
        self._last_key = 0.0

    @property
    def is_in_use(self) -> bool:
        """Whether something is written here, or a key was pressed a moment ago."""
        return bool(self.text) or time.monotonic() - self._last_key < IN_USE

    def action_send(self) -> None:
        """Send what is written."""
        text = self.text.strip()
        if not text or self._is_too_long(text):
            return
        self._sent.append(text)
        self._place, self._draft = len(self._sent), ""
        self.text = ""
        self._last_key = 0.0
        self.post_message(self.Sent(text))

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def on_key(self, event: events.Key) -> None:
        """Send, begin a line, or go through what was sent, from the first and the last line."""
        self._last_key = time.monotonic()
        if event.key in ("enter", "ctrl+j"):
            # In its turn among the letters: a priority binding would overtake those that were typed just before.
            event.prevent_default().stop()
            if event.key == "enter":
                self.action_send()
            else:
                self.action_new_line()
            return
        row, last = self.cursor_location[0], self.document.line_count - 1
        if event.key == "up" and row == 0 and self._place > 0:
            self._go(self._place - 1, event)
        elif event.key == "down" and row == last and self._place < len(self._sent):
            self._go(self._place + 1, event)

    def on_paste(self, event: events.Paste) -> None:
        """Take text as it can be seen, and no more of it than can be sent."""
        event.prevent_default().stop()
        if not self._is_too_long(event.text):
            self.insert(clean(event.text))

    def _is_too_long(self, text: str) -> bool:
        if len(text) > LONGEST:
            self.notify(f"That is {len(text):,} characters: put it into a file and name the file.", severity="error")
        return len(text) > LONGEST

    def _go(self, place: int, event: events.Key) -> None:
        event.prevent_default().stop()
        if self._place == len(self._sent):
            self._draft = self.text
        self._place = place
        self.text = self._sent[place] if place < len(self._sent) else self._draft
        self.move_cursor(self.document.end)
