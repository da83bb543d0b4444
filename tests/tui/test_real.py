"""Real runs in processes of their own, worked by the built-in model and shown by the app."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from stage import folder, settled, until
from textual.widgets import TextArea

from nexus_agents.runtime.settings import Settings
from tui.app import NexusApp
from tui.cards import MessageCard, UserCard
from tui.screens.home import HomeScreen
from tui.screens.session import SessionScreen
from tui.widgets.plain import PlainStatic


@pytest.fixture
def real(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation whose runs get a process each; no warm host is left behind."""
    from nexus_agents.runtime import desk

    monkeypatch.setattr(desk, "ensure_host", lambda home: None)
    monkeypatch.chdir(tmp_path)
    return folder(own_home)


async def ended(app: NexusApp, pilot: Any, status: str, seconds: float = 40.0) -> SessionScreen:
    await until(pilot, lambda: isinstance(app.screen, SessionScreen) and app.screen.feed.status == status, seconds)
    await settled(pilot)
    assert isinstance(app.screen, SessionScreen)
    return app.screen


async def opened_on(app: NexusApp, pilot: Any) -> None:
    await until(pilot, lambda: app.desk is not None)
    await settled(pilot)


@pytest.mark.slow
async def test_a_debate_a_follow_up_and_another_look(real: Settings) -> None:
    app = NexusApp(real)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await opened_on(app, pilot)
        await pilot.press("3")
        screen = await ended(app, pilot, "done")
        assert "prime" in " ".join(card.text for card in screen.feed.cards if isinstance(card, MessageCard))
        await pilot.press(*"list voices", "enter")
        await until(pilot, lambda: len([card for card in screen.feed.cards if isinstance(card, UserCard)]) == 2, 30)
        await ended(app, pilot, "done")
        assert screen.feed.model == "builtin:nexus"
        first, thread = len(screen.feed.cards), screen.thread_id
    again = NexusApp(real)
    async with again.run_test(size=(100, 30)) as pilot:
        await opened_on(again, pilot)
        await pilot.press("ctrl+r")
        await settled(pilot)
        await pilot.press("down", "enter")
        screen = await ended(again, pilot, "done")
        assert screen.thread_id == thread
        texts = [card for card in screen.feed.cards if isinstance(card, MessageCard | UserCard)]
        assert len(texts) <= first
        assert [card.text for card in texts if isinstance(card, UserCard)][-1] == "list voices"


async def test_closing_the_app_leaves_the_run_going(real: Settings) -> None:
    app = NexusApp(real)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened_on(app, pilot)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        assert isinstance(app.screen, SessionScreen)
        thread = app.screen.thread_id
    from nexus_agents.runtime.desk import open_desk

    async with open_desk(real) as desk:
        for _ in range(300):
            run = await desk.runtime.memory.runs.get(thread)
            if run is not None and run.status == "done":
                break
            await asyncio.sleep(0.1)
        assert run is not None
        assert run.status == "done"


@pytest.mark.slow
async def test_a_denied_call_tells_the_agent_why(real: Settings, own_home: Path) -> None:
    (own_home / "agents.yaml").write_text("approvals:\n  write: ask\n", encoding="utf-8")
    from nexus_agents.runtime.settings import load_settings

    settings = load_settings(own_home / "agents.yaml")
    app = NexusApp(settings)
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await opened_on(app, pilot)
        assert isinstance(app.screen, HomeScreen)
        await pilot.press("1")
        screen = await ended(app, pilot, "waiting")
        asked = screen.feed.waiting[0]
        await pilot.press("f3", "n", *"not in this folder", "enter")
        await until(pilot, lambda: screen.feed.status not in ("waiting", "running"), 40)
        assert app.desk is not None
        events = await app.desk.runtime.memory.events.read(screen.feed.run_id)
        told = " ".join(event.model_dump_json() for event in events)
        assert asked.answered == "denied: not in this folder"
        assert "not in this folder" in told


# -- a script plays the model ---------------------------------------------------------------------------

HOLD = "touch held; until [ -e go ]; do sleep 0.05; done"


def scripted(home: Path, *steps: Any) -> Settings:
    """An installation whose assistant says what a script says."""
    from nexus_agents.runtime.settings import load_settings

    (home / "script.json").write_text(json.dumps({"roles": {"*": list(steps)}}), encoding="utf-8")
    file = home / "agents.yaml"
    settings = {"default_model": "scripted:script.json", "agents": {"assistant": {"tools": ["run_command"]}}}
    file.write_text(json.dumps(settings), encoding="utf-8")
    return load_settings(file)


def command(text: str) -> dict[str, Any]:
    return {"calls": [{"name": "run_command", "args": {"command": text}}]}


async def waits_for(app: NexusApp, pilot: Any, kind: str) -> None:
    await until(
        pilot,
        lambda: (
            isinstance(app.screen, SessionScreen)
            and [one.kind for one in app.screen.feed.waiting] == [kind]
            and app.screen.feed.status == "waiting"
        ),
        40,
    )
    await settled(pilot)


@pytest.mark.slow
async def test_always_never_and_other_arguments(real: Settings, own_home: Path) -> None:
    steps = [
        command("echo one"),
        command("echo one more"),
        command("printf two"),
        command("ls"),
        command("ls -l"),
        "Done.",
    ]
    app = NexusApp(scripted(own_home, *steps))
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await opened_on(app, pilot)
        await pilot.press(*"work", "enter")
        await waits_for(app, pilot, "run_command(echo one)")
        await pilot.press("f3", "a")
        await waits_for(app, pilot, "run_command(printf two)")
        await pilot.press("f3", "e")
        await until(pilot, lambda: app.screen.query("Arguments TextArea"))
        await settled(pilot)
        area = app.screen.query_one("Arguments TextArea", TextArea)
        area.text = '{"command": "printf three > three.txt", "timeout": "soon"}'
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "timeout" in app.screen.query_one("Arguments .wrong", PlainStatic).shown)
        area.text = '{"command": "printf three > three.txt"}'
        await pilot.press("ctrl+s")
        await waits_for(app, pilot, "run_command(ls)")
        await pilot.press("f3", "v", *"no lists", "enter")
        screen = await ended(app, pilot, "failed")
        assert app.desk is not None
        calls = await app.desk.runtime.memory.ledger.list(screen.feed.run_id)
        run = await app.desk.runtime.memory.runs.get(screen.feed.run_id)
    assert run is not None
    assert [call.arguments["command"] for call in calls] == ["echo one", "echo one more", "printf three > three.txt"]
    assert Path(run.workspace, "three.txt").read_text(encoding="utf-8") == "three"
    assert run.approved == ["run_command(echo one)", "not:run_command(ls)"]
    assert run.error is not None
    assert "no to every call like run_command(ls)" in run.error.message, "the last one was not asked about"


async def test_a_run_hears_what_is_said_in_the_app(real: Settings, own_home: Path) -> None:
    app = NexusApp(scripted(own_home, command(HOLD), "As you like."))
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await opened_on(app, pilot)
        await pilot.press(*"work", "enter")
        await waits_for(app, pilot, f"run_command({HOLD})")
        await pilot.press("f3", "r")
        assert isinstance(app.screen, SessionScreen)
        screen = app.screen
        workspace = Path(screen.feed.workspace)
        await until(pilot, lambda: (workspace / "held").exists(), 40)
        await pilot.press(*"use uv", "enter")
        await until(pilot, lambda: said_in(screen) == [("use uv", "heard at the next turn")])
        (workspace / "go").touch()
        await ended(app, pilot, "done")
        assert said_in(screen) == [("use uv", "heard by assistant")]
        assert app.desk is not None
        events = await app.desk.runtime.memory.events.read(screen.feed.run_id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert screen.feed.seq == len(events)
        steps = await app.desk.history(screen.feed.run_id)
        state = await app.desk.runtime.memory.history.state(steps[-1])
        assert "The user says, while you work: use uv" in json.dumps(state)


def said_in(screen: SessionScreen) -> list[tuple[str, str]]:
    """What was said to runs at work, and what is known of its being heard."""
    return [(card.text, card.mark) for card in screen.feed.cards if isinstance(card, UserCard) and card.mark]
