"""Runs a command apart from Nexus: held to a level, with limits, a clean environment, and an end that is sure."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from nexus_agents.core.errors import BackendDown, ToolInputError, WorkspaceError
from tools.paths import require_workspace
from tools.sandbox.levels import Level, choose
from tools.sandbox.output import Tail
from tools.sandbox.prepare import Bounds, Prepared, prepare
from tools.sandbox.proxy import Addresses, check_domains, open_proxy, public_addresses
from tools.sandbox.scratch import scratch_folder

if TYPE_CHECKING:
    from nexus_agents.core.sandbox import SandboxPolicy
    from nexus_agents.core.tool import Job

__all__ = ["Completed", "run", "run_for"]

_CHILD = Path(__file__).with_name("child.py")


class Completed(BaseModel):
    """How a command ended.

    Attributes:
        command: What was run, as one would type it.
        returncode: Exit status; the negative number of the signal that ended it, or, under bubblewrap and in a
            container, 128 and that number.
        stdout: Standard output, or its end where it was long.
        stderr: Standard error, or its end.
        seconds: How long it took.
        timed_out: Whether it was ended because its time was up.
        truncated: Whether the beginning of an output was left out.
        level: What the sandbox held it to.
        limit: The limit that it was ended for: `memory`, `processes` or `disk`; empty for none.
    """

    command: str
    returncode: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool
    truncated: bool
    level: str
    limit: str = ""

    @property
    def cut(self) -> str:
        """Why it was ended before it came to its end, in words; empty where it was not."""
        if self.limit:
            return f"ended because it went beyond its limit of {self.limit}"
        return "ended because its time was up" if self.timed_out else ""

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.cut or f'ended with status {self.returncode}'}, after {self.seconds:.1f} s"


async def run(
    argv: Sequence[str],
    cwd: Path,
    *,
    timeout: float = 120.0,  # noqa: ASYNC109 - the limit of the command, not of the coroutine
    env: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
    output_limit: int = 200_000,
    on_output: Callable[[str], None] | None = None,
    root: Path | None = None,
    policy: SandboxPolicy | None = None,
    level: Level | None = None,
    addresses: Addresses = public_addresses,
) -> Completed:
    """Run a command to its end and end all that it has started.

    Args:
        argv: The program and its arguments; no shell reads them.
        cwd: The folder that it runs in.
        timeout: Seconds after which all of it is ended.
        env: Variables beside the clean ones (PATH, HOME, TMPDIR, LANG, ...).
        bounds: What it may use up; by default what the policy says, and the usual.
        output_limit: Bytes kept of each output, from its end.
        on_output: Given each piece of either output as it comes.
        root: The folder that it may change, where that is one above `cwd`.
        policy: What the run says of code of the workspace; None for a program of Nexus that runs none, which is
            held to the floor.
        level: What it is held to, where that is settled already; by default what the policy and the machine say.
        addresses: Looks up the hosts that the policy names.

    Raises:
        ToolInputError: No command, or no such program.
        WorkspaceError: The folder is missing; or the command changed what git would run, which was put back.
        SandboxNeeded: Nothing here can hold the command, and no person has allowed it all the same.
        BackendDown: The process could not be started, or a daemon that was named does not answer.
        asyncio.CancelledError: The caller was cancelled; the command is ended first.
    """
    cwd = require_workspace(cwd)
    level = level or await asyncio.to_thread(choose, policy)
    domains = policy.domains if policy is not None and level.full else ()
    check_domains(domains)
    try:
        async with contextlib.AsyncExitStack() as stack:
            scratch = await stack.enter_async_context(scratch_folder())
            socket = ""
            if domains:
                socket = await stack.enter_async_context(open_proxy(scratch / "proxy", domains, addresses))
            prepared = prepare(
                level,
                argv,
                cwd,
                require_workspace(root) if root else cwd,
                scratch,
                timeout=timeout,
                env=env or {},
                bounds=bounds or Bounds(memory_mb=policy.memory_mb) if policy else bounds or Bounds(),
                policy=policy,
                socket=socket,
            )
            return await _carry_out(prepared, argv, timeout, output_limit, on_output)
    except OSError as error:
        place = tempfile.gettempdir()
        raise BackendDown(f"The sandbox has no room: {error.strerror}.", f"Look at {place}.") from error


async def run_for(
    job: Job,
    argv: Sequence[str],
    cwd: Path,
    *,
    timeout: float = 120.0,  # noqa: ASYNC109 - the limit of the command, not of the coroutine
    env: Mapping[str, str] | None = None,
    output_limit: int = 200_000,
    on_output: Callable[[str], None] | None = None,
    root: Path | None = None,
    fixed: bool = False,
) -> Completed:
    """Run a command for a tool call: as `run`, held as the job's run says, and ended when the job is cancelled.

    Args:
        job: Asked twice a second whether it was cancelled.
        argv: See `run`.
        cwd: See `run`.
        timeout: Seconds.
        env: See `run`.
        output_limit: Bytes.
        on_output: See `run`.
        root: See `run`.
        fixed: Whether this is a program of Nexus that runs no code of the workspace: then the floor will do.
    """
    policy = None if fixed else job.sandbox
    work = asyncio.ensure_future(
        run(
            argv,
            cwd,
            timeout=timeout,
            env=env,
            output_limit=output_limit,
            on_output=on_output,
            root=root,
            policy=policy,
        )
    )
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=0.5)
            if not work.done():
                job.check_cancelled()
        return work.result()
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


async def _carry_out(
    prepared: Prepared,
    argv: Sequence[str],
    timeout: float,  # noqa: ASYNC109
    output_limit: int,
    on_output: Callable[[str], None] | None,
) -> Completed:
    _require_program(argv, prepared)
    told, tell = os.pipe()
    try:
        started = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_CHILD)),
                json.dumps({**prepared.order, "report": tell}),
                *prepared.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=prepared.cwd,
                env=prepared.env,
                pass_fds=(tell,),
                start_new_session=True,
            )
        except OSError as error:
            raise BackendDown(
                f"{argv[0]} could not be started: {error.strerror}.",
                "The machine may be out of memory or processes.",
            ) from error
        out, err = Tail(output_limit, on_output), Tail(output_limit, on_output)
        timed_out = await _attend(process, out, err, timeout, prepared.order["grace"])
        seconds = time.monotonic() - started
        os.set_blocking(told, False)
        try:
            report = json.loads(os.read(told, 65536) or b"{}")
        except BlockingIOError:  # it was killed before it could tell
            report = {}
    finally:
        os.close(told)
        os.close(tell)
    if restored := report.get("restored"):
        raise WorkspaceError(
            f"The command changed {', '.join(restored)}, and was ended: git would run what stands there.",
            "It was put back as it was. Leave .git alone; the tool `commit` records changes.",
        )
    return Completed(
        command=shlex.join(argv),
        returncode=process.returncode if process.returncode is not None else -signal.SIGKILL,
        stdout=out.text(),
        stderr=err.text(),
        seconds=round(seconds, 3),
        timed_out=timed_out,
        truncated=bool(out.dropped or err.dropped),
        level=prepared.level.words,
        limit=report.get("limit", ""),
    )


async def _attend(process: asyncio.subprocess.Process, out: Tail, err: Tail, seconds: float, grace: float) -> bool:
    """Read both outputs until the process ends or its time is up; True where it was."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    reading = asyncio.gather(out.drain(process.stdout), err.drain(process.stderr))
    ended = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait({ended, reading}, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        failed = reading.done() and reading.exception() is not None
        timed_out = not ended.done() and not failed
    finally:
        # From here on the child ends everything by itself, even if nobody waits for it any more.
        process.stdin.close()
        await asyncio.wait({ended, reading}, timeout=grace + 3.0)
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.wait({ended}, timeout=1.0)
        ended.cancel()
        reading.cancel()
    if reading.done() and not reading.cancelled():
        reading.result()  # an error of `on_output` is the caller's
    return timed_out


def _require_program(argv: Sequence[str], prepared: Prepared) -> None:
    if not argv or not argv[0].strip() or any("\0" in part for part in argv):
        raise ToolInputError("There is no command to run.", "Name a program and its arguments.")
    if prepared.level.name in ("docker", "podman"):
        return  # what an image holds is not known here
    program = str(prepared.cwd / argv[0]) if "/" in argv[0] else argv[0]
    if shutil.which(program, path=prepared.env["PATH"]) is None:
        raise ToolInputError(
            f"There is no program {argv[0]} that can be run.",
            "Use one that is installed, such as python, git or sh.",
        )
