"""What holding a command costs: the time from asking for `true` to its end, at each level of this machine.

`python benchmarks/sandbox_start.py` prints a table and writes results/sandbox_start.json. The levels are measured in
turn, twenty times, beside the command started with nothing around it, and the medians are compared.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from table import report, row

from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import run
from tools.sandbox.levels import FLOOR, Level, find_level

ROUNDS = 20
WARM = 2
"""Rounds that are not counted."""


async def measure(starts: dict[str, Callable[[], Awaitable[object]]]) -> dict[str, float]:
    """Return the median time of each (ms), all of them measured in turn."""
    spent: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(WARM + ROUNDS):
        for name, start in starts.items():
            begun = time.perf_counter()
            await start()
            spent[name].append((time.perf_counter() - begun) * 1000)
    return {name: statistics.median(times[WARM:]) for name, times in spent.items()}


async def main() -> None:
    """Measure and report."""
    levels = {"floor": FLOOR}
    for name in ("bubblewrap", "landlock"):
        found, why = find_level(name)
        if found is not None:
            levels[name] = found
        else:
            print(f"no {name}: {why}")
    if "landlock" in levels:
        levels["landlock alone"] = Level("landlock", namespaces=False)
    with tempfile.TemporaryDirectory() as folder:

        async def bare() -> None:
            await (await asyncio.create_subprocess_exec("true", cwd=folder)).wait()

        def at(level: Level) -> Callable[[], Awaitable[object]]:
            return lambda: run(["true"], Path(folder), policy=SandboxPolicy(trusted=True), level=level)

        medians = await measure({"nothing around it": bare, **{name: at(level) for name, level in levels.items()}})
    rows = [row(f"{name}: a command that does nothing", medians[name], "ms") for name in medians]
    rows += [
        row(f"{name}, more than the floor", medians[name] - medians["floor"], "ms")
        for name in levels
        if name != "floor"
    ]
    report("sandbox_start", rows)


if __name__ == "__main__":
    asyncio.run(main())
