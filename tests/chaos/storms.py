"""Kills runs with SIGKILL, at save points, after effects or at random moments, resumes them, and judges it.

    PYTHONPATH=tests/chaos:. python tests/chaos/storms.py --kills 100 --seed 1 [--random | --effects] [--database postgresql://...]

Everything is imported once; each process that works on a run is forked from that, so that a kill costs tens of
milliseconds. The last line of the output is a JSON object with the figures; violations are listed in it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import langchain.agents  # noqa: F401
import langgraph.graph  # noqa: F401
import storm
from alembic import command  # noqa: F401

import memory.migrate
import memory.postgres  # noqa: F401
from memory.checkpoints import SqlCheckpointer
from memory.database import Database, Transaction
from memory.postgres import PostgresDatabase
from memory.sqlite import SqliteDatabase
from nexus_agents import open_runtime
from nexus_agents.core.events import ApprovalAsked, RunFinished, ToolStarted
from nexus_agents.runtime.approvals import Decision
from nexus_agents.runtime.settings import Settings

MOMENTS = ("before", "inside", "after")
"""Of a transaction: before it begins, when all is written and nothing committed, when it is committed."""

MOST_KILLS = 4
"""Of one run; then it may go on to its end."""

PATIENCE = 60.0
ROUNDS = 40


@dataclass
class Plan:
    """When a process is killed.

    Attributes:
        write: By itself, at its write of this number, from 0.
        moment: And at which moment of that.
        effect: Or right after its effect of this number, from 0, when nobody has written down yet that it happened.
        seconds: Or from outside, after so many seconds.
    """

    write: int | None = None
    moment: str = "inside"
    effect: int | None = None
    seconds: float | None = None


@dataclass
class Report:
    """What was seen."""

    kills: int = 0
    runs: int = 0
    processes: int = 0
    asked: int = 0
    points: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    violations: list[str] = field(default_factory=list[str])
    most_writes: int = 50
    """Of any process so far."""


@dataclass
class Storm:
    """One run and its folder."""

    folder: Path
    run_id: str = ""

    @property
    def log(self) -> Path:
        """What really happened."""
        return self.folder / "log.jsonl"

    def child(self, plan: Plan, answers: dict[str, Decision]) -> tuple[int, dict[str, Any]]:
        """Work on the run in a process of its own; returns its signal, and what it said at its end."""
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.environ["STORM_LOG"] = str(self.log)
                asyncio.run(_work(self, plan, answers, told))
                code = 0
            except BaseException as error:
                told.write_text(json.dumps({"status": "broken", "error": repr(error)}))
            finally:
                os._exit(code)
        end = time.monotonic() + (plan.seconds if plan.seconds is not None else PATIENCE)
        while True:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                break
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                break
            time.sleep(0.002)
        said = json.loads(told.read_text()) if told.exists() else {}
        return (os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0), said


async def _work(storm_: Storm, plan: Plan, answers: dict[str, Decision], told: Path) -> None:
    writes = _arm(plan)
    settings = Settings(storm_.folder / "home", storm.config())
    async with open_runtime(settings) as runtime:
        if not storm_.run_id:
            run = await runtime.start(
                "a storm", graph="storm", workspace=storm_.folder / "work", approved=("read", "write", "execute")
            )
            told.write_text(json.dumps({"status": "started", "run": run.id}))
            return
        run = await runtime.memory.runs.get(storm_.run_id)
        if run is not None and run.status == "done":
            # It was killed when all was committed, and before it could say so.
            told.write_text(json.dumps({"status": "done"}))
            return
        asked: list[dict[str, Any]] = []
        finished: RunFinished | None = None
        async for event in runtime.stream(storm_.run_id, answers=answers):
            if isinstance(event, ApprovalAsked):
                asked.append(event.model_dump(mode="json"))
            if isinstance(event, RunFinished):
                finished = event
        assert finished is not None
        said = {"status": finished.status, "asked": asked, "writes": next(writes)}
        if finished.error:
            said["error"] = finished.error.message
        told.write_text(json.dumps(said))


def _arm(plan: Plan) -> Any:
    """Let this process kill itself at a write, and note each save once it is committed."""
    count = itertools.count()
    effects = itertools.count()
    note = storm.note

    def noted(**what: Any) -> None:
        note(**what)
        if "effect" in what and next(effects) == plan.effect:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(original: Callable[..., Any]) -> Callable[..., Any]:
        async def write(self: Database, work: Callable[[Transaction], Any], **how: Any) -> Any:
            mine = next(count) == plan.write
            if mine and plan.moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)

            def watched(transaction: Transaction) -> Any:
                result = work(transaction)
                if mine and plan.moment == "inside":
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            result = await original(self, watched, **how)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return write

    storm.note = noted
    for database in (SqliteDatabase, PostgresDatabase):
        database.write = deadly(database.write)  # type: ignore[method-assign]
    original = SqlCheckpointer.aput_writes

    async def aput_writes(self: SqlCheckpointer, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        await original(self, config, writes, task_id, task_path)
        if not any(channel.startswith("__") for channel, _ in writes):
            storm.note(saved=task_id)

    SqlCheckpointer.aput_writes = aput_writes  # type: ignore[method-assign]
    return count


def weather(storm_: Storm, plans: Callable[[], Plan], report: Report, most: int) -> None:
    """Work one run to its end, killed again and again, and judge it."""
    report.runs += 1
    kills = 0
    answers: dict[str, Decision] = {}
    asked: Counter[str] = Counter()
    _, said = storm_.child(Plan(), {})
    storm_.run_id = said["run"]
    for _ in range(ROUNDS):
        plan = plans() if kills < min(most, MOST_KILLS) else Plan()
        killed, said = storm_.child(plan, answers)
        report.processes += 1
        if killed:
            kills += 1
            report.kills += 1
            if plan.write is not None:
                report.points.add((plan.write, plan.moment))
            # Answers that were not written down are asked for again.
            answers = {}
            continue
        report.most_writes = max(report.most_writes, said.get("writes", 0))
        if said.get("status") != "waiting":
            break
        answers = {}
        for question in said["asked"]:
            unknown = question["risk"] == "unknown_outcome"
            report.asked += unknown
            asked[question["call_id"]] += unknown
            took = any(line.get("call") == question["call_id"] for line in storm.noted(storm_.log))
            effect = ("done" if took else "again") if unknown else None
            answers[question["approval_id"]] = Decision(approve=not took or not unknown, effect=effect)
    asyncio.run(_judge(storm_, said, asked, report))


async def _judge(storm_: Storm, said: dict[str, Any], asked: Counter[str], report: Report) -> None:
    wrong: list[str] = []
    if said.get("status") != "done":
        wrong.append(f"ended as {said}")
    lines = storm.noted(storm_.log)
    effects = Counter(line["effect"] for line in lines if "effect" in line)
    wrong += [f"{name} happened {number} times" for name, number in effects.items() if number != 1]
    wrong += [f"{name} never happened" for name in storm.EFFECTS - set(effects)]
    dug = Counter(line["dug"] for line in lines if "dug" in line)
    wrong += [f"piece {piece} was dug {number} times" for piece, number in dug.items() if number > 1]
    saved: set[str] = set()
    for line in lines:
        if "saved" in line:
            saved.add(line["saved"])
        elif line.get("begins") in saved:
            wrong.append(f"{line['node']} began again after it was saved")
    if (storm_.folder / "work" / "scroll.txt").read_text() != "storm" * 1000:
        wrong.append("the file is not whole")
    async with open_runtime(Settings(storm_.folder / "home", storm.config())) as runtime:
        events = await runtime.memory.events.read(storm_.run_id)
        if [event.seq for event in events] != list(range(1, len(events) + 1)):
            wrong.append("events are not numbered without gaps")
        starts = Counter(
            event.call_id for event in events if isinstance(event, ToolStarted) and event.tool in ("ring", "pay")
        )
        wrong += [f"{call} started again and nobody was asked" for call in starts if starts[call] > 1 + asked[call]]
        run = await runtime.memory.runs.get(storm_.run_id)
        heard = ((run.result if run else None) or {}).get("data", {}).get("heard", [])
        if len(heard) != storm.HEARD:
            wrong.append(f"the state holds {len(heard)} sounds: {heard}")
        saves = [
            saved async for saved in runtime.memory.checkpointer.alist({"configurable": {"thread_id": storm_.run_id}})
        ]
        if len({save.checkpoint["id"] for save in saves}) < len(saves):
            wrong.append("a checkpoint is there twice")
    report.violations += [f"run {report.runs} ({storm_.folder.name}): {text}" for text in wrong]


def planned(
    dice: random.Random, most_writes: Callable[[], int], *, at_random: bool, at_effects: bool
) -> Callable[[], Plan]:
    """Return what says when the next process is killed: each save point in turn, any effect, or any moment."""
    if at_random:
        return lambda: Plan(seconds=dice.uniform(0.0, 0.8))
    if at_effects:
        return lambda: Plan(effect=dice.randrange(len(storm.EFFECTS)))
    points: list[tuple[int, str]] = []

    def next_point() -> Plan:
        if not points:
            # A process that goes on with a run has fewer writes left than that, and is then not killed.
            points.extend((write, moment) for write in range(most_writes()) for moment in MOMENTS)
            dice.shuffle(points)
        write, moment = points.pop()
        return Plan(write=write, moment=moment)

    return next_point


def main() -> int:
    """Kill as often as asked, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    moments = parser.add_mutually_exclusive_group()
    moments.add_argument("--random", action="store_true", help="at random moments instead of save points")
    moments.add_argument("--effects", action="store_true", help="right after effects, before the memory knows of them")
    parser.add_argument("--database", help="URL of an empty PostgreSQL database; SQLite files by default")
    parser.add_argument("--keep", action="store_true", help="keep the folders of runs that were wrong")
    parser.add_argument("--careless", action="store_true", help="call bells resumable: cut calls ring them twice")
    options = parser.parse_args()
    if options.careless:
        storm.ring.__tool__ = replace(storm.ring.__tool__, resumable=True)  # type: ignore[attr-defined]
    if options.database:
        os.environ["NEXUS_DATABASE"] = options.database
    dice = random.Random(options.seed)
    report = Report()
    plans = planned(dice, lambda: report.most_writes, at_random=options.random, at_effects=options.effects)
    begun = time.monotonic()
    while report.kills < options.kills:
        folder = Path(tempfile.mkdtemp(prefix="storm-"))
        (folder / "home").mkdir()
        before = len(report.violations)
        weather(Storm(folder), plans, report, options.kills - report.kills)
        if len(report.violations) == before or not options.keep:
            shutil.rmtree(folder)
    told = {
        "kills": report.kills,
        "runs": report.runs,
        "processes": report.processes,
        "unknown outcomes asked": report.asked,
        "save points": len(report.points),
        "writes of a process, at most": report.most_writes,
        "seconds": round(time.monotonic() - begun, 1),
        "violations": report.violations,
    }
    print(json.dumps(told))  # noqa: T201
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
