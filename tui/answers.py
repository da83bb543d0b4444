"""Answers to the questions of one moment: they go to the run together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

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
        always: bool = False,
        reason: str = "",
        arguments: dict[str, Any] | None = None,
        effect: Effect | None = None,
    ) -> list[Card]:
        """Write a decision down and return the cards that it answers.

        Args:
            card: The question.
            approve: Whether the call may be made.
            whole_run: Whether every call of this risk may be made, those that wait now included.
            always: Whether the answer is for every call of this kind, those that wait now included.
            reason: Why not.
            arguments: What to call with instead.
            effect: What to do with a call that was cut off, where that is the question.
        """
        from nexus_agents.runtime.approvals import Decision

        same = [
            other
            for other in self._feed.waiting
            if other is not card and ((whole_run and other.risk == card.risk) or (always and other.kind == card.kind))
        ]
        if whole_run:
            self.risks.append(cast("Risk", card.risk))
        for one in (card, *same):
            self.decisions[one.approval_id] = Decision(
                approve=approve, always=always, reason=reason, arguments=arguments, effect=effect
            )
            self._say(one, EFFECTS[effect] if effect else _words(one, self.decisions[one.approval_id], whole_run))
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


def _words(card: ApprovalCard, decision: Decision, whole_run: bool) -> str:
    if not decision.approve:
        never = f" every {card.kind}, in this thread" if decision.always else ""
        return f"denied{never}{': ' if decision.reason else ''}{decision.reason}"
    if decision.always:
        return f"approved every {card.kind}, in this thread"
    if decision.arguments is not None:
        return f"approved with other arguments: {json.dumps(decision.arguments, ensure_ascii=False)}"
    return f"approved for this run, with all that is {card.risk}" if whole_run else "approved once"
