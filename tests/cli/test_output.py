"""Standard output is data, standard error is narration; neither can be used against the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

from nexus_agents.core.events import EVENT
from nexus_agents.core.runs import Run
from nexus_agents.core.voices import Voice
from nexus_agents.runtime.checks import Check

NEXUS = Path(sys.executable).with_name("nexus")
HOSTILE = "debate: is 91 prime? \x1b[31mred\x1b]0;title\x07 \x9b2J \u202eesrever\r"


def harmless(text: str) -> bool:
    return not any((unicodedata.category(char) == "Cc" and char not in "\n\t") or char == "\u202e" for char in text)


def test_json_is_events_and_nothing_else(inside: Any, here: Path) -> None:
    done = inside("run", "--json", "debate: is 91 prime?", "-w", "w")
    assert (done.rc, done.err) == (0, "")
    events = [EVENT.validate_json(line) for line in done.out.splitlines()]
    assert (events[0].type, events[-1].type) == ("run_started", "run_finished")
    kept = [event.seq for event in events if event.seq]
    assert kept == sorted(set(kept))
    shown = json.loads(inside("show", events[-1].run_id, "--json").out)
    assert [event["seq"] for event in shown["events"]] == kept
    assert {call["status"] for call in shown["ledger"]} == {"done"}
    assert [Path(made["path"]).name for made in shown["artifacts"]] == ["debate-is-91-prime.md"]


def test_json_of_a_failed_run(inside: Any) -> None:
    done = inside("podcast", "--json", "missing.md")
    assert (done.rc, done.err) == (2, "")
    last = EVENT.validate_json(done.out.splitlines()[-1])
    assert (last.type, last.status, last.error.exit_code) == ("run_finished", "failed", 2)
    assert "missing.md" in last.error.message


def test_answer_on_standard_output(inside: Any) -> None:
    done = inside("run", "debate: is 91 prime?")
    assert done.rc == 0
    assert "91" in done.out
    assert "run " not in done.out
    assert "\x1b" not in done.out + done.err
    assert "symbolic" in done.err
    assert done.err.splitlines()[-1].startswith("run ")


def test_json_of_what_is_looked_at(inside: Any) -> None:
    assert inside("run", "list voices").rc == 0
    assert Run.model_validate_json(inside("runs", "--json").out).status == "done"
    voices = [Voice.model_validate_json(line) for line in inside("voices", "--json").out.splitlines()]
    assert len(voices) >= 2
    doctor = inside("doctor", "--json")
    checks = {check.what: check for check in map(Check.model_validate_json, doctor.out.splitlines())}
    assert (doctor.rc, doctor.err) == (0, "")
    assert checks["model"].says.startswith("builtin:nexus")
    assert checks["speech"].state == "ok"


def test_reader_that_goes_away(nexus: Any, here: Path, runs: Any) -> None:
    def into_head(*args: str) -> subprocess.CompletedProcess[str]:
        command = 'set -o pipefail; "$@" | head -c 1 > /dev/null'
        words = ["bash", "-c", command, "bash", str(NEXUS), *args]
        return subprocess.run(words, cwd=here, env={**os.environ}, capture_output=True, text=True, timeout=60)

    quiet = into_head("run", "--json", "list voices")
    assert quiet.stderr == ""
    # Like any program whose reader went away it stops; what it had begun can be gone on with.
    assert quiet.returncode == (0 if runs()[0]["status"] == "done" else 130)
    assert nexus("resume").rc == 0
    assert runs()[0]["status"] == "done"
    for words in (["show", runs()[0]["id"]], ["runs"], ["voices", "--json"], ["--help"]):
        assert (into_head(*words).returncode, into_head(*words).stderr) == (0, ""), words


def test_control_codes_do_not_reach_the_terminal(inside: Any, runs: Any) -> None:
    done = inside("run", HOSTILE)
    assert done.rc == 0
    run = runs()[0]
    # What was asked is kept as it was; what is shown is marked.
    assert run["request"] == HOSTILE.strip()
    nasty = "\x1b[2Jno.md"
    told = [done, inside("runs"), inside("show", run["id"]), inside("show", HOSTILE), inside("podcast", nasty)]
    told += [
        inside("voices", "consent", nasty, "--speaker", "a", "--approved-by", "b"),
        inside("run", "x", "-m", nasty),
    ]
    for one in told:
        assert harmless(one.out), one
        assert harmless(one.err), one
    assert "\N{REPLACEMENT CHARACTER}[2Jno.md" in told[4].err


def test_other_scripts_are_left_as_they_are(inside: Any, runs: Any) -> None:
    request = "debate: is 91 prime? 👩‍🚀 می‌خواهم اهلا 你好 café"
    done = inside("run", request)
    assert done.rc == 0
    assert "👩‍🚀 می‌خواهم اهلا 你好 café" in done.err
    assert runs()[0]["request"] == request


def test_very_long_requests(inside: Any, runs: Any) -> None:
    # One argument of a command is at most 128 kB on Linux: 1 MB is refused by the system itself.
    long = inside("run", "word " * 24_000)
    assert long.rc in (0, 2)
    assert long.seconds < 20
    assert len(long.err) < 5_000
    assert "longer than" in long.out + long.err
