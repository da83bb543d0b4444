from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nexus_agents.models.builtin.solvers.bounded import SolverProcess
from nexus_agents.models.builtin.solvers.formal import formalise
from nexus_agents.models.builtin.solvers.tasks import Series, Task

LONG = Series(term="k", first=1, last=10**8)
"""Minutes of adding up, where the budget allows it."""
ENOUGH = 10**10


@pytest.fixture(scope="module")
def process() -> Iterator[SolverProcess]:
    with SolverProcess() as one:
        yield one


def task_of(text: str) -> Task:
    task = formalise(text)
    assert task is not None
    return task


SEMIPRIME = (10**99 + 289) * (10**100 + 267)


@pytest.mark.parametrize(
    "text",
    ["9**9**9", "is 9^9^9 prime?", "10^10^10 mod 7", "9^9^9^9 mod 1234567", "(10^6)!", "(10^6)! mod 1000003",
     f"is {SEMIPRIME} prime?",
     f"factorise {SEMIPRIME}", f"is {SEMIPRIME} divisible by 7?", "sum of the digits of 9^9^9",
     "how many digits does 9^9^9 have?", "which is larger, 9^9^9 or 10^10^8?", "the 999999th prime",
     "the 9999999th Fibonacci number", "sum of the integers from 1 to 999999999", "sum of 2^k for k from 1 to 999999",
     "999999 choose 499999", "how many ways to make change for 999999", "probability that 999 dice sum to 3500",
     "probability of at least 500 heads in 1000 coin flips", "how many primes are below 999999999999?",
     "how many numbers from 1 to 999999999999 are divisible by 3 or 7?", "x^4 - 123456789123456789 x + 1 = 0",
     f"x^2 = {10**60 + 7}", "gcd of 10^1000 + 1 and 10^900 + 7", "3000!", "is 2^2203 - 1 prime?"],
)  # fmt: skip
def test_hostile_questions_are_answered_or_refused_in_time(process: SolverProcess, text: str):
    task = task_of(text)
    for solver in ("symbolic", "search"):
        began = time.perf_counter()
        answer = process.solve(solver, task)
        assert time.perf_counter() - began < 12
        assert answer.answer == "no answer" or answer.confidence > 0
        assert answer.scope or answer.certain


def test_what_takes_too_long_is_killed_and_the_next_question_is_answered():
    with SolverProcess(seconds=2.0) as process:
        process.solve("symbolic", task_of("2 + 2"))
        began = time.perf_counter()
        answer = process.solve("search", LONG, ENOUGH)
        assert time.perf_counter() - began < 4
        assert answer.answer == "no answer"
        assert "2 seconds" in answer.scope
        assert process.solve("symbolic", task_of("is 97 prime?")).answer == "yes, 97 is prime"


def test_the_whole_debate_runs_in_the_process(process: SolverProcess):
    task = task_of("x^2 = 2")
    a, b = process.solve("symbolic", task), process.solve("search", task)
    of_a, of_b = process.criticise("search", b, a, task), process.criticise("symbolic", a, b, task)
    assert of_a.agrees
    last_a = process.revise("symbolic", a, b, of_a, of_b, task)
    last_b = process.revise("search", b, a, of_b, of_a, task)
    verdict = process.judge("x^2 = 2", [("symbolic", last_a), ("search", last_b)], [("search", "symbolic", of_a)])
    assert verdict.status == "agreed"
    assert "sqrt(2)" in verdict.answer


async def test_cancelling_ends_the_process():
    before = set(psutil.Process().children())
    process = SolverProcess()
    await process.asolve("symbolic", task_of("2 + 2"))
    (child,) = set(psutil.Process().children()) - before
    waiting = asyncio.create_task(process.asolve("search", LONG, ENOUGH))
    await asyncio.sleep(0.3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    child.wait(timeout=3)
    assert (await process.asolve("search", task_of("2 + 2"))).answer == "2 + 2 = 4"
    process.close()


def test_the_process_does_not_outlive_a_killed_parent(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, threading\n"
        "from nexus_agents.models.builtin.solvers.bounded import SolverProcess\n"
        "from nexus_agents.models.builtin.solvers.tasks import Arithmetic, Series\n"
        "process = SolverProcess(60)\n"
        "process.solve('symbolic', Arithmetic(expression='1 + 1'))\n"
        "print(process._process.pid, flush=True)\n"
        "process.solve('search', Series(term='k', first=1, last=10**8), 10**10)\n"
    )
    # A file that the worker would import, were the folder it runs in on its path.
    (tmp_path / "sympy.py").write_text("raise SystemExit('taken over')\n")
    code = f"exec(open({str(script)!r}).read())"
    parent = subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.3)
    assert child.is_running()
    parent.kill()
    parent.wait()
    child.wait(timeout=5)
    assert not psutil.pid_exists(child.pid) or child.status() == psutil.STATUS_ZOMBIE
    parent.stdout.close()


def test_the_face_does_not_import_sympy():
    code = (
        "import sys, nexus_agents.models.builtin.solvers.bounded, nexus_agents.models.builtin.solvers.formal, "
        "nexus_agents.models.builtin.solvers.search; sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ)).returncode == 0
