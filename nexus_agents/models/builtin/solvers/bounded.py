"""The solvers behind a hard time limit: a warm process of their own that is killed when the time is over."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import TypeVar

from pydantic import BaseModel

from nexus_agents.core.errors import LimitReached
from nexus_agents.core.work import Answer, Critique, Verdict
from nexus_agents.models.builtin.solvers import phrase
from nexus_agents.models.builtin.solvers.judge import Said
from nexus_agents.models.builtin.solvers.tasks import Task
from nexus_agents.models.builtin.solvers.wire import (
    CriticiseRequest,
    JudgeRequest,
    Reply,
    Request,
    ReviseRequest,
    Solver,
    SolveRequest,
)

__all__ = ["SolverProcess"]

R = TypeVar("R", bound=BaseModel)

_START_SECONDS = 60.0


class SolverProcess:
    """A process that solves, criticises, revises and judges, each within a number of seconds.

    It starts with the first request (about half a second, and a quarter more when sympy is first needed) and
    stays warm. It is killed when a request takes too long, and starts again with the next one. It ends with
    `close`, with this object, and with this process, however that ends: it watches its standard input.
    Safe to use from several threads; requests wait for each other.

    Args:
        seconds: Limit of one request.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._finalizer: weakref.finalize[[subprocess.Popen[str]], SolverProcess] | None = None

    def __enter__(self) -> SolverProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def solve(self, solver: Solver, task: Task, operations: int | None = None) -> Answer:
        """Answer a task; "no answer" with a reason where the time or the budget does not reach.

        Args:
            solver: `symbolic` or `search`.
            task: The question.
            operations: Budget of `search` in counted operations; its default where None.
        """
        try:
            return self._ask(SolveRequest(solver=solver, task=task, operations=operations), Answer)
        except LimitReached as error:
            return phrase.abstain(solver, error.message)

    def criticise(self, solver: Solver, own: Answer, other: Answer, task: Task) -> Critique:
        """Read another's answer with the evaluator of a solver; see `critique.criticise`."""
        try:
            return self._ask(CriticiseRequest(solver=solver, own=own, other=other, task=task), Critique)
        except LimitReached as error:
            return Critique(agrees=False, summary=error.message, objections=["its steps could not be tried in time"])

    def revise(
        self,
        solver: Solver,
        own: Answer,
        other: Answer,
        critique_of_own: Critique,
        critique_of_other: Critique,
        task: Task,
    ) -> Answer:
        """Hold or concede; see `revise.revise`. Who runs out of time holds."""
        request = ReviseRequest(
            solver=solver,
            own=own,
            other=other,
            critique_of_own=critique_of_own,
            critique_of_other=critique_of_other,
            task=task,
        )
        try:
            return self._ask(request, Answer)
        except LimitReached:
            return own

    def judge(self, question: str, answers: Sequence[tuple[str, Answer]], critiques: Sequence[Said]) -> Verdict:
        """Judge a debate; see `judge.judge`. Who runs out of time leaves it open."""
        request = JudgeRequest(question=question, answers=list(answers), critiques=list(critiques))
        try:
            return self._ask(request, Verdict)
        except LimitReached as error:
            return Verdict(status="open", answer="", reason=error.message, confidence=0.0)

    async def asolve(self, solver: Solver, task: Task, operations: int | None = None) -> Answer:
        """`solve` without blocking the event loop; cancelling it kills the process."""
        try:
            return await asyncio.to_thread(self.solve, solver, task, operations)
        except asyncio.CancelledError:
            self._kill()
            raise

    def close(self) -> None:
        """End the process; the next request would start another."""
        self._kill()

    # -- helpers ------------------------------------------------------------------------------------

    def _ask(self, request: Request, kind: type[R]) -> R:
        with self._lock:
            process = self._started()
            line = self._exchange(process, request.model_dump_json() + "\n", self.seconds)
        reply = Reply.model_validate_json(line)
        if reply.result is None:
            raise LimitReached(reply.error, "Ask about smaller numbers.")
        return kind.model_validate(reply.result)

    def _exchange(self, process: subprocess.Popen[str], line: str, seconds: float) -> str:
        """Send a line and return the next one that comes back in time."""
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()
        timer = threading.Timer(seconds, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            reply = process.stdout.readline()
        except (BrokenPipeError, ValueError):
            reply = ""
        finally:
            timer.cancel()
        if late.is_set() or not reply:
            # Even where the line came in the last moment, the process has been killed.
            self._kill()
        if not reply:
            what = "There is no answer" if late.is_set() else "The solver's process ended without an answer"
            raise LimitReached(f"{what} within {seconds:g} seconds.", "Ask about smaller numbers.")
        return reply

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._kill()
            self._process = subprocess.Popen(
                # -P: no file of the folder that the user works in may pass for a module.
                [sys.executable, "-P", "-m", "nexus_agents.models.builtin.solvers.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                # A Ctrl-C in the terminal is for the parent, which then closes the pipe.
                start_new_session=True,
            )
            self._finalizer = weakref.finalize(self, _end, self._process)
            # It says one line when it is ready: starting does not count against the first request.
            self._exchange(self._process, "", _START_SECONDS)
        return self._process

    def _kill(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer, self._process = None, None


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except (BrokenPipeError, ValueError):
                continue
