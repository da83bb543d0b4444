"""What a workflow of agents costs with Nexus, and with the libraries that people would use instead.

`python benchmarks/overhead.py` prints a table and writes results/overhead.json. The workflow stands in peers/stage.py:
three agents in a row, two calls of tools each, a model that answers at once. Each peer is a script in peers/, run in an
environment of its own (their pins clash), which is made once under .tooling/overhead; what a peer keeps of a run, and
what not, its script says. All of them run as processes in turn, in another order each round; ratios are taken within a
round, since the machine may be slower in the next one. Then one long conversation is measured: what must not grow is
what Nexus adds to a step of LangGraph's own agent, whose cost does grow with the list of messages.

`--peers langgraph,nexus` chooses some; results are then printed and not written.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.stage import QUIET
from table import report, row

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).resolve().parent / "peers"
PLACE = ROOT / ".tooling" / "overhead"

ROUNDS = 7
GROWTH_ROUNDS = 3
STEPS = 1000
OFFICIAL_STEPS = 400
EARLY, LATE, OFFICIAL_LATE = slice(100, 200), slice(900, 1000), slice(300, 400)

PINS: dict[str, tuple[str, ...]] = {
    "agent-framework": ("agent-framework-core==1.23.0", "agent-framework-orchestrations==1.4.0"),
    "crewai": ("crewai==1.15.30",),
    "langgraph": ("langgraph", "langchain", "langgraph-checkpoint-sqlite"),
    "openai-agents": ("openai-agents==0.24.0",),
    "pydantic-ai": ("pydantic-ai-slim==2.68.0",),
}
"""What is installed for each; LangGraph and LangChain as constraints.txt has them, the versions under Nexus."""


@dataclass(frozen=True)
class Peer:
    """One row of the table.

    Attributes:
        name: What the row is called.
        script: File in peers/.
        home: Which environment it runs in; empty for the one that this process runs in.
        variant: Which way of the script.
    """

    name: str
    script: str
    home: str = ""
    variant: str = ""


ALL = (
    Peer("Nexus", "nexus_team.py", variant="file"),
    Peer("Nexus, an fsync each commit", "nexus_team.py", variant="power"),
    Peer("LangGraph", "langgraph_team.py", "langgraph", "plain"),
    Peer("LangGraph, AsyncSqliteSaver", "langgraph_team.py", "langgraph", "sqlite"),
    Peer("pydantic-ai", "pydantic_ai_team.py", "pydantic-ai"),
    Peer("OpenAI Agents SDK", "openai_agents_team.py", "openai-agents"),
    Peer("Agent Framework", "agent_framework_team.py", "agent-framework", "chain"),
    Peer("Agent Framework, SequentialBuilder", "agent_framework_team.py", "agent-framework", "workflow"),
    Peer("CrewAI", "crewai_team.py", "crewai"),
)
NEXUS, PLAIN, OFFICIAL = ALL[0], ALL[2], ALL[3]
GATES = {PLAIN: {"time": 2.0, "CPU": 2.0}, OFFICIAL: {"time": 0.5, "CPU": 0.5}}
"""What Nexus may take at most, as a multiple of a peer."""

Figures = dict[str, Any]


def environment(name: str) -> str | None:
    """Make the environment of a peer where it is missing; returns why it could not be made."""
    folder, stamp = PLACE / name, PLACE / f"{name}.txt"
    wanted = "\n".join(PINS[name])
    if stamp.exists() and stamp.read_text() == wanted and python_of(name).exists():
        return None
    print(f"Installing {', '.join(PINS[name])} ...", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    pinned = ["--constraint", str(ROOT / "constraints.txt")] if name == "langgraph" else []
    try:
        if uv := shutil.which("uv"):
            _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
            how = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python_of(name))]
        else:
            _plain_environment(folder)
            how = [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(*how, *PINS[name], *pinned)
    except subprocess.CalledProcessError as error:
        return str(error.stderr or error).strip().splitlines()[-1][:200]
    stamp.write_text(wanted)
    return None


def python_of(name: str) -> Path:
    """Return the interpreter of an environment."""
    return PLACE / name / "bin" / "python"


def work(peer: Peer, *arguments: str) -> Figures:
    """Run a script once and return what it measured.

    Raises:
        RuntimeError: It ended otherwise than well, with the last line that it said.
    """
    command = [str(python_of(peer.home)) if peer.home else sys.executable, str(PEERS / peer.script), *arguments]
    variant = ["--variant", peer.variant] if peer.variant else []
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")] if not peer.home else []
    with tempfile.TemporaryDirectory() as home:
        # What a library keeps at home goes into a folder of this run.
        own = {"HOME": home, "XDG_DATA_HOME": home, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        environ = {**os.environ, **QUIET, **own}
        done = subprocess.run([*command, *variant], cwd=PEERS, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1][:200])
    found: Figures = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    return found


def compare(peers: Sequence[Peer], rounds: int, broken: dict[Peer, str]) -> dict[Peer, list[Figures]]:
    """Run the workflow with each peer, round by round; a peer that fails is left out and noted in `broken`."""
    found: dict[Peer, list[Figures]] = {peer: [] for peer in peers}
    dice = random.Random(7)
    for number in range(rounds):
        left = [peer for peer in peers if peer not in broken]
        for peer in dice.sample(left, len(left)):
            print(f"round {number + 1} of {rounds}: {peer.name}", file=sys.stderr)
            try:
                one = work(peer)
            except RuntimeError as error:
                broken[peer] = str(error)
                continue
            medians = {"time": statistics.median(one["wall"]), "CPU": statistics.median(one["cpu"])}
            found[peer].append({**one, **medians, "shortest": min(one["wall"])})
    return {peer: rounds for peer, rounds in found.items() if peer not in broken}


def rows_of(found: dict[Peer, list[Figures]]) -> list[dict[str, Any]]:
    """Return the table: each peer as it is, then Nexus beside each."""
    rows: list[dict[str, Any]] = []
    shown = {
        "time of a workflow": ("time", "ms"),
        "  the shortest": ("shortest", "ms"),
        "  CPU": ("CPU", "ms"),
        "  CPU to import it": ("import", "ms"),
        "  peak memory": ("rss", "MB"),
    }
    for peer, rounds in found.items():
        version = f" {_version(peer)}" if peer.home else ""
        for what, (key, unit) in shown.items():
            pick = min if key == "shortest" else statistics.median
            rows.append(row(f"{peer.name}{version}: {what.strip()}", pick([one[key] for one in rounds]), unit))
    for peer in found if NEXUS in found else ():
        for what in ("time", "CPU"):
            pairs = zip(found[NEXUS], found[peer], strict=True)
            ratio = statistics.median(mine[what] / theirs[what] for mine, theirs in pairs)
            if peer is not NEXUS:
                limit = GATES.get(peer, {}).get(what)
                rows.append(row(f"Nexus / {peer.name}: {what} (median of rounds)", ratio, "x", at_most=limit))
    return rows


def growth(rounds: int) -> list[dict[str, Any]]:
    """Measure one long conversation: what is added to the CPU of a step of LangGraph's own agent, early and late.

    Late is compared with early in units of a piece of work that is always the same, since the machine may have become
    slower in between.
    """
    rows: list[dict[str, Any]] = []
    what = "CPU of a step (a model call, a tool call)"
    for peer, steps, late, limit in ((NEXUS, STEPS, LATE, 1.2), (OFFICIAL, OFFICIAL_STEPS, OFFICIAL_LATE, None)):
        told: list[Figures] = []
        for number in range(rounds):
            print(f"growth, round {number + 1} of {rounds}: {peer.name}", file=sys.stderr)
            told.append(work(peer, "--steps", str(steps)))
        added: list[list[float]] = []
        for window in (EARLY, late):
            span = f"steps {window.start} to {window.stop}"
            for key, name in (("plain", "LangGraph alone, beside it"), ("steps", peer.name)):
                pieces = [statistics.median(one[key][window]) for one in told]
                rows.append(row(f"{name}: {what}, {span}", statistics.median(pieces), "ms"))
            pairs = [zip(one["steps"][window], one["plain"][window], strict=True) for one in told]
            differences = [statistics.median(mine - plain for mine, plain in each) for each in pairs]
            same = [statistics.median(one["same"][window]) for one in told]
            added.append([each / unit for each, unit in zip(differences, same, strict=True)])
            rows.append(row(f"{peer.name} adds (median of steps), {span}", statistics.median(differences), "ms"))
        ratio = statistics.median(after / before for before, after in zip(*added, strict=True))
        spans = f"steps {late.start} to {late.stop} / {EARLY.start} to {EARLY.stop}"
        rows.append(row(f"what {peer.name} adds, {spans} (median of rounds)", ratio, "x", at_most=limit))
    return rows


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", help="environments to measure beside Nexus, by commas: " + ", ".join(PINS))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--growth-rounds", type=int, default=GROWTH_ROUNDS, help="0 leaves the long conversation out")
    chosen = parser.parse_args()
    names = set(chosen.peers.split(",")) if chosen.peers else set(PINS)
    if unknown := names - set(PINS) - {"nexus"}:
        parser.error(f"there is no peer named {sorted(unknown)[0]!r}")
    peers = [peer for peer in ALL if not peer.home or peer.home in names]
    reasons = {name: environment(name) for name in sorted(names & set(PINS))}
    broken = {peer: reason for peer in peers if peer.home and (reason := reasons[peer.home])}
    rows = rows_of(compare(peers, chosen.rounds, broken))
    if chosen.growth_rounds and PLAIN in peers and not {PLAIN, OFFICIAL} & set(broken):
        rows += growth(chosen.growth_rounds)
    rows += [{**row(f"{peer.name}: not measured: {why}", 0, ""), "value": None} for peer, why in broken.items()]
    report("overhead", rows, write=chosen.peers is None)


def _version(peer: Peer) -> str:
    name = PINS[peer.home][0].partition("==")[0]
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return _run(str(python_of(peer.home)), "-c", code).strip()


def _plain_environment(folder: Path) -> None:
    try:
        _run(sys.executable, "-m", "venv", str(folder))
    except subprocess.CalledProcessError:
        # Some systems have no ensurepip: virtualenv is taken from PyPI then, as the Makefile does.
        shutil.rmtree(folder, ignore_errors=True)
        place = str(ROOT / ".tooling")
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", place, "virtualenv")
        _run(sys.executable, "-m", "virtualenv", "--quiet", str(folder), PYTHONPATH=place)


def _run(*command: str, **environ: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environ})
    return done.stdout


if __name__ == "__main__":
    main()
