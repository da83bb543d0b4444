"""One widget for each kind of card; calls and questions, which are acted on, have modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Markdown

from nexus_agents.core.text import duration
from tui.cards import AgentCard, ApprovalCard, Card, EndCard, MessageCard, NoticeCard, ToolCard, UserCard
from tui.widgets.plain import PlainStatic, clean, shorten

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["CardView", "view_of"]

LONGEST_MESSAGE = 20_000
"""Characters of a message that are drawn: each paragraph is a widget."""

MOST_LINES = 400
"""Lines of a message that are drawn, for the same reason."""


class CardView(Widget, can_focus=False):
    """Draws one card, and draws it anew when its version has grown."""

    def __init__(self, card: Card) -> None:
        super().__init__(classes=type(card).__name__)
        self.card = card
        self.drawn = -1

    async def renew(self) -> None:
        """Draw the card where it changed since it was last drawn."""
        if self.drawn != self.card.version and self.is_attached:
            self.drawn = self.card.version
            await self.draw()

    async def draw(self) -> None:
        """Draw the card as it is now."""


class LineView(CardView):
    """A card of plain text: drawn by itself, since a widget inside would cost as much again."""

    def render(self) -> Content:
        """Return the text."""
        return Content(clean(self.text()))

    def text(self) -> str:
        """Return what the card says."""
        return ""


class UserView(LineView):
    """What the user asked."""

    def text(self) -> str:
        """Return the request."""
        assert isinstance(self.card, UserCard)
        mark = f"\n  ({self.card.mark})" if self.card.mark else ""
        return f"> {self.card.text}{mark}"

    async def draw(self) -> None:
        """Draw the text anew: what was said becomes heard."""
        self.refresh(layout=True)


class AgentView(LineView):
    """An agent's turn begins."""

    def text(self) -> str:
        """Return who does what."""
        assert isinstance(self.card, AgentCard)
        return f"{shorten(self.card.agent, 60)}  {shorten(self.card.task, 160)}"


class NoticeView(LineView):
    """Something happened to the run."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        assert isinstance(card, NoticeCard)
        self.add_class(card.tone)

    def text(self) -> str:
        """Return what happened."""
        assert isinstance(self.card, NoticeCard)
        return self.card.text


class EndView(CardView):
    """How a run ended."""

    def compose(self) -> ComposeResult:
        """Make the parts."""
        assert isinstance(self.card, EndCard)
        card = self.card
        yield PlainStatic(
            "\n".join([f"{card.status} after {duration(card.seconds)}", *card.lines]), classes=card.status
        )
        if card.commands:
            yield PlainStatic("\n".join(f"  {command}" for command in card.commands), classes="commands")


class MessageView(CardView):
    """What an agent says, as Markdown, while it says it."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._last: Widget | None = None

    def compose(self) -> ComposeResult:
        """Make the parts."""
        assert isinstance(self.card, MessageCard)
        yield PlainStatic(shorten(self.card.agent, 60), classes="who")

    async def draw(self) -> None:
        """Add what is new, or draw it all where it is not a continuation."""
        assert isinstance(self.card, MessageCard)
        text = drawable(self.card.text)
        found = self.query(Markdown)
        if not found:
            # With its first text and waited for: a Markdown draws what it was made with when it is mounted, and
            # would wipe out what was drawn before.
            body = Markdown(text, open_links=False)
            await self.mount(body)
            self._close_up(body)
            return
        body = found.first()
        shown = body.source
        if text == shown:
            return
        if shown and text.startswith(shown):
            await body.append(text[len(shown) :])
        else:
            await body.update(text)
        self._close_up(body)

    def _close_up(self, body: Markdown) -> None:
        # A blank line stands between blocks; after the last one it would come on top of that between cards.
        if self._last is not None:
            self._last.styles.margin = (0, 0, 1, 0)
        self._last = body.children[-1] if body.children else None
        if self._last is not None:
            self._last.styles.margin = 0

    @on(Markdown.LinkClicked)
    def linked(self, event: Markdown.LinkClicked) -> None:
        """Open a page of the web, and nothing else that a model may have written."""
        event.stop()
        if event.href.startswith(("https://", "http://")):
            self.app.open_url(event.href)
        else:
            self.notify(event.href, title="Not a page of the web")


def drawable(text: str) -> str:
    """Return a message as it is drawn: what is longer than a screen can bear ends with a note that does not change."""
    cut = text[:LONGEST_MESSAGE]
    lines = cut.split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        cut = "\n".join(lines[:MOST_LINES])
    return clean(cut) if len(cut) == len(text) else f"{clean(cut)}\n\n(cut here: `nexus show` has all of it)"


def view_of(card: Card) -> CardView:
    """Return a new widget for a card."""
    from tui.widgets.approval import ApprovalView
    from tui.widgets.tool import ToolView

    views: dict[type[Card], type[CardView]] = {
        UserCard: UserView,
        AgentCard: AgentView,
        MessageCard: MessageView,
        ToolCard: ToolView,
        ApprovalCard: ApprovalView,
        NoticeCard: NoticeView,
        EndCard: EndView,
    }
    return views[type(card)](card)
