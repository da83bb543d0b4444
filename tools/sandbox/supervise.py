"""The process between Nexus and a command: sets the limits, starts it, watches it, and ends all that it started.

It has the standard library alone, so that it is there in some ten milliseconds. A process of its own rather than
`preexec_fn`: Nexus has threads, and code that runs between fork and exec in a process with threads may wait for ever
on a lock that no one holds any more. Here there is one thread, so fork, limits and exec are safe.

Its standard input is a lifeline. Nexus closes it to have the command ended; the kernel closes it when Nexus dies,
however it dies. That holds on every system, and unlike PR_SET_PDEATHSIG set on Nexus' own child it does not fire
when merely the thread that forked has ended.
"""

# Every command waits for this process to start: no pathlib and no typing, which take longer to import than all below.
# ruff: noqa: PTH106, PTH116, PTH208

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time

from tools.sandbox.guard import Guard
from tools.sandbox.watch import Watch, descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tools.sandbox.orders import Ended, Order

__all__ = ["FILTER", "start"]

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
# linux/prctl.h

STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
LINUX = sys.platform.startswith("linux")

FILTER = 10
"""The file descriptor from which bubblewrap reads the seccomp filter."""

TICK = 0.1
"""Seconds between looks at what the command uses."""


def start(order: str, command: list[str]) -> None:
    """Run a command to its end, or to the end of the lifeline, and end as it has ended; never returns.

    Args:
        order: An `Order` as JSON.
        command: What is executed.
    """
    status = _supervise(json.loads(order), command)
    if os.WIFSIGNALED(status):
        # Die of the same signal, so that Nexus reads the command's own end.
        signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError, ValueError):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def _supervise(order: Order, command: list[str]) -> int:
    os.set_inheritable(order["report"], False)
    _limit("RLIMIT_CORE", 0)
    if LINUX:
        # Whatever the command leaves behind becomes a child of this process, even what left the process group.
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, *STOP_SIGNALS):
        signal.signal(number, lambda *_: None)
    guard = Guard(order["root"]) if order["root"] else None
    watch = _watch(order)
    child = os.fork()
    if child == 0:
        _become(order, command)
    ended: dict[int, int] = {}
    limit = ""
    while child not in ended:
        ready, _, _ = select.select([0, woken], [], [], TICK)
        signals = os.read(woken, 64) if woken in ready else b""
        _reap(ended)
        # The parent's pid is looked at as well: a forked copy of Nexus could hold the lifeline open.
        if 0 in ready or any(number in signals for number in STOP_SIGNALS) or os.getppid() != order["parent"]:
            break
        if child in ended:
            break
        if watch and (limit := watch.exceeded()):
            break
        if guard and (order["open"] or guard.is_link) and guard.touched():
            break
    # Who went beyond a limit is given no time to go on.
    _end_all(child, ended, 0.0 if limit else order["grace"])
    if order["afterwards"]:
        _spawn(order["afterwards"])
    report: Ended = {"limit": limit, "restored": guard.close() if guard else []}
    with contextlib.suppress(OSError):
        os.write(order["report"], json.dumps(report).encode())
    _remove(order["scratch"])
    return ended.get(child, signal.SIGKILL)


def _watch(order: Order) -> Watch | None:
    if not LINUX or order["watch"] is None:
        return None
    memory, processes, disk = order["watch"]
    return Watch(memory=memory, processes=processes, disk=disk, folders=order["folders"])


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:  # not empty
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _become(order: Order, command: list[str]) -> None:
    """Turn the forked child into the command; never returns."""
    try:
        supervisor = os.getppid()
        os.setpgid(0, 0)
        if LINUX:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(125)
        for name, value in order["limits"].items():
            _limit(name, value)
        os.umask(0o022)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *STOP_SIGNALS):
            signal.signal(number, signal.SIG_DFL)
        if order["filter"]:
            _offer_filter()
        if order["confine"] is not None:
            from tools.sandbox.confine import confine

            confine(order["confine"])
        os.execvpe(command[0], command, os.environ)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    finally:
        os._exit(125)


def _offer_filter() -> None:
    from tools.sandbox.seccomp import program

    code = program(unix=True, network=True, metadata=True)
    end, begin = os.pipe()
    os.write(begin, code)  # a pipe takes 64 KiB at once, and this is 2
    os.close(begin)
    os.dup2(end, FILTER)
    os.close(end)


def _limit(name: str, value: int) -> None:
    number = getattr(resource, name, None)
    if number is None:
        return
    # A system may lack a limit or hold a lower one; then its own stays.
    with contextlib.suppress(ValueError, OSError):
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        if name == "RLIMIT_NPROC":
            value += _threads_of_user()
        resource.setrlimit(number, (value, value))


def _threads_of_user() -> int:
    """Count the threads this user has already: the kernel's limit is per user, not per command."""
    total = 0
    for name in os.listdir("/proc") if LINUX else ():
        with contextlib.suppress(OSError):
            if name.isdigit() and (entry := os.stat(f"/proc/{name}/task")).st_uid == os.getuid():
                total += entry.st_nlink - 2  # one folder a thread, besides . and ..
    return total


def _prctl(option: int, value: int) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _spawn(command: list[str]) -> None:
    pid = os.fork()
    if pid == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for place in (0, 1, 2):
            os.dup2(nowhere, place)
        with contextlib.suppress(OSError):
            os.execvp(command[0], command)
        os._exit(127)
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG)[0] == 0:
        time.sleep(0.02)


def _reap(ended: dict[int, int]) -> bool:
    """Collect what has ended; True where no child is left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
        ended[pid] = status


def _end_all(group: int, ended: dict[int, int], grace: float) -> None:
    """End the command's group and, on Linux, every other descendant: TERM, a moment, KILL."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 2.0)):
        if number == signal.SIGTERM and not grace:
            continue
        deadline = time.monotonic() + patience
        first = True
        while not (_reap(ended) and not _signal(group, 0, whole_group=True)):
            if first or number == signal.SIGKILL:
                _signal(group, number, whole_group=True)
                for pid, _ in list(descendants()):
                    _signal(pid, number)
                first = False
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        else:
            return


def _signal(pid: int, number: int, *, whole_group: bool = False) -> bool:
    try:
        (os.killpg if whole_group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM where only zombies are left
        return False
    return True
