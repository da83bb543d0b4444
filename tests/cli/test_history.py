"""`nexus history`, `fork`, `rewind`, `replay`, `show --at`, `show --diff`, `gc`, and `resume --unknown`, as typed."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memory import open_memory
from nexus_agents.cli.app import run
from nexus_agents.cli.asking import Asking
from nexus_agents.core.events import ApprovalAsked

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "is 91 prime?"

CUT_OFF = """
import asyncio, os, signal
from nexus_agents import load_settings, open_runtime
async def main():
    async with open_runtime(load_settings()) as runtime:
        inputs = {"tool": "send", "arguments": {"text": "one", "hang": True}}
        run = await runtime.start("send one", graph="call", inputs=inputs)
        print(run.id, flush=True)
        async for event in runtime.stream(run.id):
            if event.type == "tool_started":
                await asyncio.sleep(0.3)
                os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@dataclass(frozen=True)
class Told:
    rc: int
    out: str
    err: str

    def refused(self, rc: int, *words: str) -> None:
        assert (self.rc, self.out) == (rc, ""), self
        assert len(self.err.splitlines()) == 2, self
        assert all(word in self.err for word in words), self


@pytest.fixture
def nexus(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command in this process: there are many here, and a process for each would take a minute."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*args: object) -> Told:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        said = capsys.readouterr()
        return Told(code, said.out, said.err)

    return call


@pytest.fixture
def debate(nexus: Any, runs: Any) -> str:
    """The id of a run that is done."""
    assert nexus("debate", QUESTION, "--rounds", "1").rc == 0
    return str(runs()[0]["id"])


@pytest.fixture
def cut_off(here: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a run whose process was killed within a call that nobody may make twice unasked."""
    (here / "agents.yaml").write_text("tools: {send: 'probes:send'}\n")
    monkeypatch.syspath_prepend(ROOT / "tests" / "runtime")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'tests' / 'runtime'}:{ROOT}")
    done = subprocess.run([sys.executable, "-c", CUT_OFF], cwd=here, capture_output=True, text=True, timeout=60)
    assert done.returncode == -9, done
    return done.stdout.strip()


def steps(nexus: Any, run_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in nexus("history", run_id, "--json").out.splitlines()]


def effects(home: Path) -> list[str]:
    return [line for file in home.glob("workspaces/*/effects.txt") for line in file.read_text().splitlines()]


async def deleted(home: Path, *run_ids: str) -> None:
    """Delete runs, as the app does."""
    async with open_memory(f"sqlite:///{home}/nexus.db", checkpoints=False) as memory:
        for run_id in run_ids:
            await memory.runs.delete(run_id)


def test_history(nexus: Any, debate: str) -> None:
    shown = nexus("history", debate)
    assert (shown.rc, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0].split() == ["step", "when", "node", "changed", "checkpoint"]
    assert re.match(r" *1  \d\d:\d\d:\d\d  request ", lines[1])
    listed = steps(nexus, debate)
    assert len(listed) == len(lines) - 1
    assert [step["number"] for step in listed] == list(range(1, len(listed) + 1))
    assert all(step["forks"] == [] for step in listed)
    fewer = nexus("history", debate, "--limit", "2")
    assert f"{len(listed) - 2} earlier steps" in fewer.out
    assert [json.loads(line)["number"] for line in nexus("history", debate, "-n", 1, "--json").out.splitlines()] == [
        len(listed)
    ]


def test_show_at_a_step_and_between_two(nexus: Any, debate: str) -> None:
    listed = steps(nexus, debate)
    last = str(listed[-1]["number"])
    state = nexus("show", debate, "--at", last)
    assert state.rc == 0
    assert re.search(r"^result: ", state.out, re.M)
    whole = json.loads(nexus("show", debate, "--at", listed[-1]["checkpoint_id"][-8:], "--json").out)
    assert whole["result"]["status"] == "done"
    diff = nexus("show", debate, "--diff", "1", last)
    assert "result (added)" in diff.out
    changes = [json.loads(line) for line in nexus("show", debate, "--diff", "1", last, "--json").out.splitlines()]
    assert {change["channel"] for change in changes} >= {"result", "request"}
    same = nexus("show", debate, "--diff", last, last)
    assert (same.rc, same.out, same.err) == (0, "", "Nothing changed.\n")


def test_fork_goes_on_at_once(nexus: Any, debate: str, runs: Any, here: Path) -> None:
    listed = steps(nexus, debate)
    forked = nexus("fork", debate, "--at", "3", "--yes", "--plain")
    assert forked.rc == 0, forked
    assert f"is a fork of {debate} at step 3" in forked.err
    assert "91" in forked.out
    newest, oldest = runs()
    assert (newest["status"], newest["parent_id"], oldest["id"]) == ("done", debate, debate)
    assert steps(nexus, debate) == [step | {"forks": [newest["id"]] * (step["number"] == 3)} for step in listed]
    assert f"└─ fork {newest['id']}, done" in nexus("history", debate).out

    as_json = nexus("fork", debate, "--at", "3", "--json", "--workspace", here / "there")
    events = [json.loads(line) for line in as_json.out.splitlines()]
    assert [event["type"] for event in events[:2]] == ["run_forked", "run_started"]
    assert events[-1]["status"] == "done"
    assert (here / "there").is_dir()


def test_fork_without_running(nexus: Any, debate: str, runs: Any) -> None:
    made = nexus("fork", debate, "--at", "2", "--no-run")
    assert made.rc == 0
    assert made.out.strip() == runs()[0]["id"]
    assert runs()[0]["status"] == "queued"
    assert f"nexus resume {made.out.strip()}" in made.err
    assert nexus("resume", made.out.strip()).rc == 0


def test_rewind_and_resume(nexus: Any, debate: str, runs: Any) -> None:
    before = steps(nexus, debate)
    rewound = nexus("rewind", debate, "--at", "2")
    assert (rewound.rc, rewound.out) == (0, "")
    assert f"{len(before) - 2} steps are left" in rewound.err
    assert f"nexus resume {debate}" in rewound.err
    assert runs()[0]["status"] == "interrupted"
    shown = nexus("history", debate)
    assert f"({len(before)})" in shown.out
    assert "left by a rewind" in shown.err
    assert nexus("resume", debate).rc == 0
    assert len(steps(nexus, debate)) > len(before)
    event = json.loads(nexus("rewind", debate, "--at", "2", "--json").out)
    assert (event["type"], event["step"]) == ("run_rewound", 2)


def test_replay(nexus: Any, debate: str) -> None:
    again = nexus("replay", debate)
    assert again.rc == 0
    assert "91" in again.out
    events = [json.loads(line) for line in nexus("replay", debate, "--json").out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    fast = nexus("replay", debate, "--speed", "1000", "--plain")
    assert fast.out == again.out


WRONG = [
    (["history", "nobody"], "There is no run nobody."),
    (["replay", "nobody"], "There is no run nobody."),
    (["fork", "nobody", "--at", "1"], "There is no run nobody."),
    (["rewind", "nobody", "--at", "1"], "There is no run nobody."),
    (["fork", "RUN"], "Missing option '--at'."),
    (["rewind", "RUN"], "Missing option '--at'."),
    (["fork", "RUN", "--at", "999"], "has no step 999: they go from 1 to"),
    (["rewind", "RUN", "--at", "0"], "has no step 0: they go from 1 to"),
    (["fork", "RUN", "--at", "nothing"], "has no step or checkpoint 'nothing'."),
    (["fork", "RUN", "--at", "1", "--request", " "], "The request is empty."),
    (["show", "RUN", "--at", "999"], "has no step 999"),
    (["show", "RUN", "--diff", "1", "x"], "has no step or checkpoint 'x'."),
    (["show", "RUN", "--diff", "1"], "'--diff' requires 2 arguments."),
    (["show", "RUN", "--at", "1", "--diff", "1", "2"], "cannot be shown at once."),
    (["history", "RUN", "--limit", "0"], "Invalid value for '--limit'"),
    (["replay", "RUN", "--speed", "-1"], "Invalid value for '--speed'"),
    (["gc", "--keep-days", "-1"], "Invalid value for '--keep-days'"),
    (["resume", "RUN", "--unknown", "maybe"], "Invalid value for '--unknown'"),
]


def test_wrong_input(nexus: Any, debate: str) -> None:
    for words, says in WRONG:
        nexus(*(debate if word == "RUN" else word for word in words)).refused(2, says)


def test_a_workspace_that_is_gone(nexus: Any, debate: str, runs: Any) -> None:
    shutil.rmtree(runs()[0]["workspace"])
    nexus("fork", debate, "--at", "2").refused(2, "The workspace to fork from is gone", "--workspace")
    nexus("rewind", debate, "--at", "2").refused(2, "is gone", "Put it back")
    assert len(runs()) == 1


@pytest.mark.parametrize(
    ("answer", "code", "made"), [("again", 0, ["one", "one"]), ("done", 1, ["one"]), ("skip", 1, ["one"])]
)
def test_unknown(nexus: Any, cut_off: str, own_home: Path, answer: str, code: int, made: list[str]) -> None:
    asked = nexus("resume", cut_off)
    assert asked.rc == 5
    assert "--unknown again, or done, or skip" in asked.err
    resumed = nexus("resume", cut_off, "--unknown", answer)
    assert resumed.rc == code, resumed
    assert effects(own_home) == made


UNKNOWN = ApprovalAsked(
    approval_id="q", agent="a", tool="send", call_id="c", risk="unknown_outcome", arguments={}, question="?", how=""
)


@pytest.mark.parametrize(
    ("key", "effect"), [("a", "again"), ("d", "done"), ("s", "skip"), ("q", None), ("", None), ("y", None)]
)
def test_the_question_at_a_terminal(
    key: str, effect: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{key}\n"))
    # What was approved for the whole run says nothing about a call that was cut off.
    answers = Asking(["read", "write", "execute", "unsafe"], lambda tool, arguments: None).ask([UNKNOWN])
    assert {name: (one.effect, one.approve) for name, one in answers.items()} == (
        {"q": (effect, effect != "skip")} if effect else {}
    )
    told = capsys.readouterr().err
    # After any other key it is asked again, and the end of the input leaves it open.
    others = 0 if key in ("a", "d", "s", "q") else 1
    assert told.count("run [a]gain, it is [d]one, [s]kip, [q]uit") == 1 + others
    assert told.count("One of these letters") == others


def test_unknown_settles_the_calls_that_were_cut_off_and_no_other() -> None:
    from nexus_agents.cli.drive import _settled

    other = UNKNOWN.model_copy(update={"approval_id": "other", "risk": "execute"})
    assert _settled([UNKNOWN, other], None) == {}
    assert _settled([other], "done") == {}
    settled = _settled([other, UNKNOWN], "done")
    assert {name: one.outcome for name, one in settled.items()} == {"q": "done"}


def test_gc(nexus: Any, debate: str, own_home: Path, runs: Any) -> None:
    assert nexus("gc", "--dry-run").err == "There is nothing to free.\n"
    kept = nexus("fork", debate, "--at", "3", "--no-run").out.strip()
    asyncio.run(deleted(own_home, debate, kept))
    (own_home / "calls" / "nobody").mkdir(parents=True)
    (own_home / "calls" / "nobody" / "half").write_bytes(b"x" * 100_000)
    before = (own_home / "nexus.db").stat().st_size

    asked = nexus("gc")
    assert asked.rc == 5
    assert "nobody is at this terminal" in asked.err
    would = nexus("gc", "--dry-run")
    assert would.rc == 0
    assert f"1 deleted runs, for good: {debate}" in would.out
    assert "folders of tool calls whose runs are gone" in would.out
    assert kept not in would.out, "it is unfinished"
    assert (own_home / "calls" / "nobody").is_dir()
    kept_for_now = json.loads(nexus("gc", "--dry-run", "--keep-days", "1", "--json").out)
    assert kept_for_now["runs"] == []

    freed = nexus("gc", "--yes", "--json")
    told = json.loads(freed.out)
    assert told["runs"] == [debate]
    assert told["bytes"] > 100_000
    assert not (own_home / "calls" / "nobody").exists()
    assert (own_home / "nexus.db").stat().st_size <= before
    nexus("show", debate).refused(2, "There is no run")
    assert nexus("resume", kept).rc == 0, "a fork outlives its parent"
    assert f"1 deleted runs, for good: {kept}" in nexus("gc", "--yes").out, "it was deleted too, and has ended now"
    assert nexus("gc", "--yes").err == "There is nothing to free.\n"


def test_gc_prunes_where_that_is_asked(nexus: Any, debate: str) -> None:
    assert nexus("gc", "--yes").err == "There is nothing to free.\n"
    pruned = nexus("gc", "--prune", "--yes")
    assert "steps of finished threads" in pruned.out
    left = steps(nexus, debate)
    assert left[-1]["next"] == []
    assert (
        json.loads(nexus("show", debate, "--at", str(left[-1]["number"]), "--json").out)["result"]["status"] == "done"
    )
    assert len(nexus("replay", debate, "--json").out.splitlines()) > 3, "what was shown stays"
