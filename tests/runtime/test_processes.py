"""Background processes end with the run that started them, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TypedDict

import psutil
import pytest
from langgraph.graph import END, START, StateGraph

from nexus_agents import Settings, open_runtime
from nexus_agents.core.ports import Kit
from nexus_agents.core.processes import ProcessState
from nexus_agents.core.runs import Outcome

MARK = f"3{os.getpid()}.75"
"""Seconds that nothing else here sleeps for: in a sandbox processes have other numbers than outside of it."""

SERVER = [sys.executable, "-u", "-c", f"import time; print('it is ready'); time.sleep({MARK})"]


class State(TypedDict):
    request: str
    result: dict[str, Any]


def serving(kit: Kit) -> StateGraph[State]:
    """A graph that starts a server; then it ends, or fails, as it is asked to."""

    async def serve(state: State) -> dict[str, Any]:
        arguments = {"command": SERVER, "name": "web", "ready": "is ready", "seconds": 60}
        started = await kit.tools.call("start_process", arguments, call_id="start", agent="test")
        assert isinstance(started, ProcessState)
        (kit.workspace / "lived").write_text(str(lives()))
        if state["request"] == "fail":
            raise RuntimeError("as asked")
        return {"result": Outcome(summary=started.status).model_dump(mode="json")}

    graph = StateGraph(State)
    graph.add_node("serve", serve)
    graph.add_edge(START, "serve")
    graph.add_edge("serve", END)
    return graph


def lives() -> bool:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(MARK in part for part in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


@pytest.mark.parametrize(("request_", "status"), [("end", "done"), ("fail", "failed")])
async def test_it_ends_with_the_run(home, config, work, request_: str, status: str) -> None:
    async with open_runtime(Settings(home, config), builders={"serving": serving}) as runtime:
        run = await runtime.start(request_, graph="serving", approved=["execute"])
        events = await work(runtime, run.id)
        assert events[-1].status == status
        assert (runtime.settings.workspaces / run.id / "lived").read_text() == "True"
        assert not lives()
        assert (runtime.settings.calls(run.id) / "processes/web.log").read_text() == "it is ready\n"
