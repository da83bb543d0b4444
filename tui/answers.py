"""Answers to the questions of one moment: they go to the run together."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from nexus_agents.core.tool import Risk
    from nexus_agents.runtime.approvals import Decision, Effect
    from tui.cards import ApprovalCard, Card
    from tui.feed import Feed

__all__ = ["Answers"]

EFFECTS: dict[Effect, str] = {"again": "to be run again", "done": "it took effect", "skip": "left as it is"}


class Answers:
    """What the person decided so far.

    Args:
        feed: The session whose questions they are.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._cards: list[ApprovalCard] = []
        self.decisions: dict[str, Decision] = {}
        self.risks: list[Risk] = []

    def add(
        self,
        card: ApprovalCard,
        approve: bool,
        *,
        whole_run: bool = False,
        reason: str = "",
        effect: Effect | None = None,
    ) -> list[Card]:
        """Write a decision down and return the cards that it answers.

        Args:
            card: The question.
            approve: Whether the call may be made.
            whole_run: Whether every call of this risk may be made, those that wait now included.
            reason: Why not.
            effect: What to do with a call that was cut off, where that is the question.
        """
        from nexus_agents.runtime.approvals import Decision

        same = [other for other in self._feed.waiting if whole_run and other.risk == card.risk and other is not card]
        if whole_run:
            self.risks.append(cast("Risk", card.risk))
        for one in (card, *same):
            self.decisions[one.approval_id] = Decision(approve=approve, reason=reason, effect=effect)
            self._say(one, EFFECTS[effect] if effect else _words(approve, whole_run, reason))
        return [card, *same]

    def take_back(self) -> list[Card]:
        """Open the questions again and return their cards."""
        cards: list[Card] = [*self._cards]
        for card in self._cards:
            card.answered = ""
            card.version += 1
        self._feed.ask_again()
        return cards

    def clear(self) -> None:
        """Forget what was sent."""
        self._cards, self.decisions, self.risks = [], {}, []

    def _say(self, card: ApprovalCard, words: str) -> None:
        self._cards.append(card)
        card.answered = words
        card.version += 1


def _words(approve: bool, whole_run: bool, reason: str) -> str:
    if not approve:
        return f"denied{': ' if reason else ''}{reason}"
    return "approved for this run" if whole_run else "approved once"
