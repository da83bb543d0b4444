from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from memory import SqlMemory, open_memory
from nexus_agents.core.events import Message, ToolFinished, ToolStarted
from nexus_agents.core.runs import Owner, Run, ToolCall


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nexus.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
async def memory(url: str) -> AsyncIterator[SqlMemory]:
    async with open_memory(url, checkpoints=False) as opened:
        yield opened


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(run_id: str = "run-1", **fields: object) -> Run:
        known = {
            "thread_id": "thread-1",
            "graph": "assistant",
            "request": "what is 7 * 13?",
            "workspace": str(tmp_path),
            "origin": str(tmp_path),
        }
        return Run.model_validate({"id": run_id, **known, **fields})

    return make


@pytest.fixture
def me() -> Owner:
    started = psutil.Process(os.getpid()).create_time()
    return Owner(host=platform.node(), pid=os.getpid(), started=started)


@pytest.fixture
def say() -> Callable[[str], Message]:
    return lambda text: Message(agent="assistant", text=text)


@pytest.fixture
def call() -> ToolCall:
    return ToolCall(run_id="run-1", call_id="c-1", tool="write_file", agent="backend", arguments={"path": "é.py"})


@pytest.fixture
def started(call: ToolCall) -> ToolStarted:
    return ToolStarted(agent=call.agent, tool=call.tool, call_id=call.call_id, arguments=call.arguments)


@pytest.fixture
def finished(call: ToolCall) -> ToolFinished:
    return ToolFinished(agent=call.agent, tool=call.tool, call_id=call.call_id, ok=True, summary="written", seconds=0.1)
