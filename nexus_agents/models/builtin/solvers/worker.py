"""The process that solves: reads one JSON request a line, answers one JSON line, and dies with its parent."""

from __future__ import annotations

import os
import queue
import sys
import threading

from pydantic import BaseModel

from nexus_agents.core.errors import NexusError
from nexus_agents.core.work import Answer, Critique, Verdict
from nexus_agents.models.builtin.solvers import search
from nexus_agents.models.builtin.solvers.budget import DEFAULT_OPERATIONS
from nexus_agents.models.builtin.solvers.critique import criticise
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import Evaluator
from nexus_agents.models.builtin.solvers.judge import judge
from nexus_agents.models.builtin.solvers.revise import revise
from nexus_agents.models.builtin.solvers.wire import (
    REQUEST,
    CriticiseRequest,
    JudgeRequest,
    Reply,
    Request,
    ReviseRequest,
    SolveRequest,
)

__all__ = ["handle", "main"]

_MEMORY = 2 * 1024**3
"""Bytes of address space: far more than any answer needs, far less than a machine has."""


def handle(request: Request) -> Answer | Critique | Verdict:
    """Do what one request asks."""
    match request:
        case SolveRequest(solver="search"):
            return search.solve(request.task, request.operations or DEFAULT_OPERATIONS)
        case SolveRequest():
            # sympy takes a quarter of a second to import: only this solver pays for it.
            from nexus_agents.models.builtin.solvers import symbolic

            return symbolic.solve(request.task)
        case CriticiseRequest():
            return criticise(request.own, request.other, request.task, _evaluator(request.solver))
        case ReviseRequest():
            return revise(
                request.own,
                request.other,
                request.critique_of_own,
                request.critique_of_other,
                request.task,
                _evaluator(request.solver),
            )
        case JudgeRequest():
            return judge(request.question, request.answers, request.critiques)


def main() -> None:
    """Say "ready", then serve requests until standard input ends."""
    _limit_memory()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    # A thread watches standard input all the time: when the parent is gone, the process ends in mid-computation.
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        line = lines.get()
        try:
            result: BaseModel = handle(REQUEST.validate_json(line))
            reply = Reply(result=result.model_dump(mode="json"))
        except NexusError as error:
            reply = Reply(error=error.message)
        except (MemoryError, RecursionError) as error:
            reply = Reply(error=f"The computation needs too much memory ({type(error).__name__}).")
        except Exception as error:  # the parent must get an answer to every line
            reply = Reply(error=f"The solver failed: {type(error).__name__}: {str(error)[:200]}")
        sys.stdout.write(reply.model_dump_json() + "\n")
        sys.stdout.flush()


def _listen(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, ValueError, OSError):
        # Windows has no such limit, and macOS refuses this one; the time limit still holds.
        return


def _evaluator(solver: str) -> Evaluator:
    if solver == "search":
        return Exact()
    from nexus_agents.models.builtin.solvers.algebra import Algebra

    return Algebra()


if __name__ == "__main__":
    main()
