"""A run whose budget is used up is given more in a form."""

from __future__ import annotations

from typing import Any

import pytest
from stage import left, opened, screen_text, session, until
from stories import REQUEST, RUN, finished, more, started, used
from textual.widgets import Input

from nexus_agents.core.budget import Limits, Spent
from tui.screens.budget import BudgetScreen


def test_which_limits_are_reached() -> None:
    spent = Spent(turns=2, tokens=90, money=0.5)
    assert Limits(turns=2, tokens=91, money=0.4).reached(spent) == ["money", "turns"]
    assert Limits().reached(spent) == []
    assert Limits(turns=2, tokens=9).within(Limits(tokens=8, money=1)) == Limits(turns=2, tokens=8, money=1)


async def test_resume_asks_for_more_and_goes_on_with_it(settings: Any) -> None:
    async with opened(settings, (80, 24)) as (app, pilot, desk):
        await more(app, pilot, desk)
        assert "Turns: calls of a model (2 used of 2)" in screen_text(app)
        turns = app.screen.query_one("#turns", Input)
        assert (turns.has_focus, turns.value) == (True, "4")
        for wrong, says in (("2", "that much is used already"), ("x", "valid integer"), ("", "raised, and not taken")):
            turns.value = wrong
            await pilot.press("ctrl+s")
            await until(pilot, lambda says=says: says in screen_text(app))
            assert turns.has_focus
        turns.value = "1,000"
        app.screen.query_one("#tokens", Input).value = "50000"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: desk.worked == [(RUN, {}, [])])
        assert desk.budgets == [Limits(turns=1000, tokens=50_000)], "what stays is not said again"


@pytest.mark.parametrize("leave", ["escape", "#cancel"])
async def test_the_form_can_be_left(settings: Any, leave: str) -> None:
    async with opened(settings) as (app, pilot, desk):
        await more(app, pilot, desk)
        await left(app, pilot, leave)
        assert desk.worked == []


async def test_more_than_what_was_used_is_offered(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        events = [started(), used("planning", 900, 40), finished("interrupted")]
        await desk.add(RUN, REQUEST, *events, status="interrupted", budget=Limits(tokens=100))
        await session(app, pilot, RUN)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, BudgetScreen))
        assert app.screen.query_one("#tokens", Input).value == "1,880"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: desk.budgets == [Limits(tokens=1880)])


async def test_what_was_cut_off_otherwise_is_not_asked_and_can_be_given_more(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        events = [started(), used("planning", 900, 40), finished("interrupted")]
        await desk.add(RUN, REQUEST, *events, status="interrupted", budget=Limits(turns=2))
        screen = await session(app, pilot, RUN)
        await pilot.press("f5")
        await until(pilot, lambda: desk.worked == [(RUN, {}, [])])
        assert desk.budgets == [None]
        screen.action_budget()
        await until(pilot, lambda: isinstance(app.screen, BudgetScreen))
        assert app.screen.query_one("#turns", Input).value == "2"
