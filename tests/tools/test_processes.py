from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import tool_spec
from tools import background
from tools.background import RunProcesses
from tools.processes import list_processes, read_process, start_process, stop_process

MARK = f"3{os.getpid()}.25"
"""Seconds that nothing else here sleeps for: in a sandbox processes have other numbers than outside of it."""

SERVER = [
    sys.executable,
    "-u",
    "-c",
    f"import subprocess, time; child = subprocess.Popen(['sleep', '{MARK}']); print('ready now'); time.sleep({MARK})",
]
"""A process with a child, as servers that reload have."""


def alive() -> int:
    """Return how many processes there are of the server, its child and those that hold them."""
    found = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found += any(MARK in part for part in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    return found


def gone(seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


async def test_a_process_is_started_read_and_stopped_with_its_children(job) -> None:
    state = await start_process(job, SERVER, "web", ready="ready now", seconds=60)
    assert (state.name, state.status) == ("web", "running")
    assert alive() >= 2
    assert (await read_process(job.again("call-2"), "web")).status == "lost"  # another run's processes are its own
    assert (await read_process(job, "web")).for_model().startswith("web is running: ")
    assert (await start_process(job, SERVER, "web", seconds=0)).output.strip() == state.output.strip()
    assert (await list_processes(job)).for_model().startswith("1 processes, 1 running\nweb is running: ")
    with pytest.raises(ToolInputError, match="running already"):
        await start_process(job, ["sleep", "1"], "web")
    stopped = await stop_process(job, "web")
    assert (stopped.status, stopped.output.strip()) == ("stopped", state.output.strip())
    assert gone()
    assert (await stop_process(job, "web")).status == "stopped"


async def test_one_that_ends_by_itself_says_how(job) -> None:
    state = await start_process(job, "echo out; echo err >&2; exit 3", "short", seconds=60)
    state = await read_process(job, "short") if state.status != "running" else await _ended(job, "short")
    assert (state.status, state.returncode) == ("ended", 3)
    assert sorted(state.output.split()) == ["err", "out"]
    assert state.summary == "short ended with returncode 3"


async def test_without_a_text_to_wait_for_the_first_output_is_enough(job) -> None:
    began = time.monotonic()
    state = await start_process(job, "echo here; sleep 100", "web", seconds=60)
    assert (state.status, state.output, time.monotonic() - began < 30) == ("running", "here\n", True)


async def test_one_that_is_ended_for_a_limit_says_which(job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LONGEST", 1.0)
    await start_process(job, ["sleep", "60"], "web", seconds=0)
    assert (await _ended(job, "web")).summary == "web ended because its time was up"


async def _ended(job, name: str):
    await job.processes.wait(name, "\0", 60)
    return await read_process(job, name)


async def test_all_end_when_the_run_ends(job) -> None:
    await start_process(job, SERVER, "web", ready="ready now", seconds=60)
    assert alive() >= 2
    await job.processes.end()
    assert gone()
    later = RunProcesses(job.folder.parent / "processes")
    assert later.read("web", 100).status == "stopped"


async def test_output_is_bounded(job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "KEPT", 10_000)
    await start_process(job, "yes 0123456789 | head -c 300000; echo last", "noisy", ready="last", seconds=60)
    await job.processes.wait("noisy", "\0", 60)
    assert (job.folder.parent / "processes/noisy.log").stat().st_size <= 20_000
    state = await read_process(job, "noisy")
    assert state.output.startswith("[earlier output left out]\n")
    assert state.output.endswith("last\n")
    assert len(state.for_model()) < 9000


async def test_bad_input_is_refused(job) -> None:
    for command, name, seconds in (
        ("", "a", 1),
        (["no-such-program"], "a", 5),
        ("ls", "../a", 1),
        ("ls", "", 1),
        ("ls", "a", 1000),
    ):
        with pytest.raises(ToolInputError) as caught:
            await start_process(job, command, name, seconds=seconds)
        assert caught.value.hint
    for call in (read_process, stop_process):
        with pytest.raises(ToolInputError, match="no process 'none'"):
            await call(job, "none")


def test_none_is_left_when_nexus_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib
from types import SimpleNamespace
from nexus_agents.core.sandbox import SandboxPolicy
from tools.background import RunProcesses
from tools.processes import start_process
place = pathlib.Path({str(tmp_path)!r})
job = SimpleNamespace(
    workspace=place,
    processes=RunProcesses(place / "kept"),
    sandbox=SandboxPolicy(trusted=True),
    check_cancelled=lambda: None,
)
async def main():
    state = await start_process(job, {SERVER!r}, "web", ready="ready now", seconds=60)
    print(state.output, flush=True)
    await asyncio.sleep(300)
asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True) as nexus:
        assert nexus.stdout
        said, there = nexus.stdout.readline(), alive()
        os.kill(nexus.pid, 9)
    assert (said, there >= 3) == ("ready now\n", True)
    assert gone()
    state = RunProcesses(tmp_path / "kept").read("web", 1000)
    assert state.status == "lost"
    assert "start it again" in state.for_model()


async def test_a_cancelled_start_leaves_what_was_started_to_the_run(job) -> None:
    starting = asyncio.create_task(start_process(job, SERVER, "web", ready="never", seconds=100))
    await asyncio.sleep(0)
    await job.processes.wait("web", "ready now", 60)
    starting.cancel()
    await asyncio.wait({starting})
    state = await read_process(job, "web")
    assert state.status == "running"
    await job.processes.end()
    assert gone()


def test_they_are_declared() -> None:
    tools = (start_process, read_process, stop_process, list_processes)
    assert [tool_spec(each).risk for each in tools] == ["execute", "read", "write", "read"]
    assert all(tool_spec(each).resumable for each in tools)
