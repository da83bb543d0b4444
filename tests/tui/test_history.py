from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from stage import StagedDesk, notes, opened, screen_text, session, settled, until
from stories import CHANGES, RUN, STEPS, asked_unknown, finished, history, rewinding, started, unknown
from textual.widgets import OptionList

from memory.checkpoints import SqlCheckpointer
from tui.screens.history import HistoryScreen, SureScreen
from tui.screens.session import SessionScreen


class State(TypedDict, total=False):
    text: str


async def worked(desk: StagedDesk, workspace: str) -> None:
    """Write a run of two nodes down, with its checkpoints."""
    await desk.add(RUN, "write", started("write"), finished(), workspace=workspace)
    graph = StateGraph(State)
    graph.add_node("draft", lambda state: {"text": "one\ntwo"})
    graph.add_node("mend", lambda state: {"text": "one\nthree"})
    graph.add_edge(START, "draft")
    graph.add_edge("draft", "mend")
    graph.add_edge("mend", END)
    saver = SqlCheckpointer(desk.runtime.memory.database)  # type: ignore[attr-defined]
    config: Any = {"configurable": {"thread_id": RUN}, "metadata": {"nexus_run": RUN}}
    await graph.compile(checkpointer=saver).ainvoke({"text": ""}, config, durability="sync")


async def looked_at(app: Any, pilot: Any) -> HistoryScreen:
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(OptionList).option_count)
    await settled(pilot)
    return app.screen


async def test_the_steps_and_what_changed(settings: Any, tmp_path: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await worked(desk, str(tmp_path))
        await session(app, pilot, RUN)
        screen = await looked_at(app, pilot)
        assert [step.wrote for step in screen.steps] == [[], ["__start__"], ["draft"], ["mend"]]
        await until(pilot, lambda: "-two" in screen_text(app) and "+three" in screen_text(app))
        await pilot.press("up")
        await until(pilot, lambda: "text (changed)" in screen_text(app) and "+three" not in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))


async def test_fork(settings: Any, tmp_path: Any) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "kept.txt").write_text("kept")
    async with opened(settings) as (app, pilot, desk):
        await worked(desk, str(tmp_path / "work"))
        await session(app, pilot, RUN)
        await looked_at(app, pilot)
        await pilot.press("up", "f")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("n")
        await settled(pilot)
        assert desk.worked == []
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and app.screen.thread_id != RUN)
        (made,) = [run for run in await desk.runtime.memory.runs.list() if run.id != RUN]
        assert (made.parent_id, [one[0] for one in desk.worked]) == (RUN, [made.id])
        assert (tmp_path / "work" / "kept.txt").read_text() == "kept"
        await until(pilot, lambda: f"A fork of run {RUN} at step 3 (draft)" in screen_text(app))


async def test_rewind(settings: Any, tmp_path: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await worked(desk, str(tmp_path))
        await session(app, pilot, RUN)
        await looked_at(app, pilot)
        await pilot.press("up", "r")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and desk.worked)
        await until(pilot, lambda: "Rewound to step 3 (draft); 1 steps are left behind" in screen_text(app))
        screen = await looked_at(app, pilot)
        assert [step.left for step in screen.steps] == [False, False, False, True]
        assert "(4)" in screen_text(app)


async def test_what_cannot_be_gone_on_from_is_said(settings: Any, tmp_path: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await worked(desk, str(tmp_path / "gone"))
        await session(app, pilot, RUN)
        await looked_at(app, pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.click("#yes")
        await until(pilot, lambda: "The workspace to fork from is gone" in notes(app))
        assert isinstance(app.screen, HistoryScreen)


async def test_a_run_without_steps(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "write", started("write"))
        await session(app, pilot, RUN)
        await pilot.press("f8")
        await until(pilot, lambda: "No steps yet" in screen_text(app))
        await pilot.press("f", "r", "down")
        await settled(pilot)
        assert isinstance(app.screen, HistoryScreen)


async def test_damaged_and_left_steps_are_shown(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await history(app, pilot, desk)
        assert "(5)" in screen_text(app)
        await pilot.press("up", "up")
        await until(pilot, lambda: "it is cut short" in screen_text(app))
        assert len(STEPS) == 8
        assert CHANGES


async def test_it_asks_before_it_rewinds(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await rewinding(app, pilot, desk)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))


@pytest.mark.parametrize(
    ("key", "effect", "approve", "says"),
    [("y", "again", True, "to be run again"), ("d", "done", True, "it took effect"), ("n", "skip", False, "left as")],
)
async def test_a_call_that_was_cut_off(settings: Any, key: str, effect: str, approve: bool, says: str) -> None:
    async with opened(settings) as (app, pilot, desk):
        await unknown(app, pilot, desk)
        assert "It is done (d)" in screen_text(app)
        await pilot.press("f3", key)
        await until(pilot, lambda: desk.worked)
        decision = desk.worked[0][1][asked_unknown().approval_id]
        assert (decision.approve, decision.effect) == (approve, effect)
        assert says in screen_text(app)


async def test_done_answers_no_other_question(settings: Any) -> None:
    from stories import approval

    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("f3", "d")
        await settled(pilot)
        assert desk.worked == []
