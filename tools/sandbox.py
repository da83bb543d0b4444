"""Runs a command apart from Nexus: own process group, limits, clean environment, and an end that is sure.

This is the floor: what holds on every machine, without a package and without rights. It bounds what a command may
use up and what it can learn from the environment; it does not keep it from files or from the network.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import json
import math
import os
import secrets
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

from nexus_agents.core.errors import BackendDown, ToolInputError
from tools.paths import require_workspace

if TYPE_CHECKING:
    from nexus_agents.core.tool import Job

__all__ = ["Completed", "level", "run", "run_for"]

GRACE = 1.0
"""Seconds between TERM and KILL."""

MEMORY_MB = 4096
"""Address space of one process; numpy with threads reserves more than one GB before it computes anything."""

FILE_MB = 512
PROCESSES = 512
"""How many processes and threads a command may add to those of its user."""

_CHILD = Path(__file__).with_name("sandbox_child.py")
_SYSTEM_PATH = ("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")


class Completed(BaseModel):
    """How a command ended.

    Attributes:
        command: What was run, as one would type it.
        returncode: Exit status; the negative number of the signal that ended it.
        stdout: Standard output, or its end where it was long.
        stderr: Standard error, or its end.
        seconds: How long it took.
        timed_out: Whether it was ended because its time was up.
        truncated: Whether the beginning of an output was left out.
        level: What the sandbox held it to.
    """

    command: str
    returncode: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool
    truncated: bool
    level: str

    @property
    def summary(self) -> str:
        """What people are told."""
        how = "ended when its time was up" if self.timed_out else f"ended with status {self.returncode}"
        return f"{how}, after {self.seconds:.1f} s"


def level() -> str:
    """Say in words what the sandbox of this machine holds a command to, and what not."""
    limits = ["memory", "CPU", "processes", "files", "time"]
    if not sys.platform.startswith("linux"):
        limits.remove("memory")  # macOS takes RLIMIT_AS and does not enforce it
    if os.geteuid() == 0:
        limits.remove("processes")  # the kernel does not count for root
    listed = f"{', '.join(limits[:-1])} and {limits[-1]}"
    return f"floor: own process group, limits on {listed}, clean environment, no isolation of files or network"


async def run(
    argv: Sequence[str],
    cwd: Path,
    *,
    timeout: float = 120.0,  # noqa: ASYNC109 - the limit of the command, not of the coroutine
    env: Mapping[str, str] | None = None,
    memory_mb: int = MEMORY_MB,
    output_limit: int = 200_000,
    on_output: Callable[[str], None] | None = None,
) -> Completed:
    """Run a command to its end and end all that it has started.

    Args:
        argv: The program and its arguments; no shell reads them.
        cwd: The folder that it runs in.
        timeout: Seconds after which the whole group is ended.
        env: Variables beside the clean ones (PATH, HOME, TMPDIR, LANG, ...).
        memory_mb: Address space of each process (MiB).
        output_limit: Bytes kept of each output, from its end.
        on_output: Given each piece of either output as it comes.

    Raises:
        ToolInputError: No command, or no such program.
        WorkspaceError: The folder is missing.
        BackendDown: The process could not be started.
        asyncio.CancelledError: The caller was cancelled; the group is ended first.
    """
    cwd = require_workspace(cwd)
    scratch = str(Path(tempfile.gettempdir(), f"nexus-{secrets.token_hex(8)}"))
    try:
        clean = _environment(scratch) | dict(env or {})
        _require_program(argv, cwd, clean["PATH"])
        order = json.dumps(
            {
                "limits": _limits(timeout, memory_mb),
                "parent": os.getpid(),
                "grace": GRACE,
                "scratch": scratch,
            }
        )
        started = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_CHILD), order, *argv),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=cwd,
                env=clean,
                start_new_session=True,
            )
        except OSError as error:
            raise BackendDown(
                f"{argv[0]} could not be started: {error.strerror}.",
                "The machine may be out of memory or processes.",
            ) from error
        out, err = _Tail(output_limit, on_output), _Tail(output_limit, on_output)
        timed_out = await _attend(process, out, err, timeout)
        return Completed(
            command=shlex.join(argv),
            returncode=process.returncode if process.returncode is not None else -signal.SIGKILL,
            stdout=out.text(),
            stderr=err.text(),
            seconds=round(time.monotonic() - started, 3),
            timed_out=timed_out,
            truncated=bool(out.dropped or err.dropped),
            level=level(),
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)  # where the child was killed before it could


async def run_for(
    job: Job,
    argv: Sequence[str],
    cwd: Path,
    *,
    timeout: float = 120.0,  # noqa: ASYNC109 - the limit of the command, not of the coroutine
    env: Mapping[str, str] | None = None,
    output_limit: int = 200_000,
    on_output: Callable[[str], None] | None = None,
) -> Completed:
    """Run a command for a tool call: as `run`, and ended when the job is cancelled.

    Args:
        job: Asked twice a second whether it was cancelled.
        argv: See `run`.
        cwd: See `run`.
        timeout: Seconds.
        env: See `run`.
        output_limit: Bytes.
        on_output: See `run`.
    """
    work = asyncio.ensure_future(
        run(argv, cwd, timeout=timeout, env=env, output_limit=output_limit, on_output=on_output)
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


async def _attend(process: asyncio.subprocess.Process, out: _Tail, err: _Tail, seconds: float) -> bool:
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
        await asyncio.wait({ended, reading}, timeout=GRACE + 3.0)
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.wait({ended}, timeout=1.0)
        ended.cancel()
        reading.cancel()
    if reading.done() and not reading.cancelled():
        reading.result()  # an error of `on_output` is the caller's
    return timed_out


class _Tail:
    """The last bytes of a stream."""

    def __init__(self, limit: int, on_output: Callable[[str], None] | None) -> None:
        self.limit = limit
        self.on_output = on_output
        self.kept = bytearray()
        self.dropped = 0

    async def drain(self, stream: asyncio.StreamReader) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while piece := await stream.read(65536):
            self.kept += piece
            # Cutting at twice the limit moves each byte at most once.
            if len(self.kept) > 2 * self.limit:
                self._cut()
            if self.on_output and (text := decoder.decode(piece)):
                self.on_output(text)

    def text(self) -> str:
        self._cut()
        text = self.kept.decode("utf-8", "replace")
        return f"[{self.dropped} bytes left out]\n{text}" if self.dropped else text

    def _cut(self) -> None:
        if (extra := len(self.kept) - self.limit) > 0:
            del self.kept[:extra]
            self.dropped += extra


def _environment(scratch: str) -> dict[str, str]:
    """Nothing is inherited: keys and tokens live in the environment of Nexus."""
    bin_folder = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([bin_folder, *_SYSTEM_PATH]),
        "HOME": scratch,
        "TMPDIR": scratch,
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def _limits(timeout: float, memory_mb: int) -> dict[str, int]:
    return {
        "RLIMIT_AS": memory_mb << 20,
        # The kernel adds up the seconds of all threads of a process, so the bound is that of all cores.
        "RLIMIT_CPU": math.ceil(timeout * (os.cpu_count() or 1)) + 1,
        "RLIMIT_FSIZE": FILE_MB << 20,
        "RLIMIT_NPROC": PROCESSES,
        "RLIMIT_NOFILE": 1024,
    }


def _require_program(argv: Sequence[str], cwd: Path, path: str) -> None:
    if not argv or not argv[0].strip() or any("\0" in part for part in argv):
        raise ToolInputError("There is no command to run.", "Name a program and its arguments.")
    program = str(cwd / argv[0]) if "/" in argv[0] else argv[0]
    if shutil.which(program, path=path) is None:
        raise ToolInputError(
            f"There is no program {argv[0]} that can be run.",
            "Use one that is installed, such as python, git or sh.",
        )
