"""Tools of MCP servers in the ordinary toolbox: approved, in the ledger, told as events, ended with the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from nexus_agents.cli.app import run
from nexus_agents.runtime.settings import read_yaml

SERVER = Path(__file__).parents[1] / "tools" / "mcp_client" / "notes_server.py"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the server did."""
    return tmp_path / "notes.log"


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def settings(home: Path, log: Path) -> Path:
    """An agents.yaml whose assistant has all tools of a real server."""
    path = Path.cwd() / "agents.yaml"
    server = {"command": sys.executable, "args": [str(SERVER)], "env": {"NOTES_LOG": str(log)}}
    path.write_text(
        json.dumps(
            {
                "default_model": "script:plain",
                "providers": {"script": "probes:create"},
                "tools": {"note": "probes:note"},
                "mcp_servers": {"notes": server},
                "agents": {"assistant": {"tools": ["notes.*", "note"]}},
            }
        )
    )
    return path


def open_with(open_here: Any, settings: Path) -> Any:
    config = read_yaml(settings)
    return open_here(**{name: getattr(config, name) for name in type(config).model_fields})


async def test_a_call_asks_is_written_down_and_is_not_made_twice(
    settings: Path, log: Path, open_here: Any, work: Any, script: Any
) -> None:
    request = script([("notes_add", {"text": "tea"}), ("note", {"text": "own"})], [("notes_fail_now", {})])
    async with open_with(open_here, settings) as runtime:
        begun = await runtime.start(request)
        asked = await work(runtime, begun.id)
        assert asked[-1].status == "waiting"
        assert [event.tool for event in asked if event.type == "approval_asked"] == ["notes_add"]
        assert lines(log)[1:] == []
        events = await work(runtime, begun.id, approved=["execute"])
        assert events[-1].error.message == "notes_fail_now: Error executing tool fail.now: the paper tore"
        calls = {call.tool: call for call in await runtime.memory.ledger.list(begun.id)}
        told = [(event.tool, event.ok, event.summary) for event in events if event.type == "tool_finished"]
        (pid,) = [int(line.split()[1]) for line in lines(log) if line.startswith("start")]
        assert psutil.pid_exists(pid)
    assert ("notes_add", True, "noted tea") in told
    assert calls["notes_add"].result["text"] == "noted tea"
    assert calls["notes_fail_now"].status == "failed"
    assert lines(log).count("add tea 1") == 1
    # Closing the house has ended the server.
    assert not psutil.pid_exists(pid)


async def test_what_does_not_fit_is_told_to_the_model(
    settings: Path, log: Path, open_here: Any, work: Any, script: Any
) -> None:
    async with open_with(open_here, settings) as runtime:
        begun = await runtime.start(script([("notes_add", {"text": "x" * 21})], [("note", {"text": "well"})]))
        events = await work(runtime, begun.id, approved=["execute"])
        assert events[-1].status == "done"
        assert "is too long" in events[-1].summary or "well" in events[-1].summary
    assert not [line for line in lines(log) if line.startswith("add")]


async def test_an_agent_that_names_none_starts_none(
    settings: Path, log: Path, open_here: Any, work: Any, script: Any
) -> None:
    text = json.loads(settings.read_text())
    text["agents"]["assistant"]["tools"] = ["note"]
    settings.write_text(json.dumps(text))
    async with open_with(open_here, settings) as runtime:
        begun = await runtime.start(script([("note", {"text": "x"})]))
        assert (await work(runtime, begun.id))[-1].status == "done"
    assert lines(log) == []


async def test_a_server_that_does_not_start_leaves_the_run_resumable(
    settings: Path, log: Path, open_here: Any, work: Any, script: Any
) -> None:
    good = settings.read_text()
    settings.write_text(good.replace(json.dumps([str(SERVER)]), json.dumps([str(SERVER), "broken"])))
    async with open_with(open_here, settings) as runtime:
        begun = await runtime.start(script([("notes_add", {"text": "tea"})]))
        ended = (await work(runtime, begun.id))[-1]
    assert (ended.status, ended.error.exit_code) == ("interrupted", 3)
    assert "The MCP server notes does not start: no notes here" in ended.error.message
    settings.write_text(good)
    async with open_with(open_here, settings) as runtime:
        assert (await work(runtime, begun.id, approved=["execute"]))[-1].status == "done"
    assert lines(log).count("add tea 1") == 1


def test_a_call_that_a_kill_has_cut_off_is_asked_about(
    settings: Path, log: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "nexus_agents", "run", script([("notes_hang", {})]), "--yes"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while "hang" not in lines(log):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    capsys.readouterr()
    assert run(["resume", "--yes"]) == 5
    assert "notes_hang was cut off" in capsys.readouterr().err
    assert run(["resume", "--yes", "--unknown", "skip"]) == 1
    assert "notes_hang was cut off and is not run again" in capsys.readouterr().err
    assert lines(log).count("hang") == 1


def test_doctor_and_check_name_the_servers(settings: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["doctor", "--json"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [check for check in found if check["what"] == "mcp notes"]
    assert line["state"] == "ok"
    assert "notes_add" in line["says"]
    assert run(["config", "check"]) == 0
    assert f"MCP server notes: {sys.executable}" in capsys.readouterr().out
