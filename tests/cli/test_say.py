"""A word to a run that is at work, from another terminal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NEXUS = Path(sys.executable).with_name("nexus")
HOLD = "touch held; until [ -e go ]; do sleep 0.05; done"


def test_a_run_at_work_hears_what_is_said(inside: Any, team: Any, here: Path) -> None:
    team([{"calls": [{"name": "run_command", "args": {"command": HOLD}}]}, "As you like."])
    command = [str(NEXUS), "run", "work", "-w", "w", "--yes"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (here / "w" / "held").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run = json.loads(inside("runs", "--json").out)["id"]
        said = inside("say", run[:-1], "use the small one")
        assert (said.rc, said.out) == (0, "")
        assert "heard at the next turn" in said.err
        told = inside("say", run, "and be quick", "--json")
        assert json.loads(told.out)["text"] == "and be quick"
        inside("say", run, "  ").refused(2, "empty")
        (here / "w" / "go").touch()
        assert process.wait(60) == 0
    shown = inside("show", run).out
    assert shown.index("you: use the small one") < shown.index("you: and be quick") < shown.index("run_command: ok")
    steps = [json.loads(line) for line in inside("history", run, "--json").out.splitlines()]
    state = inside("show", run, "--at", str(steps[-1]["number"])).out
    assert "The user says, while you work: use the small one" in state
    inside("say", run, "too late").refused(2, f"Run {run} is done: nobody listens any more.", "--thread")
    inside("say", "nope", "hello").refused(2, "There is no run nope.")
