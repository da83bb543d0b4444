"""What the tests of faces share: requests, watching, waiting."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import psutil

from nexus_agents.core.events import AnyEvent
from nexus_agents.core.runs import Run
from nexus_agents.runtime.desk import Desk
from nexus_agents.runtime.live import host_path

PATIENCE = 20.0
"""Seconds that anything may take on a busy machine."""

OpenFace = Callable[[], AbstractAsyncContextManager[Desk]]


def request(*rounds: list[tuple[str, dict[str, Any]]], say: str = "all done", pause: float = 0.0) -> str:
    """Write a request: each argument is one round of calls side by side, then words are said one by one."""
    return json.dumps({"calls": rounds, "say": say, "pause": pause})


async def held(desk: Desk, say: str = "all done") -> Run:
    """Start a run that has made its mark and waits for `release`."""
    run = await desk.start(request([("mark", {"text": "once"})], [("hold", {"file": "go"})], say=say))
    await asyncio.to_thread(until, Path(run.workspace, "go-held").exists)
    return run


def release(run: Run) -> None:
    """Let a held run go on."""
    Path(run.workspace, "go").touch()


async def collect(desk: Desk, run_id: str, after: int = 0) -> list[AnyEvent]:
    """Watch a run to its end."""
    return [event async for event in desk.watch(run_id, after=after)]


def kept(events: list[AnyEvent]) -> list[int]:
    """Return the numbers of the events that are kept."""
    return [event.seq for event in events if event.seq]


def effects(workspace: str) -> list[str]:
    """Return what `mark` has done."""
    file = Path(workspace, "effects.txt")
    return file.read_text().splitlines() if file.exists() else []


def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the processes that work for a home, this one left out."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            mine = process.environ().get("NEXUS_HOME") == str(home)
            if mine and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_all(home: Path) -> None:
    """End what works for a home, and take its sockets away."""
    # One that is killed may just have started another.
    while left := processes_of(home):
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)
    sockets = host_path(home)
    for path in sockets.parent.glob(f"{sockets.name.partition('-')[0]}-*.sock"):
        path.unlink()
