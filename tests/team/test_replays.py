"""Whole requests, as they were once answered by hand: replayed, and killed in the middle.

The recordings were made over HTTP, against an OpenAI-compatible server that was answered by hand, in the part of a
capable model. Whoever changes a prompt or the declaration of a tool makes them anew: docs/agents.md tells how.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.sandbox import short_level

HERE = Path(__file__).parent
TODO = "Add a due date and an overdue filter to this to-do app"
SHORT = "build a URL shortener with click statistics"

KILLS = ("edit_file", "merge_worktree", "check_code")
"""Tools at whose start the process is killed, one after the other, each the first time after the last kill."""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    # The same commit each time: the recorded reviewer names it.
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **dates}
    )
    return done.stdout


def to_do(folder: Path) -> Path:
    """Make the repository of the to-do list, 26 files."""
    for name, text in yaml.safe_load((HERE / "todo.yaml").read_text()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "A to-do list")
    return folder


def nexus(
    home: Path, *arguments: str, kill_at: str = "", kill_after: float | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Run the command; returns its exit code and its events. It may be killed when a tool starts, or after seconds."""
    environment = {**os.environ, "NEXUS_HOME": str(home)}
    # What was recorded is code of a model: where nothing can hold it, a person would have to allow it.
    unheld = ["--unsafe"] if short_level() == "floor" else []
    command = [sys.executable, "-m", "nexus_agents", *arguments, "--json", "--yes", *unheld]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=home.parent,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        if kill_after is not None:
            threading.Timer(
                kill_after, lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL)
            ).start()
        events: list[dict[str, Any]] = []
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # killed in the middle of a line
            events.append(json.loads(line))
            if kill_at and events[-1]["type"] == "tool_started" and events[-1]["tool"] == kill_at:
                os.killpg(process.pid, signal.SIGKILL)
                break
        return process.wait(), events


def files(folder: Path) -> dict[str, str]:
    """Return what is committed in a workspace."""
    return {name: git(folder, "show", f"HEAD:{name}") for name in git(folder, "ls-files").split()}


def start(request: str, recording: str, workspace: Path) -> list[str]:
    return ["run", request, "--workspace", str(workspace), "--model", f"replay:{HERE / 'recordings' / recording}"]


def log(folder: Path) -> list[str]:
    return git(folder, "log", "--format=%s").splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_url_shortener_is_built_in_an_empty_folder(home: Path, tmp_path: Path) -> None:
    code, events = nexus(home, *start(SHORT, "short", tmp_path / "short"))
    assert code == 0, events[-1]
    assert "8 tests passed" in next(
        e["summary"] for e in events if e["type"] == "tool_finished" and e["tool"] == "build_app"
    )
    assert {"app/main.py", "app/templates/index.html", "tests/test_links.py", "PLAN.md"} <= set(
        files(tmp_path / "short")
    )


def test_a_repository_is_changed_and_kills_change_nothing(home: Path, tmp_path: Path) -> None:
    before = yaml.safe_load((HERE / "todo.yaml").read_text())
    after = yaml.safe_load((HERE / "todo_changed.yaml").read_text())
    folder = to_do(tmp_path / "todo")
    code, events = nexus(home, *start(TODO, "todo", folder), kill_at=KILLS[0])
    assert code == -signal.SIGKILL
    run_id = events[0]["run_id"]
    for tool in KILLS[1:]:
        code, more = nexus(home, "resume", run_id, kill_at=tool)
        events += more
        assert code == -signal.SIGKILL, (tool, more[-1])
    code, more = nexus(home, "resume", run_id)
    events += more
    assert code == 0, more[-1]

    assert "9 tests passed" in str(events)
    review = [e for e in events if e["type"] == "message" and e["agent"] == "review"]
    # The first review finds what is wrong, it goes back to its owner, and the second accepts.
    assert [message["data"]["accepted"] for message in review] == [False, True]
    assert files(folder) == before | after["files"]
    assert sorted(log(folder)) == after["commits"]
    assert not git(folder, "status", "--porcelain")
    # What was finished was not made again: each call ended well once.
    ended = Counter(e["call_id"] for e in events if e["type"] == "tool_finished" and e["ok"])
    assert set(ended.values()) == {1}


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("recording", ["todo", "short"])
def test_kills_at_any_moment_change_nothing(home: Path, tmp_path: Path, recording: str) -> None:
    def workspace(name: str) -> Path:
        return to_do(tmp_path / name) if recording == "todo" else tmp_path / name

    request = TODO if recording == "todo" else SHORT
    whole = workspace("whole")
    code, events = nexus(home, *start(request, recording, whole))
    assert code == 0, events[-1]

    seed = random.SystemRandom().randrange(10**6)
    moments = random.Random(seed)
    for attempt in range(int(os.environ.get("NEXUS_CHAOS", "40")) // 20):
        cut = workspace(f"cut{attempt}")
        events: list[Any] = []
        while not events:  # killed before there was a run
            code, events = nexus(home, *start(request, recording, cut), kill_after=moments.uniform(3, 12))
        run_id, kills = events[0]["run_id"], 0
        while code == -signal.SIGKILL:
            kills += 1
            if events[-1]["type"] == "run_finished" and events[-1]["status"] == "done":
                code = 0  # killed between its end and that of the process
                break
            # Longer each time, so that it ends.
            code, more = nexus(home, "resume", run_id, kill_after=moments.uniform(2, 6 + kills))
            events += more
        said = f"seed {seed}, attempt {attempt}, {kills} kills"
        assert code == 0, (said, events[-1])
        assert files(cut) == files(whole), said
        assert sorted(log(cut)) == sorted(log(whole)), said
        assert not git(cut, "status", "--porcelain"), said
        shown = json.loads(
            subprocess.run(
                [sys.executable, "-m", "nexus_agents", "show", run_id, "--json"],
                capture_output=True,
                check=True,
                env={**os.environ, "NEXUS_HOME": str(home)},
                cwd=tmp_path,
            ).stdout
        )
        ended = Counter(e["call_id"] for e in shown["events"] if e["type"] == "tool_finished" and e["ok"])
        assert set(ended.values()) == {1}, said
        print(said)  # noqa: T201
