"""What the app costs: first paint, one append to a long conversation, and the start of a run through the warm host.

`python benchmarks/tui_basic.py` prints a table and writes results/tui_basic.json. Each figure stands beside what a bare
Textual app, or a process of its own, costs on the same machine in the same minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "tui_basic.json"
STYLES = Path(__file__).resolve().parents[1] / "tui" / "nexus.tcss"
TIMES = 5
EVENTS = 10_000
APPENDS = 1_000
STARTS = 10
HEAVY = ("torch", "langgraph", "langchain", "langchain_core", "sqlalchemy", "transformers", "scipy", "numpy")

FIRST_PAINT = """
import json, os, sys, time
from textual.app import App
{make}
async def main():
    app = made()
    async with app.run_test(size=(120, 40)):
        # The pilot waits for the first screen: all that was imported and drawn for it is counted.
        own = os.times()
        print(json.dumps({{"cpu": own.user + own.system, "modules": sorted(sys.modules)}}), flush=True)
        os._exit(0)
import asyncio
asyncio.run(main())
"""
BARE = """
from textual.widgets import Footer, Static, TextArea
class Bare(App):
    def compose(self):
        yield Static("Bare")
        yield TextArea()
        yield Footer()
made = Bare
"""
OURS = """
from tui.app import NexusApp
# The memory is opened after the first paint, in a thread: it is not counted here.
NexusApp._open = lambda self: None
made = NexusApp
"""


def main() -> None:
    """Measure, print and write."""
    rows = [*first_paint(), *asyncio.run(appends()), *asyncio.run(starts())]
    for row in rows:
        must = "" if row["must_be"] is None else f"must be {row['must_be']}: {'met' if row['met'] else 'NOT MET'}"
        print(f"{row['what']:<72} {row['value']:>9} {row['unit']:<8} {must}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def first_paint() -> list[dict[str, Any]]:
    """Measure the CPU time of a process until the app is on the screen, and what it has imported by then."""
    bare, ours, heavy = [], [], set[str]()
    for _ in range(TIMES):
        bare.append(_painted(BARE)["cpu"])
        painted = _painted(OURS)
        ours.append(painted["cpu"])
        heavy |= {name for name in painted["modules"] if name in HEAVY}
    return [
        _row("CPU until a bare Textual app is painted (median of 5)", statistics.median(bare), "s"),
        _row("CPU until the first paint of Nexus (median of 5)", statistics.median(ours), "s", at_most=0.5),
        _row(f"of {', '.join(HEAVY)} imported before it", len(heavy), "modules", at_most=0),
    ]


async def appends() -> list[dict[str, Any]]:
    """Measure the CPU time of one more event drawn at the end of a long conversation."""
    from textual.app import App, ComposeResult
    from textual.containers import VerticalScroll
    from textual.widgets import Static

    from tui.cards import MessageCard, NoticeCard
    from tui.widgets.transcript import MOST_MOUNTED, Transcript

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield VerticalScroll(*(Static(f"line {number}") for number in range(MOST_MOUNTED)))

    class Long(App[None]):
        CSS_PATH = STYLES

        def compose(self) -> ComposeResult:
            yield Transcript()

    async with Bare().run_test(size=(100, 30)) as pilot:
        scroll = pilot.app.query_one(VerticalScroll)
        scroll.anchor()

        async def append(number: int) -> None:
            await scroll.children[0].remove()
            await scroll.mount(Static(f"more {number}"))

        bare = await _cpu_of(pilot, append)
    notice, mounted = await _at_the_end_of_many(Long, lambda key: NoticeCard(key, text=f"event {key}"))
    message, _ = await _at_the_end_of_many(Long, lambda key: MessageCard(key, agent="assistant", text=f"event {key}"))
    return [
        _row(f"CPU of one append to {MOST_MOUNTED} Statics of a bare app (mean of {APPENDS:,})", 1000 * bare, "ms"),
        _row(
            f"CPU of one append of a line at {EVENTS:,} events (mean of {APPENDS:,})",
            1000 * notice,
            "ms",
            at_most=4,
        ),
        _row(f"CPU of one append of a Markdown message at {EVENTS:,} events", 1000 * message, "ms"),
        _row(f"widgets mounted then, of {EVENTS + APPENDS:,} cards", mounted, "widgets", at_most=MOST_MOUNTED + 2),
    ]


async def _at_the_end_of_many(app: Any, make: Any) -> tuple[float, int]:
    from tui.widgets.transcript import MOST_MOUNTED, Transcript

    async with app().run_test(size=(100, 30)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.cards = [make(f"old {number}") for number in range(EVENTS)]
        await transcript.action_last()
        await pilot.pause()

        async def append(number: int) -> None:
            card = make(f"new {number}")
            transcript.cards.append(card)
            await transcript.changed([card])

        # Until the window is full, nothing has to go for what comes.
        for number in range(MOST_MOUNTED):
            await append(-1 - number)
        await pilot.pause()
        spent = await _cpu_of(pilot, append)
        assert transcript.at_end
        return spent, len(transcript.children)


async def starts() -> list[dict[str, Any]]:
    """Measure the time from a request to a run that a worker process has taken and begun, warm and cold."""
    from nexus_agents.runtime.desk import ensure_host, open_desk
    from nexus_agents.runtime.live import host_path
    from nexus_agents.runtime.settings import load_settings

    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"NEXUS_HOME": folder, "NEXUS_MODEL": "builtin:nexus"}
        settings = load_settings()

        async def start() -> float:
            begun = time.perf_counter()
            run = await desk.start("hello")
            async for _ in desk.watch(run.id):
                taken = time.perf_counter() - begun
                break
            async for _ in desk.watch(run.id):
                pass
            return taken

        async with open_desk(settings) as desk:
            cold = [await start() for _ in range(2)]
            ensure_host(settings.home)
            # The first one waits until the host has imported everything.
            await start()
            await asyncio.sleep(2)
            warm = [await start() for _ in range(STARTS)]
        host_path(settings.home).unlink(missing_ok=True)
        await asyncio.sleep(1.5)
    return [
        _row("start of a run in a new process, until its first event (best of 2)", 1000 * min(cold), "ms"),
        _row(
            "start of a run through the warm host, until its first event (median of 10)",
            1000 * _mid(warm),
            "ms",
            at_most=100,
        ),
    ]


def _painted(make: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT.format(make=make)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


async def _cpu_of(pilot: Any, act: Any) -> float:
    # All of it: mounting, taking old cards away, layout, and every repaint that the app found time for.
    begun = time.process_time()
    for number in range(APPENDS):
        await act(number)
    await pilot.pause()
    return (time.process_time() - begun) / APPENDS


def _mid(values: list[float]) -> float:
    return statistics.median(values)


def _row(what: str, value: float, unit: str, *, at_most: float | None = None) -> dict[str, Any]:
    return {
        "what": what,
        "value": round(value, 3),
        "unit": unit,
        "must_be": None if at_most is None else f"<= {at_most:g}",
        "met": None if at_most is None else value <= at_most,
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
    }


if __name__ == "__main__":
    main()
