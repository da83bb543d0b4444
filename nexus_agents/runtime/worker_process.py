"""One run in a process of its own: it goes on when the face that started it is closed, killed or gone.

`python -m nexus_agents.runtime.worker_process` reads one `Order` from standard input and answers one `Taken`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field

from nexus_agents.core.budget import Limits
from nexus_agents.core.errors import NexusError
from nexus_agents.core.runs import RunError
from nexus_agents.core.tool import Approved
from nexus_agents.runtime.approvals import Decision

__all__ = ["Order", "Taken", "obey"]


class Order(BaseModel):
    """What a worker process is to do.

    Attributes:
        run_id: The run.
        answers: Decisions by the id of the question.
        approved: Risk classes approved for the rest of the run.
        budget: Other limits of the run from here on.
        config_file: The agents.yaml that the face used, absolute.
        folder: The folder the face was started in.
        environment: The whole environment of the face: keys, proxies, the home folder. A warm host may have been
            started from another terminal, with other keys or none.
    """

    run_id: str
    answers: dict[str, Decision] = Field(default_factory=dict[str, Decision])
    approved: list[Approved] = Field(default_factory=list[Approved])
    budget: Limits | None = None
    config_file: str | None = None
    folder: str = ""
    environment: dict[str, str] = Field(default_factory=dict[str, str])


class Taken(BaseModel):
    """What a worker process answers: it has the run, or why it has not."""

    refused: RunError | None = None


def obey(order: Order, answer: Callable[[bytes], None]) -> int:
    """Work the run to where it ends or waits; returns the exit code.

    Args:
        order: What is to be done.
        answer: Given one `Taken` as a line, as soon as this process has the run or knows that it cannot have it.
    """
    # What Nexus itself set when it was imported stays: LangGraph reads some of it later.
    kept = {name: value for name, value in os.environ.items() if name.startswith(("LANGGRAPH_", "LANGSMITH_"))}
    os.environ.clear()
    os.environ.update(kept | order.environment)
    if order.folder and Path(order.folder).is_dir():
        os.chdir(order.folder)
    return asyncio.run(_work(order, answer))


async def _work(order: Order, answer: Callable[[bytes], None]) -> int:
    from nexus_agents.runtime.live import LiveServer, socket_path
    from nexus_agents.runtime.runtime import open_runtime
    from nexus_agents.runtime.settings import load_settings

    taken = False
    try:
        settings = load_settings(Path(order.config_file) if order.config_file else None)
        async with (
            open_runtime(settings) as runtime,
            LiveServer(socket_path(settings.home, order.run_id)) as live,
        ):
            _on_signals(lambda: runtime.interrupt(order.run_id))
            events = runtime.stream(order.run_id, answers=order.answers, approved=order.approved, budget=order.budget)
            async for event in events:
                if not taken:
                    taken = True
                    answer(_line(Taken()))
                live.show(event)
    except NexusError as error:
        logging.getLogger("nexus").error("run %s: %s", order.run_id, error)
        if not taken:
            reason = RunError(message=error.message, hint=error.hint, exit_code=int(error.exit_code))
            answer(_line(Taken(refused=reason)))
        return int(error.exit_code)
    return 0


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def once(number: signal.Signals) -> None:
        stop()
        # A second signal ends the process at once: what was finished is in the database.
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, once, number)
    # The terminal of the face is none of a worker's business.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _line(taken: Taken) -> bytes:
    return taken.model_dump_json().encode() + b"\n"


def _main() -> int:
    # What a library prints must not be taken for the answer.
    out = os.dup(sys.stdout.fileno())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())

    def answer(line: bytes) -> None:
        # The face may be gone by now; the run goes on all the same.
        with contextlib.suppress(OSError):
            os.write(out, line)
        os.close(out)

    return obey(Order.model_validate_json(sys.stdin.buffer.read()), answer)


if __name__ == "__main__":
    sys.exit(_main())
