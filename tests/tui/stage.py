"""A stage for the app: a real memory, and runs that the test itself works, event by event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from nexus_agents.core import events as ev
from nexus_agents.core.budget import Limits
from nexus_agents.core.errors import InputError
from nexus_agents.core.history import ChannelChange, CheckpointInfo
from nexus_agents.core.runs import Run
from nexus_agents.runtime.desk import Desk
from nexus_agents.runtime.runtime import Runtime, open_runtime
from nexus_agents.runtime.settings import Settings
from tui.app import NexusApp
from tui.screens.session import SessionScreen

MOMENT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
WORKSPACE = "/home/ada/shop"


class StagedDesk(Desk):
    """Keeps what it is asked for; a run goes on when the test plays events."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.live: dict[str, asyncio.Queue[ev.AnyEvent | None]] = {}
        self.worked: list[tuple[str, dict[str, Any], list[str]]] = []
        self.budgets: list[Limits | None] = []
        self.interrupted: list[str] = []
        self.refuses: str = ""
        self.steps: list[CheckpointInfo] = []
        self.changed: list[ChannelChange] = []

    async def work(
        self,
        run_id: str,
        *,
        answers: Mapping[str, Any] | None = None,
        approved: Sequence[Any] = (),
        budget: Limits | None = None,
    ) -> None:
        if self.refuses:
            raise InputError(self.refuses, "Do something else.")
        self.budgets.append(budget)
        self.worked.append((run_id, dict(answers or {}), list(approved)))

    async def watch(self, run_id: str, *, after: int = 0) -> AsyncIterator[ev.AnyEvent]:
        for event in await self.runtime.memory.events.read(run_id, after=after):
            yield event
        queue = self.live.get(run_id)
        while queue is not None and (event := await queue.get()) is not None:
            yield event

    async def is_worked(self, run: Run) -> bool:
        return run.id in self.live

    async def interrupt(self, run_id: str) -> bool:
        self.interrupted.append(run_id)
        return run_id in self.live

    async def say(self, run_id: str, text: str) -> ev.AnyEvent:
        event = await super().say(run_id, text)
        if run_id in self.live:
            self.live[run_id].put_nowait(event)
        return event

    async def history(self, run_id: str) -> list[CheckpointInfo]:
        return self.steps or await super().history(run_id)

    async def changes(self, before: CheckpointInfo | None, after: CheckpointInfo) -> list[ChannelChange]:
        return self.changed if self.steps else await super().changes(before, after)

    # -- what a test does -------------------------------------------------------------------------

    async def add(self, run_id: str, request: str, *events: ev.AnyEvent, **columns: Any) -> Run:
        """Write a run and its events down."""
        row = {
            "thread_id": run_id,
            "graph": "assistant",
            "workspace": WORKSPACE,
            "origin": "/home/ada",
            "status": "done",
        }
        run = Run(id=run_id, request=request, **{**row, "created_at": MOMENT, "updated_at": MOMENT, **columns})
        await self.runtime.memory.runs.create(run)
        for event in events:
            await self.runtime.memory.events.append(run_id, event)
        return run

    def go(self, run_id: str) -> None:
        """Have a run worked on: it goes on with `play`."""
        self.live[run_id] = asyncio.Queue()

    async def play(self, run_id: str, *events: ev.AnyEvent) -> None:
        """Let events happen; text chunks and progress are not kept."""
        for event in events:
            if not isinstance(event, ev.TextChunk | ev.ToolProgress):
                event = await self.runtime.memory.events.append(run_id, event)
            if run_id in self.live:
                self.live[run_id].put_nowait(event)

    async def stop(self, run_id: str) -> None:
        """Let the process that works on a run end."""
        self.live.pop(run_id).put_nowait(None)


@asynccontextmanager
async def staged(settings: Settings) -> AsyncGenerator[StagedDesk]:
    async with open_runtime(settings, checkpoints=False) as runtime:
        yield StagedDesk(runtime)


@asynccontextmanager
async def opened(
    settings: Settings, size: tuple[int, int] = (80, 24), *, prepare: Callable[[StagedDesk], Any] | None = None
) -> AsyncGenerator[tuple[NexusApp, Pilot[None], StagedDesk]]:
    """Open the app on a staged desk, after `prepare` has filled the memory."""
    if prepare is not None:
        async with staged(settings) as desk:
            await prepare(desk)
    app = NexusApp(settings)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.desk is not None)
        await settled(pilot)
        assert isinstance(app.desk, StagedDesk)
        yield app, pilot, app.desk


async def until(pilot: Pilot[Any], happens: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    end = asyncio.get_running_loop().time() + seconds
    while not happens():
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await pilot.pause(0.02)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until everything that was begun is drawn."""
    for _ in range(2):
        await pilot.pause(0.025)
    await pilot.pause()


async def session(app: NexusApp, pilot: Pilot[None], run_id: str) -> SessionScreen:
    """Open the session of a run, as the list of runs does."""
    from tui.messages import OpenSession

    app.screen.post_message(OpenSession(run_id))
    await until(pilot, lambda: isinstance(app.screen, SessionScreen) and app.screen.feed.run_id)
    await settled(pilot)
    assert isinstance(app.screen, SessionScreen)
    return app.screen


def screen_text(app: App[Any]) -> str:
    """What stands on the screen, as characters."""
    return "\n".join("".join(part.text for part in line).rstrip() for line in app.screen._compositor.render_strips())


def notes(app: App[Any]) -> str:
    """What notes were shown, whole: on the screen they are folded."""
    return "\n".join(f"{note.title}\n{note.message}" for note in app._notifications)


async def left(app: NexusApp, pilot: Pilot[None], how: str) -> None:
    """Leave a form, by escape or by the button of that selector, and see that it is gone."""
    form = app.screen
    await (pilot.press("escape") if how == "escape" else pilot.click(how))
    await until(pilot, lambda: app.screen is not form)
    await settled(pilot)


def still(app: App[Any]) -> None:
    """Stop all that blinks."""
    for screen in app.screen_stack:
        for area in screen.query(TextArea):
            area.cursor_blink = False
        for field in screen.query(Input):
            field.cursor_blink = False


def at(seconds: float) -> datetime:
    """A moment of the story."""
    return MOMENT + timedelta(seconds=seconds)


def folder(path: Path) -> Settings:
    """Settings of an installation of its own."""
    path.mkdir(parents=True, exist_ok=True)
    return Settings(path)
