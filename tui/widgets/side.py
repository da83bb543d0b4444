"""The side panel: agents and what they do, the plan, and what models used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.containers import VerticalScroll

from nexus_agents.runtime.tally import budget_lines, cost_text
from tui.widgets.plain import PlainStatic, shorten

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.feed import Feed

__all__ = ["Side"]

WIDTH = 30
"""Characters in a line of the panel."""


class Side(VerticalScroll, can_focus=False):
    """Agents, plan and usage of a session."""

    def compose(self) -> ComposeResult:
        """Make the three parts."""
        for name in ("Agents", "Plan", "Usage"):
            yield PlainStatic(name, classes="title")
            yield PlainStatic("", id=name.lower())

    def show(self, feed: Feed) -> None:
        """Draw the session as it stands."""
        self.query_one("#agents", PlainStatic).show(agents_text(feed))
        self.query_one("#plan", PlainStatic).show(plan_text(feed.plan))
        self.query_one("#usage", PlainStatic).show(usage_text(feed))


MARKS = {"working": "●", "paused": "○", "done": "✓"}


def agents_text(feed: Feed) -> str:
    """Return the agents, a line each and one for what they do; rows never move."""
    lines: list[str] = []
    for agent in feed.agents.values():
        mark = MARKS[agent.state]
        lines += [f"{mark} {agent.name}", *([f"  {shorten(agent.doing, WIDTH - 2)}"] if agent.doing else [])]
    return "\n".join(lines) or "none yet"


def plan_text(plan: dict[str, Any]) -> str:
    """Return the plan in short: what is stored, and what must hold."""
    if not plan:
        return "none"
    lines = [shorten(str(plan.get("title", "")), WIDTH)]
    for entity in _rows(plan.get("entities")):
        fields = ", ".join(str(field.get("name", "?")) for field in _rows(entity.get("fields")))
        lines.append(shorten(f"- {entity.get('name', '?')}: {fields}", WIDTH))
    lines.append(f"{_count(plan.get('files'))} files, {_count(plan.get('acceptance'))} conditions")
    return "\n".join(line for line in lines if line)


def usage_text(feed: Feed) -> str:
    """Return tokens and cost by model, and how much of the budget of the run that is, where it has one."""
    lines: list[str] = []
    for name, use in feed.tally.models.items():
        lines += [shorten(name, WIDTH), f"  {use.input_tokens:,} in, {use.output_tokens:,} out"]
        lines += [f"  {cost}" for cost in [cost_text(use.cost, use.unpriced)] if cost]
    if left := budget_lines(feed.used.spent, feed.limits):
        lines += ["budget of this run", *(f"  {line}" for line in left)]
    return "\n".join(lines) or "nothing yet"


def _rows(value: object) -> list[dict[str, Any]]:
    # A plan is what an agent said: one of a user's own making may have another form.
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]


def _count(value: object) -> int:
    return len(cast("list[Any]", value)) if isinstance(value, list) else 0
