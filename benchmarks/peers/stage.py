"""The workflow that every peer runs, and the clock that it runs against; standard library only.

Three agents follow each other. Each is given a text with a number in it, asks `add` for the next number, asks `lookup`
for its name, and answers with that name: three calls of the model and two of tools an agent. The model is the function
`decide`, which answers at once; every library wraps it in a model of its own kind. What the last agent says is checked,
so that a number that did not go through all six tools is noticed.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os
import re
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

__all__ = [
    "AGENTS",
    "ANSWER",
    "PROMPT",
    "QUIET",
    "TASK",
    "add",
    "decide",
    "imported",
    "lookup",
    "measure",
    "options",
    "run",
]

QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}
"""What libraries would send home is none of this benchmark's business, and takes time."""

AGENTS = ("planner", "worker", "checker")
PROMPT = "Count one further with your tools and name the number."
TASK = "Begin at number 1."
ANSWER = "number 4"

WARM = 5
RUNS = 30


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


def lookup(number: int) -> str:
    """Look up what a number is called.

    Args:
        number: The number.
    """
    return f"number {number}"


def decide(task: str, results: Sequence[str]) -> tuple[str, dict[str, int]] | str:
    """Return what the model says: a tool and its arguments, or words.

    Args:
        task: What the agent was asked.
        results: What its tools have answered since, in order.
    """
    if len(results) == 2:
        return _said(results[1])
    number = int(re.findall(r"\d+", results[-1] if results else task)[-1])
    return ("lookup", {"number": number}) if results else ("add", {"a": number, "b": 1})


def imported() -> float:
    """Return the CPU time of this process so far (ms); asked for when everything is imported."""
    return 1000 * time.process_time()


def options(*variants: str) -> argparse.Namespace:
    """Read the command line: `--variant`, `--runs`, and `--steps` for one long conversation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", choices=variants, default=variants[0] if variants else None)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--steps", type=int, default=0)
    return parser.parse_args()


async def measure(execute: Callable[[], Awaitable[str] | str], *, import_ms: float, runs: int = RUNS) -> None:
    """Run the workflow some times and print what it took, as one line of JSON.

    Args:
        execute: Runs it once and returns what the last agent said; a coroutine function, or a plain function.
        import_ms: What the imports took.
        runs: How often it is run, after a few times that do not count.
    """
    walls: list[float] = []
    spent: list[float] = []
    for number in range(WARM + runs):
        cpu, wall = time.process_time(), time.perf_counter()
        answer = execute()
        said = await answer if inspect.isawaitable(answer) else answer
        if number >= WARM:
            walls.append(1000 * (time.perf_counter() - wall))
            spent.append(1000 * (time.process_time() - cpu))
        if said != ANSWER:
            raise SystemExit(f"the last agent said {said!r}, not {ANSWER!r}")
    print(json.dumps({"wall": walls, "cpu": spent, "import": import_ms, "rss": _peak()}))


def run(main: Awaitable[None]) -> None:
    """Run a coroutine; a library may still have threads that would not end by themselves."""

    async def go() -> None:
        await main

    asyncio.run(go())
    sys.stdout.flush()
    os._exit(0)


def _said(text: str) -> str:
    # Some libraries hand a tool's text over as JSON.
    found = re.search(r"number \d+", text)
    return found[0] if found else text


def _peak() -> float:
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform != "darwin" else 1e6)
