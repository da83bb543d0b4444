"""Runs are killed at random moments and taken up again: nothing that was finished is done a second time."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
REQUESTS = {
    "app": "create a user API with name and email",
    "podcast": f"clone this voice {EXAMPLES}/reference.wav and make a podcast about {EXAMPLES}/notes.md",
    "debate": "debate: is 2^61 - 1 prime?",
}
SEED = 20260
PATIENCE = 120.0
"""Seconds that any one process may take."""

ORPHANS = 5.0
"""Seconds after a kill until no process that the killed one started may be left."""


@dataclass
class Site:
    """One home of Nexus with a workspace, and what happened to the runs in it."""

    folder: Path
    kills: list[float] = field(default_factory=list)
    """Seconds after the start of each process that was killed at work."""

    def __post_init__(self) -> None:
        for path in (self.home, self.temporary, self.folder / "here"):
            path.mkdir(parents=True)
        from nexus_agents.runtime.wiring import TOOLS

        tools = {name: f"watched:{name}" for name in TOOLS}
        (self.home / "agents.yaml").write_text(json.dumps({"tools": tools}))

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def workspace(self) -> Path:
        return self.folder / "work"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def watch(self) -> list[dict[str, Any]]:
        """What the tools themselves noted."""
        file = self.folder / "watch.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command, in a process group of its own."""
        env = {name: value for name, value in os.environ.items() if not re.search(r"^NEXUS_|_API_KEY$", name)}
        env |= {
            "NEXUS_HOME": str(self.home),
            "NEXUS_MODEL": "builtin:nexus",
            "NEXUS_WATCH": str(self.folder / "watch.jsonl"),
            "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{ROOT}",
            "TMPDIR": str(self.temporary),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "nexus_agents", *arguments],
            cwd=self.folder / "here",
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def nexus(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def kill_after(self, delay: float, *arguments: str) -> bool:
        """Start a command and SIGKILL it; False where it had ended by then. No process may outlive it."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=delay)
            return False
        except subprocess.TimeoutExpired:
            started = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.communicate(timeout=PATIENCE)
            self.kills.append(delay)
        deadline = time.monotonic() + ORPHANS
        while (left := self.orphans(started)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left, f"alive {ORPHANS:g} s after the kill: {left}"
        return True

    def orphans(self, started: Sequence[psutil.Process]) -> list[str]:
        """Return the processes that a killed one has left behind: its children, and whoever knows this folder."""
        mine = str(self.folder)
        left = [process for process in started if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                known = [*process.cmdline(), process.cwd(), *process.environ().values()]
                if process.pid != os.getpid() and any(mine in text for text in known):
                    left.append(process)
        told: list[str] = []
        for process in left:
            with suppress(psutil.Error):
                told.append(f"{process.pid} {process.cmdline()}")
        return told

    def run_id(self) -> str | None:
        """Return the one run of this home, read past Nexus; None where none was written down."""
        file = self.home / "nexus.db"
        if not file.exists():
            return None
        with closing(sqlite3.connect(file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = database.execute("SELECT id FROM runs").fetchall() if "runs" in tables else []
        assert len(rows) <= 1
        return rows[0][0] if rows else None


@dataclass(frozen=True)
class Ended:
    """A run that was killed and resumed until it was done, as `nexus show` tells it."""

    site: Site
    run: dict[str, Any]
    events: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    artifacts: list[dict[str, Any]]
    spent: dict[str, Any]
    limits: dict[str, Any]

    def call(self, tool: str) -> dict[str, Any]:
        (found,) = [call for call in self.ledger if call["tool"] == tool]
        return found


def kill_and_resume(request: str, workspace: Path, home: Site, delays: Sequence[float]) -> Ended:
    """Kill a run, and its resumptions, after some delays (seconds each), then resume until the run is done."""
    command = ["run", request, "--yes", "--json", "--workspace", str(workspace)]
    for delay in delays:
        if not home.kill_after(delay, *command):
            break
        if home.run_id():
            command = ["resume", "--yes", "--json"]
        else:
            # Nothing was begun: there is nothing to resume, and nothing was touched.
            code, out, err = home.nexus("resume", "--yes", "--json")
            assert (code, out, err) == (0, "", "There is nothing to resume.\n")
            assert not workspace.exists() or not [*workspace.iterdir()]
            assert home.watch == []
    if not home.run_id() or status(home) != "done":
        code, _, err = home.nexus(*command)
        assert code == 0, err
    return show(home)


def status(home: Site) -> str:
    with closing(sqlite3.connect(home.home / "nexus.db")) as database:
        return database.execute("SELECT status FROM runs").fetchone()[0]


def show(home: Site) -> Ended:
    run_id = home.run_id()
    assert run_id
    code, out, err = home.nexus("show", run_id, "--json")
    assert code == 0, err
    return Ended(home, **json.loads(out))


@pytest.fixture(scope="module")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Site]:
    """Make a home; where the podcast is asked for, a person has recorded the consent that it needs."""

    def make(kind: str) -> Site:
        site = Site(tmp_path_factory.mktemp(kind, numbered=True) / "site")
        if kind == "podcast":
            record = ["--record", str(EXAMPLES / "reference.consent.json")]
            code, _, err = site.nexus("voices", "consent", str(EXAMPLES / "reference.wav"), *record)
            assert code == 0, err
        return site

    return make


@pytest.fixture(scope="module")
def undisturbed(make_site: Callable[[str], Site]) -> Callable[[str], float]:
    """Measure how long each request takes when nobody kills it (seconds)."""
    measured: dict[str, float] = {}

    def measure(kind: str) -> float:
        if kind not in measured:
            begun = time.monotonic()
            ended = kill_and_resume(REQUESTS[kind], (site := make_site(kind)).workspace, site, [])
            measured[kind] = time.monotonic() - begun
            CHECKS[kind](ended)
        return measured[kind]

    return measure


def disturb(kind: str, shares: Sequence[float], seconds: float, make_site: Callable[[str], Site]) -> Ended:
    """Kill a request at shares of the time that it takes; once more, and sooner, where the kills came too late."""
    for haste in (1.0, 0.6, 0.3):
        site = make_site(kind)
        ended = kill_and_resume(REQUESTS[kind], site.workspace, site, [share * seconds * haste for share in shares])
        if len(site.kills) == len(shares):
            break
    assert site.kills
    check(ended)
    CHECKS[kind](ended)
    return ended


@pytest.mark.parametrize(
    # A podcast is killed in tests/face/test_kills.py too, and a team in tests/team.
    "kind",
    [kind if kind == "debate" else pytest.param(kind, marks=pytest.mark.slow) for kind in REQUESTS],
)
def test_a_run_that_is_killed_and_killed_again_while_it_resumes_is_finished_once(
    kind, undisturbed, make_site, record_property
):
    dice = random.Random(f"{SEED} {kind}")
    seconds = undisturbed(kind)
    # A resumption has its start-up to do before it gets on, so the second kill leaves it that.
    ended = disturb(kind, [dice.uniform(0.25, 0.5), dice.uniform(0.4, 0.7)], seconds, make_site)
    record_property("kills", ended.site.kills)
    record_property("undisturbed", seconds)


def test_a_run_that_is_killed_before_it_was_written_down_leaves_nothing(make_site):
    dice = random.Random(SEED)
    site = make_site("debate")
    ended = kill_and_resume(REQUESTS["debate"], site.workspace, site, [0.01, dice.uniform(0.02, 0.4)])
    assert len(site.kills) == 2
    check(ended)
    check_debate(ended)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("number", range(20))
def test_chaos(kind, number, undisturbed, make_site, record_property):
    dice = random.Random(f"{SEED} {kind} {number}")
    # Spread evenly over the whole run, its very start and its very end included; each fourth run is killed twice more.
    shares = [(number + dice.random()) / 20]
    shares += [dice.uniform(0.1, 0.6), dice.uniform(0.1, 0.6)] if number % 4 == 0 else []
    ended = disturb(kind, shares, undisturbed(kind), make_site)
    record_property("kills", ended.site.kills)
    record_property("undisturbed", undisturbed(kind))
    record_property("again", sum(call["attempts"] - 1 for call in ended.ledger))


# -- what must hold ---------------------------------------------------------------------------------


def check(ended: Ended) -> None:
    """What holds for every run, however often it was killed."""
    assert ended.run["status"] == "done"
    assert ended.run["owner"] is None
    assert [event["seq"] for event in ended.events] == list(range(1, len(ended.events) + 1))
    assert ended.events[0]["type"] == "run_started"
    assert ended.events[-1]["type"] == "run_finished"
    assert all(call["status"] == "done" for call in ended.ledger)
    check_once_by_events(ended)
    check_once_by_tools(ended)
    check_once_by_files(ended)
    paths = [artifact["path"] for artifact in ended.artifacts]
    assert len(paths) == len(set(paths))
    made = [path for path in ended.site.workspace.rglob("*") if ".git" not in path.parts]
    left = [path for path in made if path.name.endswith((".tmp", ".part")) or path.name.startswith(".nexus-")]
    assert not left, f"half-written files are left: {left}"
    assert not [*ended.site.temporary.glob("nexus-*")]


def check_once_by_events(ended: Ended) -> None:
    """No call starts after it ended well, and each ends well once."""
    done: set[str] = set()
    for event in ended.events:
        if event["type"] == "tool_started":
            assert event["call_id"] not in done, f"{event['tool']} ran again"
        elif event["type"] == "tool_finished" and event["ok"]:
            assert event["call_id"] not in done
            done.add(event["call_id"])
    assert done == {call["call_id"] for call in ended.ledger}
    attempts = Counter(event["call_id"] for event in ended.events if event["type"] == "tool_started")
    assert attempts == {call["call_id"]: call["attempts"] for call in ended.ledger}


def check_once_by_tools(ended: Ended) -> None:
    """The same, by what the tools themselves wrote down at their work."""
    calls = {call["call_id"]: call for call in ended.ledger}
    starts = Counter(line["call"] for line in ended.site.watch if line["what"] == "start")
    assert set(starts) == set(calls)
    for line in ended.site.watch:
        # The second line is written before the ledger knows of the end.
        assert line["at"] <= moment(calls[line["call"]]["finished_at"]), f"{line['tool']} worked after it was done"
    for call_id, count in starts.items():
        assert count <= calls[call_id]["attempts"]


def check_once_by_files(ended: Ended) -> None:
    """No file was touched after the call that made it, or that brought it from a worktree, was done."""
    last: dict[Path, float] = {}
    for call in ended.ledger:
        path = {"write_file": call["arguments"].get("path"), "speak": call["arguments"].get("output")}.get(call["tool"])
        if path:
            file = ended.site.workspace / path
            last[file] = max(last.get(file, 0.0), moment(call["finished_at"]))
    assert last
    last |= merged(ended)
    for file, finished in last.items():
        # File systems keep time in ticks.
        assert file.stat().st_mtime <= finished + 0.02, f"{file} was written again"


def merged(ended: Ended) -> dict[Path, float]:
    """Return the files that came into the workspace by merges, each with the moment when its last merge was done."""
    workspace, last = ended.site.workspace, dict[Path, float]()
    if not (workspace / ".git").exists():
        return last
    git = ["git", "-C", str(workspace)]
    merges = output(*git, "log", "--merges", "--first-parent", "--format=%H %(trailers:key=Nexus-Call,valueonly)")
    for commit, call in zip(*[iter(merges.split())] * 2, strict=True):
        (done,) = [each for each in ended.ledger if call == f"{ended.run['id']}/{each['call_id']}"]
        assert done["tool"] == "merge_worktree"
        for name in output(*git, "diff", "--name-only", f"{commit}^1", commit).splitlines():
            last[workspace / name] = max(last.get(workspace / name, 0.0), moment(done["finished_at"]))
    return last


def check_app(ended: Ended) -> None:
    data = ended.call("build_app")["result"]["data"]
    assert data["tests"]["passed"] >= 10
    assert (data["tests"]["failed"], data["tests"]["errors"]) == (0, 0)
    assert data["review"]["accepted"]
    git = ["git", "-C", str(ended.site.workspace)]
    subjects = output(*git, "log", "--format=%s").splitlines()
    # The plan, the work of three agents who worked side by side, a merge of each, and the review.
    assert len(subjects) == len(set(subjects)) == 8
    trailers = output(*git, "log", "--format=%(trailers:key=Nexus-Call,valueonly)").split()
    recorded = [call["call_id"] for call in ended.ledger if call["tool"] in ("commit", "merge_worktree")]
    assert sorted(trailers) == sorted(f"{ended.run['id']}/{call_id}" for call_id in recorded)
    assert len(output(*git, "worktree", "list").splitlines()) == 1
    assert output(*git, "branch", "--format=%(refname:short)") == "main\n"
    assert output(*git, "status", "--porcelain") == ""
    assert output(*git, "fsck", "--strict") == ""
    assert not re.search(r"\.nexus-|\.tmp$|\.part$", output(*git, "ls-files"), re.M)


def check_podcast(ended: Ended) -> None:
    import soundfile

    folder = ended.site.workspace / "podcast"
    script = next(event["data"] for event in ended.events if event["type"] == "message" and "turns" in event["data"])
    transcript = json.loads((folder / "episode.transcript.json").read_text())
    assert [turn["text"] for turn in transcript["turns"]] == [turn["text"] for turn in script["turns"]]
    samples, rate = soundfile.read(folder / "episode.mp3")
    # An MP3 is whole frames of 1152 samples, with a delay of the encoder in front.
    assert abs(len(samples) / rate - transcript["seconds"]) < 0.15
    assert abs(samples).max() > 0.1
    times = [edge for turn in transcript["turns"] for edge in (turn["start"], turn["end"])]
    assert times == sorted(times)
    assert times[-1] <= transcript["seconds"]
    for turn in transcript["turns"]:
        assert all(turn["start"] <= word["start"] <= word["end"] <= turn["end"] for word in turn["words"])
        # Where somebody speaks there is sound.
        middle = samples[int(turn["start"] * rate) : int(turn["end"] * rate)]
        assert abs(middle).max() > 0.05


def check_debate(ended: Ended) -> None:
    verdict = ended.call("debate")["result"]["data"]["verdict"]
    assert verdict["status"] == "agreed"
    assert "2305843009213693951 is prime" in verdict["answer"]
    (transcript,) = ended.artifacts
    assert verdict["answer"] in Path(transcript["path"]).read_text()


CHECKS = {"app": check_app, "podcast": check_podcast, "debate": check_debate}


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
