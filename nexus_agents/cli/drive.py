"""Drives one run from a terminal: events to the screen, questions to the person, signals to the runtime."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.cli.asking import Asking
from nexus_agents.cli.render import Narration, print_json, silence
from nexus_agents.core.errors import ExitCode
from nexus_agents.core.events import ApprovalAsked, RunFinished
from nexus_agents.runtime.questions import UNKNOWN

if TYPE_CHECKING:
    from nexus_agents.cli.answering import Given
    from nexus_agents.core.budget import Limits
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.runs import Run
    from nexus_agents.core.tool import Approved
    from nexus_agents.runtime.approvals import Decision, Effect
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["approved_by", "drive"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def approved_by(yes: bool, unsafe: bool = False) -> tuple[Approved, ...]:
    """Return what `--yes` stands for, up to running programs, never identity; and what `--unsafe` does."""
    return (*(("read", "write", "execute") if yes else ()), *(("unsafe",) if unsafe else ()))


def drive(
    begin: Callable[[Runtime], Awaitable[Run | None]],
    *,
    as_json: bool,
    plain: bool,
    yes: bool,
    unsafe: bool = False,
    unknown: Effect | None = None,
    given: Given | None = None,
    budget: Limits | None = None,
    config: Path | None = None,
) -> int:
    """Work a run until it ends or waits for somebody who is not there.

    Args:
        begin: Starts or finds the run; None where there is nothing to do.
        as_json: Print events as JSON lines on standard output.
        plain: Tell them without colours and without drawing over what was said.
        yes: Approve risk classes up to execute.
        unsafe: Let code of a model run where no full sandbox is.
        unknown: The answer for calls that were cut off, where nobody is to be asked about them.
        given: The answer to the questions that the run has asked.
        budget: Other limits of the run from here on.
        config: The agents.yaml that was named.

    Returns:
        The exit code.
    """
    show = print_json if as_json else Narration(plain).show
    work = _drive(begin, show, approved_by(yes, unsafe), unknown, given, budget, as_json, config)
    return asyncio.run(_until_left(work))


async def _until_left(work: Coroutine[None, None, int]) -> int:
    code = await work
    if code == ExitCode.INTERRUPTED:
        # Memory is closed. Leaving now, while a second signal still has its handler, no Ctrl-C can meet an
        # interpreter that is half taken down and would answer with a traceback.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


async def _drive(
    begin: Callable[[Runtime], Awaitable[Run | None]],
    show: Callable[[AnyEvent], None],
    approvals: tuple[Approved, ...],
    unknown: Effect | None,
    given: Given | None,
    budget: Limits | None,
    headless: bool,
    config: Path | None,
) -> int:
    from nexus_agents.runtime.runtime import open_runtime
    from nexus_agents.runtime.settings import load_settings

    async with open_runtime(load_settings(config)) as runtime:
        run = await begin(runtime)
        if run is None:
            return int(ExitCode.DONE)
        _on_signals(lambda: runtime.interrupt(run.id))
        approved = list(approvals)
        answers = await given.decisions(runtime, run) if given else {}
        asking = Asking(approved, runtime.check_arguments)
        while True:
            asked: list[ApprovalAsked] = []
            finished: RunFinished | None = None
            async for event in runtime.stream(run.id, answers=answers, approved=approved, budget=budget):
                try:
                    show(event)
                except (BrokenPipeError, SystemExit):
                    # The reader went away, as Rich says with an exit: like any program in a pipe the run stops,
                    # and can be resumed.
                    silence()
                    runtime.interrupt(run.id)
                if isinstance(event, ApprovalAsked):
                    asked.append(event)
                if isinstance(event, RunFinished):
                    finished = event
            if finished is None:
                return int(ExitCode.FAILED)
            if finished.status != "waiting":
                return _code(finished)
            answers = _settled(asked, unknown)
            left = [question for question in asked if question.approval_id not in answers]
            if left and not headless and sys.stdin.isatty():
                answers |= await asyncio.to_thread(asking.ask, left)
            if not answers:
                return _code(finished)


def _settled(asked: list[ApprovalAsked], unknown: Effect | None) -> dict[str, Decision]:
    from nexus_agents.runtime.approvals import Decision

    if unknown is None:
        return {}
    said = Decision(approve=unknown != "skip", effect=unknown)
    return {question.approval_id: said for question in asked if question.risk == UNKNOWN}


def _code(finished: RunFinished) -> int:
    if finished.status == "done":
        return int(ExitCode.DONE)
    return finished.error.exit_code if finished.error else int(ExitCode.FAILED)


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def once() -> None:
        stop()
        for number in SIGNALS:
            loop.add_signal_handler(number, _leave)

    for number in SIGNALS:
        loop.add_signal_handler(number, once)


def _leave() -> None:
    import psutil

    # Asked twice: nothing is waited for. SQL memory keeps what was finished, and the run can be resumed.
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    os._exit(int(ExitCode.INTERRUPTED))
