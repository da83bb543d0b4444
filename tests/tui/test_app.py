from __future__ import annotations

from typing import Any

import pytest
from stage import notes, opened, screen_text, session, settled, until
from stories import BUILT, RUN, WAITING, call, finished

from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.screens.runs import RunsScreen
from tui.screens.session import SessionScreen


async def test_ctrl_c_once_warns_and_twice_quits(settings: Any) -> None:
    async with opened(settings) as (app, pilot, _):
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert app.is_running
        assert "again to quit" in notes(app)
        app._pressed -= 10
        await pilot.press("ctrl+c")
        assert app.is_running, "twice means twice in a moment"
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running or app._exit)
    assert app.return_code == 0


async def test_ctrl_c_quits_from_everywhere_and_touches_no_run(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", *BUILT, status="running")
        desk.go(RUN)
        await session(app, pilot, RUN)
        await pilot.press("f1", "ctrl+c", "ctrl+c")
        await until(pilot, lambda: app._exit)
        assert desk.interrupted == []
        desk.live[RUN].put_nowait(None)


async def test_help(settings: Any) -> None:
    async with opened(settings) as (app, pilot, _):
        for leave in ("escape", "f1", "q"):
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            for word in ("f3", "ctrl+r", "twice: quit", "--plain"):
                assert word in screen_text(app)
            await pilot.press(leave)
            await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def choose(app: Any, pilot: Any, name: str) -> None:
    """Choose a command of the palette by its name."""
    await pilot.press("ctrl+p")
    await settled(pilot)
    await pilot.press(*name)
    await until(pilot, lambda: name.lower() in screen_text(app).lower().split("\n", 4)[4])
    await pilot.pause(0.3)
    await pilot.press("enter")
    await settled(pilot)


@pytest.mark.parametrize(("name", "kind"), [("Runs", RunsScreen), ("Help", HelpScreen), ("New", HomeScreen)])
async def test_the_palette_goes_everywhere(settings: Any, name: str, kind: type[Any]) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", *BUILT, finished())
        await session(app, pilot, RUN)
        await choose(app, pilot, name)
        await until(pilot, lambda: isinstance(app.screen, kind))


async def test_the_palette_acts_on_the_session(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        assert not {"Resume", "Panel"} & {one.title for one in app.get_system_commands(app.screen)}
        await desk.add(RUN, "x", *BUILT, call("run_tests", "r1"), status="running")
        screen = await session(app, pilot, RUN)
        await until(pilot, lambda: screen.feed.status == "interrupted")
        offered = {one.title: one.callback for one in app.get_system_commands(screen)}
        assert {"New", "Runs", "Resume", "Interrupt", "Panel", "Question", "Help", "Theme"} <= set(offered)
        await choose(app, pilot, "Panel")
        assert screen.has_class("-side")
        await choose(app, pilot, "Resume")
        await until(pilot, lambda: desk.worked == [(RUN, {}, [])])
        await choose(app, pilot, "Interrupt")
        await until(pilot, lambda: desk.interrupted == [RUN])


async def test_themes(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", *WAITING, status="waiting")
        await session(app, pilot, RUN)
        for theme in ("textual-light", "textual-dark", "ansi-dark", "ansi-light", "nord"):
            app.theme = theme
            await settled(pilot)
            assert "May testing run" in screen_text(app)


async def test_a_worker_that_fails_does_not_end_the_app(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(settings, (100, 30)) as (app, pilot, desk):
        await desk.add(RUN, "x", *BUILT, status="interrupted")

        async def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError("[/] the roof is off")

        monkeypatch.setattr(desk, "work", broken)
        monkeypatch.setattr(desk, "unfinished", broken)
        app.screen.fill()  # type: ignore[attr-defined]
        await until(pilot, lambda: "the roof is off" in notes(app))
        assert "nexus.log" in notes(app)
        screen = await session(app, pilot, RUN)
        screen.feed.status = "interrupted"
        await pilot.press("f5")
        await settled(pilot)
        assert isinstance(app.screen, SessionScreen)


async def test_any_size_of_terminal(settings: Any) -> None:
    async with opened(settings, (20, 6)) as (app, pilot, desk):
        await desk.add(RUN, "x", *WAITING, status="waiting")
        await session(app, pilot, RUN)
        await pilot.press("f4")
        for size in ((10, 4), (40, 12), (200, 60), (2, 2), (80, 24)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
        await pilot.press("f4")
        await settled(pilot)
        assert "May testing run" in screen_text(app)
