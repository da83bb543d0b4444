from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from stage import MOMENT, StagedDesk, notes, opened, screen_text, settled, until
from stories import BUILT, RUN, finished, started
from textual.widgets import Input, OptionList

from tui.screens.runs import RunsScreen
from tui.screens.session import SessionScreen


async def three(desk: StagedDesk) -> None:
    await desk.add("0314-0926-00000a", "create a shop", started(), finished())
    await desk.add("0314-0926-00000b", "debate: is 91 prime?", status="failed", created_at=MOMENT + timedelta(hours=1))
    await desk.add(
        "0314-0926-00000c", "list voices", *BUILT, status="interrupted", created_at=MOMENT + timedelta(hours=2)
    )


async def listed(app: Any, pilot: Any) -> RunsScreen:
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen.query_one(OptionList).option_count)
    await settled(pilot)
    return app.screen


def shown(screen: RunsScreen) -> list[str]:
    return [str(option.id)[-1] for option in screen.query_one(OptionList).options]


async def test_newest_first_with_status(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, _):
        screen = await listed(app, pilot)
        assert shown(screen) == ["c", "b", "a"]
        assert "3 of 3 runs" in screen_text(app)
        assert "2026-03-14 09:26  done" in screen_text(app)


async def test_search_by_words_status_and_id(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, _):
        screen = await listed(app, pilot)
        for words, found in (("voices", ["c"]), ("FAILED prime", ["b"]), ("00000a", ["a"]), ("nothing", [])):
            screen.query_one("#search", Input).value = words
            await settled(pilot)
            assert shown(screen) == found
        assert "0 of 3 runs" in screen_text(app)
        await pilot.press("f2", "f5", "enter", "delete", "enter")
        await settled(pilot)
        assert app.screen is screen, "nothing to act on"


async def test_open_and_back(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, desk):
        await listed(app, pilot)
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        assert desk.worked == []
        first = app.screen.thread_id
        assert first == "0314-0926-00000a"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("ctrl+r")
        assert len([one for one in app.screen_stack if isinstance(one, RunsScreen)]) == 1
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))


async def test_sessions_do_not_pile_up(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, _):
        for _ in range(3):
            await listed(app, pilot)
            await pilot.press("enter", "enter")
            await until(pilot, lambda: isinstance(app.screen, SessionScreen))
            assert len(app.screen_stack) == 3


async def test_resume(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, desk):
        await listed(app, pilot)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        assert desk.worked == [("0314-0926-00000c", {}, [])]


async def test_rename_and_take_the_name_away(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, desk):
        await listed(app, pilot)
        await pilot.press("f2")
        await settled(pilot)
        app.screen.query_one(Input).value = "the [one] for the talk"
        await pilot.press("enter")
        await until(pilot, lambda: "the [one] for the talk" in screen_text(app))
        await pilot.press("f2")
        await settled(pilot)
        app.screen.query_one(Input).value = "other"
        await pilot.press("escape")
        await settled(pilot)
        assert "the [one] for the talk" in screen_text(app)
        await pilot.press("f2")
        await settled(pilot)
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: "list voices" in screen_text(app))
        run = await desk.runtime.memory.runs.get("0314-0926-00000c")
        assert run is not None
        assert run.title is None


async def test_delete_and_bring_back(settings: Any) -> None:
    async with opened(settings, prepare=three) as (app, pilot, _):
        screen = await listed(app, pilot)
        await pilot.press("down", "delete")
        await until(pilot, lambda: shown(screen) == ["b", "a"])
        await pilot.press("delete")
        await until(pilot, lambda: shown(screen) == ["a"])
        await pilot.press("ctrl+z")
        await until(pilot, lambda: shown(screen) == ["b", "a"])
        await pilot.press("ctrl+z")
        await until(pilot, lambda: shown(screen) == ["c", "b", "a"])
        await pilot.press("ctrl+z")
        await settled(pilot)
        assert shown(screen) == ["c", "b", "a"]


async def test_a_run_at_work_is_not_deleted(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", started(), status="running")
        desk.go(RUN)
        await listed(app, pilot)
        await pilot.press("down", "delete")
        await until(pilot, lambda: "interrupt it first" in notes(app))


async def test_an_empty_list_says_what_to_do(settings: Any) -> None:
    async with opened(settings) as (app, pilot, _):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "No runs yet" in screen_text(app))


async def test_a_run_that_was_deleted_elsewhere(settings: Any) -> None:
    from tui.messages import OpenSession

    async with opened(settings) as (app, pilot, _):
        app.screen.post_message(OpenSession("gone"))
        await until(pilot, lambda: "There is no run gone" in notes(app))


async def test_a_thousand_old_runs(settings: Any) -> None:
    async def many(desk: StagedDesk) -> None:
        for number in range(1_000):
            await desk.add(
                f"0314-0926-{number:06x}", f"request {number}", created_at=MOMENT - timedelta(minutes=number)
            )

    async with opened(settings, prepare=many) as (app, pilot, _):
        began = time.process_time()
        screen = await listed(app, pilot)
        assert time.process_time() - began < 4
        assert len(screen.runs) == 1_000
        began = time.process_time()
        await pilot.press(*"999")
        await until(pilot, lambda: "1 of 1000 runs" in screen_text(app))
        assert time.process_time() - began < 4
