"""Real runs in processes of their own, worked by the built-in model and shown by the app."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from stage import folder, settled, until

from nexus_agents.runtime.settings import Settings
from tui.app import NexusApp
from tui.cards import MessageCard, UserCard
from tui.screens.home import HomeScreen
from tui.screens.session import SessionScreen


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
