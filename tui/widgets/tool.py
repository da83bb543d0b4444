"""A tool call on the screen: one line, its progress, what it made, and the whole call when asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from nexus_agents.core.text import duration
from tui.cards import ToolCard
from tui.widgets.figures import bar, time_left
from tui.widgets.plain import PlainStatic, shorten
from tui.widgets.views import CardView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nexus_agents.core.runs import ToolCall

__all__ = ["ToolView", "whole_call"]

MARKS = {"running": "…", "waiting": "?", "done": "✓", "failed": "✗", "cut off": "!"}

NEWEST = 4
"""Lines of progress that are shown of a call that runs."""

BRIEF = 120
"""Characters of the arguments in the line of a call."""


class ToolView(CardView, can_focus=True):
    """A tool call: what it does, how far it is, what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "details", "Details"),
        Binding("o", "open", "Open"),
    ]

    class Opened(Message):
        """The user wants to see or hear what a tool made."""

        def __init__(self, paths: list[str]) -> None:
            super().__init__()
            self.paths = paths

    class DetailsAsked(Message):
        """The user wants the whole call: arguments, result, changes."""

        def __init__(self, view: ToolView, card: ToolCard) -> None:
            super().__init__()
            self.view = view
            self.card = card

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield PlainStatic(classes="line")

    @property
    def tool(self) -> ToolCard:
        """The card."""
        assert isinstance(self.card, ToolCard)
        return self.card

    async def draw(self) -> None:
        """Draw the line of the call."""
        card = self.tool
        self.set_class(card.state == "failed", "-failed")
        self.set_class(card.state == "running", "-running")
        lines = [_headline(card)]
        if card.state == "running" and card.fraction is not None:
            left = time_left(card.began, card.fraction)
            newest = [line for line in card.progress.splitlines() if line.strip()][-NEWEST:]
            beside = shorten(newest[0], 60) if len(newest) == 1 else ""
            lines.append(f"  {bar(card.fraction)} {card.fraction:4.0%} {left} {beside}".rstrip())
            # What a command prints goes on and on: its newest lines, not its first.
            lines += [f"  {shorten(line, BRIEF)}" for line in newest if len(newest) > 1]
        if card.state == "failed" and card.hint:
            lines.append(f"  {card.hint}")
        lines += [f"  {path}" for path in card.artifacts]
        self.query_one(".line", PlainStatic).show("\n".join(lines))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to open only what was made."""
        return bool(self.tool.artifacts) if action == "open" else True

    def action_details(self) -> None:
        """Show or hide the whole call."""
        if self.has_class("-open"):
            self.remove_class("-open")
        else:
            self.post_message(self.DetailsAsked(self, self.tool))

    def action_open(self) -> None:
        """Open or play what the call made."""
        if self.tool.artifacts:
            self.post_message(self.Opened(self.tool.artifacts))

    def show_details(self, text: str) -> None:
        """Show the whole call."""
        found = self.query(".details")
        if found:
            found.first(PlainStatic).show(text)
        else:
            # Made when it is first asked for: a conversation has many calls, of which few are looked into.
            self.mount(PlainStatic(text, classes="details"))
        self.add_class("-open")

    def on_click(self) -> None:
        """Show or hide the whole call."""
        self.action_details()


def whole_call(card: ToolCard, call: ToolCall | None) -> str:
    """Return a call in full: arguments, result or error, and the changes it made to a file.

    Args:
        card: The call as its events told it.
        call: The call as the ledger has it; None where it has none.
    """
    if call is None:
        return json.dumps({"arguments": card.arguments, "summary": card.summary}, indent=1, ensure_ascii=False)
    result = dict(call.result or (call.error.model_dump() if call.error else {}))
    diff = str(result.pop("diff", ""))
    text = json.dumps({"arguments": call.arguments, "result": result}, indent=1, ensure_ascii=False)
    return f"{text}\n{diff}".strip()


def _headline(card: ToolCard) -> str:
    again = f" (attempt {card.attempt})" if card.attempt > 1 else ""
    ended = f"  {duration(card.seconds)}" if card.state in ("done", "failed") and card.seconds >= 0.05 else ""
    what = card.summary or _brief(card.arguments)
    state = f"  {card.state}" if card.state in ("waiting", "cut off") else ""
    return f"{MARKS[card.state]} {shorten(card.tool, 60)}  {shorten(what, BRIEF)}{ended}{state}{again}"


def _brief(arguments: dict[str, Any]) -> str:
    return ", ".join(str(value) for value in arguments.values() if value not in ("", None, [], 0))
