"""Runs without a model: recorded answers are replayed, a script plays the team, and a kill changes neither."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nexus_agents import ScriptedChatModel

NEXUS = Path(sys.executable).with_name("nexus")


@pytest.mark.slow
def test_a_debate_is_recorded_and_replayed_without_its_server(nexus: Any, on_server: Any, here: Path) -> None:
    request = ("run", "--json", "let them debate whether 91 is prime")
    done = nexus(*request, "-m", "record:answers:fake", "-w", here / "w")
    assert (done.rc, done.err) == (0, ""), done
    assert len(on_server.of_agents) >= 4
    asked = len(on_server.requests)
    on_server.mode = 500
    again = nexus(*request, "-m", "replay:answers", "-w", here / "elsewhere")
    assert (again.rc, again.err) == (0, "")
    assert len(on_server.requests) == asked
    said, once_more = (json.loads(run.out.splitlines()[-1])["summary"] for run in (done, again))
    assert said == once_more
    assert (here / "elsewhere" / "debate-is-91-prime.md").exists()
    other = nexus("run", "something else", "-m", "replay:answers")
    assert other.rc == 1
    assert "no answer to what the role 'assistant' asks" in other.err
    assert list((here / "answers" / "unmatched").iterdir())


def test_a_killed_run_goes_on_at_the_right_step_of_its_script(nexus: Any, here: Path) -> None:
    script = here / "script.yaml"
    script.write_text(
        "served: served.jsonl\n"
        "roles:\n"
        "  assistant:\n"
        "    - calls: [{name: list_voices}]\n"
        "    - {text: All is well., latency: 90}\n"
    )
    command = [str(NEXUS), "run", "what voices are there?", "-m", "scripted:script.yaml"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        served = here / "served.jsonl"
        deadline = time.monotonic() + 60
        while not served.exists() or len(served.read_text().splitlines()) < 2:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    script.write_text(script.read_text().replace("latency: 90", "latency: 0"))
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    resumed = nexus("resume", cwd=elsewhere)
    assert (resumed.rc, resumed.out.strip()) == (0, "All is well."), resumed
    steps = [json.loads(line)["step"] for line in served.read_text().splitlines()]
    assert steps == [0, 1, 1]
    ScriptedChatModel.from_file(script).assert_consumed()
