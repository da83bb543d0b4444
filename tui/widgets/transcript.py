"""The conversation: of thousands of cards only those near the view are mounted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from tui.widgets.plain import PlainStatic
from tui.widgets.views import CardView, view_of

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.cards import Card

__all__ = ["MOST_MOUNTED", "Transcript"]

MOST_MOUNTED = 120
"""Widgets are what costs: an append takes milliseconds at a hundred cards and a tenth of a second at a thousand."""

STEP = 40
"""Cards that come and go at once."""


class Transcript(VerticalScroll):
    """Shows a window of the cards and moves it with the view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="transcript")
        self.cards: list[Card] = []
        self._start = 0
        self._end = 0
        self._known = 0
        self._views: dict[str, CardView] = {}
        self._moving = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """Make the two lines that tell of cards that are not mounted."""
        yield PlainStatic(id="earlier")
        yield PlainStatic(id="later")

    def on_mount(self) -> None:
        """Stay at the end while new cards come."""
        self.anchor()
        self.watch(self, "scroll_y", self._scrolled, init=False)

    @property
    def at_end(self) -> bool:
        """Whether the newest card is mounted."""
        return self._end == len(self.cards)

    async def changed(self, cards: Iterable[Card]) -> None:
        """Draw cards that are new or that changed."""
        async with self._moving:
            # Asked first: what is drawn below may make the conversation longer. (A short one is held at the bottom by
            # the anchor, with a scroll offset below zero.)
            at_bottom = self.max_scroll_y == 0 or self.scroll_y >= self.max_scroll_y
            follows = self._end == 0 or (self._end >= self._known and at_bottom)
            # Asked once: cards go on coming while these are mounted.
            total = self._known = len(self.cards)
            for card in cards:
                if view := self._views.get(card.key):
                    await view.renew()
            if self._end >= total:
                return
            if follows:
                first = self._start if self._end else total - STEP
                if total - first > MOST_MOUNTED:
                    # Many go at once: taking one away with each that comes would lay everything out every time.
                    first = total - MOST_MOUNTED + STEP
                await self._show(max(0, first), total)
            else:
                # One who reads further up is left in peace: nothing is taken away from above.
                await self._show(self._start, max(self._end, min(total, self._start + MOST_MOUNTED)))

    async def bring(self, card: Card) -> None:
        """Bring a card into view, mounted if it was not."""
        async with self._moving:
            if card.key not in self._views:
                place = next((number for number, one in enumerate(self.cards) if one is card), 0)
                start = max(0, place - MOST_MOUNTED // 2)
                await self._show(start, min(len(self.cards), start + MOST_MOUNTED))
        if view := self._views.get(card.key):
            self.scroll_to_widget(view, animate=False)

    async def action_first(self) -> None:
        """Go to the first card."""
        async with self._moving:
            self.release_anchor()
            await self._show(0, min(len(self.cards), MOST_MOUNTED))
        self.scroll_home(animate=False)

    async def action_last(self) -> None:
        """Go to the newest card."""
        async with self._moving:
            await self._show(max(0, len(self.cards) - STEP), len(self.cards))
        self.anchor()

    def _scrolled(self) -> None:
        if self._wanted() and not self._moving.locked():
            # In a task of its own: it waits for a layout, which the messages of this widget must not wait for.
            self.run_worker(self._move(), group="window", exit_on_error=False)

    def _wanted(self) -> tuple[int, int] | None:
        if self.scroll_y <= 0 and self._start > 0:
            start = max(0, self._start - STEP)
            return start, min(self._end, start + MOST_MOUNTED)
        if self.max_scroll_y and self.scroll_y >= self.max_scroll_y and self._end < len(self.cards):
            end = min(len(self.cards), self._end + STEP)
            return max(0, end - MOST_MOUNTED), end
        return None

    async def _move(self) -> None:
        async with self._moving:
            while wanted := self._wanted():
                # At an end of what is mounted, not of all: an anchor would run on to the newest card.
                self.release_anchor()
                top = next((view for view in self._views.values() if view.virtual_region.bottom > self.scroll_y), None)
                await self._show(*wanted)
                drawn = asyncio.Event()
                self.call_after_refresh(drawn.set)
                await drawn.wait()
                if top is not None and top.is_attached:
                    self.scroll_to_widget(top, animate=False, top=True, immediate=True)

    async def _show(self, start: int, end: int) -> None:
        wanted = {card.key: card for card in self.cards[start:end]}
        gone = [key for key in self._views if key not in wanted]
        if gone:
            await self.remove_children([self._views.pop(key) for key in gone])
        first = next(iter(self._views), None)
        before: list[CardView] = []
        after: list[CardView] = []
        seen_first = first is None
        for card in self.cards[start:end]:
            if card.key == first:
                seen_first = True
            elif card.key not in self._views:
                (after if seen_first else before).append(view_of(card))
        if before:
            await self.mount_all(before, after=self.query_one("#earlier"))
        if after:
            await self.mount_all(after, before=self.query_one("#later"))
        old = self._views
        self._views = {view.card.key: view for view in before} | old | {view.card.key: view for view in after}
        self._start, self._end = start, end
        for view in (*before, *after):
            await view.renew()
        self._tell()

    def _tell(self) -> None:
        earlier, later = self._start, len(self.cards) - self._end
        above, below = self.query_one("#earlier", PlainStatic), self.query_one("#later", PlainStatic)
        above.display, below.display = bool(earlier), bool(later)
        above.show(f"▲ {earlier} earlier (scroll up)")
        below.show(f"▼ {later} newer (scroll down)")
