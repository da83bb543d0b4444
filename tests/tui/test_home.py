from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stage import StagedDesk, notes, opened, screen_text, settled, staged, until
from stories import RUN, WAITING, cut_off

from nexus_agents.core.runs import Run
from tui.app import NexusApp
from tui.screens.home import EXAMPLES, HomeScreen
from tui.screens.runs import RunsScreen
from tui.screens.session import SessionScreen
from tui.widgets.prompt import Prompt


async def newest(desk: StagedDesk) -> Run:
    return (await desk.runtime.memory.runs.list(limit=1))[0]


async def in_session(app: NexusApp, pilot: Any) -> SessionScreen:
    await until(pilot, lambda: isinstance(app.screen, SessionScreen))
    assert isinstance(app.screen, SessionScreen)
    return app.screen


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_number_starts_an_example(settings: Any, number: int) -> None:
    async with opened(settings) as (app, pilot, desk):
        await pilot.press(str(number))
        screen = await in_session(app, pilot)
        run = await newest(desk)
        assert run.request == EXAMPLES[number - 1]
        assert screen.thread_id == run.thread_id
        assert desk.worked == [(run.id, {}, [])]


async def test_the_model_is_shown_with_the_reason(settings: Any) -> None:
    async with opened(settings) as (app, pilot, _):
        await until(pilot, lambda: "builtin:nexus" in screen_text(app))
        assert "NEXUS_MODEL" in screen_text(app)


async def test_a_wrong_model_is_told_in_two_lines(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_MODEL", "nobody:knows")
    async with opened(settings) as (app, pilot, _):
        await until(pilot, lambda: "nobody" in screen_text(app))
        assert isinstance(app.screen, HomeScreen)


async def test_what_is_typed_goes_to_the_prompt_and_starts(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await pilot.press(*"rise 123")
        prompt = app.screen.query_one(Prompt)
        assert prompt.has_focus
        assert prompt.text == "rise 123", "neither a key of the screen nor an example"
        assert await desk.runtime.memory.runs.list() == []
        await pilot.press("enter")
        await in_session(app, pilot)
        assert (await newest(desk)).request == "rise 123"


async def test_digits_in_the_prompt_start_nothing(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        app.screen.query_one(Prompt).focus()
        await pilot.press("1", "2", "3")
        await settled(pilot)
        assert isinstance(app.screen, HomeScreen)
        assert app.screen.query_one(Prompt).text == "123"
        assert await desk.runtime.memory.runs.list() == []


async def test_what_is_pasted_is_taken_and_cleaned(settings: Any) -> None:
    from textual import events

    async with opened(settings) as (app, pilot, _):
        app.screen.post_message(events.Paste("list\x1b[31m\tvoices"))
        prompt = app.screen.query_one(Prompt)
        await until(pilot, lambda: prompt.text)
        assert prompt.text == "list\ufffd[31m    voices"
        app.screen.post_message(events.Paste("x" * 30_000))
        await settled(pilot)
        assert len(prompt.text) < 100
        assert "put it into a file" in notes(app)


async def waits(desk: StagedDesk) -> None:
    await desk.add(RUN, "clone this voice", *WAITING, status="waiting", workspace=str(desk.settings.home / "shop"))


async def test_resume_goes_on_with_the_run(settings: Any) -> None:
    async with opened(settings, prepare=waits) as (app, pilot, desk):
        await until(pilot, lambda: app.screen.query("_Offer"))
        assert "waits for you" in screen_text(app)
        await pilot.click(".resume")
        screen = await in_session(app, pilot)
        assert screen.thread_id == RUN
        assert desk.worked == [(RUN, {}, [])]


async def test_look_only_looks(settings: Any) -> None:
    async with opened(settings, prepare=waits) as (app, pilot, desk):
        await until(pilot, lambda: app.screen.query("_Offer"))
        await pilot.click(".look")
        await in_session(app, pilot)
        assert desk.worked == []


async def test_start_fresh_gives_up_the_old_run(settings: Any) -> None:
    async with opened(settings, prepare=waits) as (app, pilot, desk):
        await until(pilot, lambda: app.screen.query("_Offer"))
        await pilot.click(".fresh")
        await in_session(app, pilot)
        old = await desk.runtime.memory.runs.get(RUN)
        new = await newest_by_id(desk, RUN)
        assert old is not None
        assert old.status == "cancelled"
        assert (new.request, new.workspace) == (old.request, old.workspace)
        assert desk.worked == [(new.id, {}, [])]
        await pilot.press("ctrl+n")
        await settled(pilot)
        offers = [offer.run.id for offer in app.screen.query("_Offer")]  # type: ignore[attr-defined]
        assert RUN not in offers


async def newest_by_id(desk: StagedDesk, other: str) -> Run:
    return next(run for run in await desk.runtime.memory.runs.list() if run.id != other)


async def test_a_run_that_cannot_go_on_is_told(settings: Any) -> None:
    async with opened(settings, prepare=waits) as (app, pilot, desk):
        desk.refuses = "Run is being worked on by process 77."
        await until(pilot, lambda: app.screen.query("_Offer"))
        await pilot.click(".resume")
        await until(pilot, lambda: "process 77" in notes(app))
        assert isinstance(app.screen, HomeScreen)


async def test_keys_of_home(settings: Any) -> None:
    async with opened(settings) as (app, pilot, _):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_the_list_of_the_unfinished_is_looked_at_again(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await cut_off(app, pilot, desk)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.screen.query("_Offer"))
        assert "was cut off" in screen_text(app)


async def test_a_memory_that_cannot_be_opened_is_said(
    own_home: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / "nexus.db").write_bytes(b"this is no database" * 200)
    app = NexusApp(settings)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: "looking for a model" not in screen_text(app))
        assert str(own_home) in screen_text(app) or "database" in screen_text(app)
        await pilot.press("1")
        await settled(pilot)
        assert isinstance(app.screen, HomeScreen)
        await pilot.press("ctrl+c", "ctrl+c")


async def test_nothing_starts_before_the_memory_is_open(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    gate = asyncio.Event()

    class Late:
        def __init__(self, settings: Any) -> None:
            self.inner = staged(settings)

        async def __aenter__(self) -> StagedDesk:
            await gate.wait()
            return await self.inner.__aenter__()

        async def __aexit__(self, *error: Any) -> Any:
            return await self.inner.__aexit__(*error)

    import tui.app

    monkeypatch.setattr(tui.app, "_import_desk", lambda: (Late, lambda home: None, lambda: settings))
    app = NexusApp(settings)
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("1", "ctrl+r")
        await settled(pilot)
        assert isinstance(app.screen, HomeScreen)
        assert "not open yet" in notes(app)
        gate.set()
        await until(pilot, lambda: app.desk)
        await pilot.press("1")
        await in_session(app, pilot)


async def test_no_letter_of_a_burst_is_lost(settings: Any) -> None:
    from textual import events

    from tui.widgets.prompt import Prompt

    async with opened(settings) as (app, pilot, _):
        await pilot.pause()
        app.screen.set_focus(None)
        await pilot.pause()
        for key in "debatethis":
            app.post_message(events.Key(key, key))
        prompt = app.screen.query_one(Prompt)
        await until(pilot, lambda: len(prompt.text) >= 10)
        assert sorted(prompt.text) == sorted("debatethis")
