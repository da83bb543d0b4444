"""The process between Nexus and a command: sets the limits, starts it, and ends all that it started.

Started as `python -I -S sandbox_child.py ORDER COMMAND...` with the standard library alone, so that it is there in
some ten milliseconds. A process of its own rather than `preexec_fn`: Nexus has threads, and code that runs between
fork and exec in a process with threads may wait for ever on a lock that no one holds any more. Here there is one
thread, so fork, limits and exec are safe.

Its standard input is a lifeline. Nexus closes it to have the command ended; the kernel closes it when Nexus dies,
however it dies. That holds on every system, and unlike PR_SET_PDEATHSIG set on Nexus' own child it does not fire
when merely the thread that forked has ended.
"""

# Every command waits for this process to start: no pathlib, which alone takes longer to import than all below.
# ruff: noqa: PTH102, PTH106, PTH116, PTH123, PTH208

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
# linux/prctl.h

STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
LINUX = sys.platform.startswith("linux")


def main(order: dict, command: list[str]) -> int:
    """Run a command to its end, or to the end of the lifeline, and return its wait status.

    Args:
        order: `limits` (name in `resource` -> value), `parent` (pid of Nexus), `grace` (seconds between TERM and
            KILL), `scratch` (the command's own folder: made and removed here, so that it goes even if Nexus dies).
        command: What is executed.
    """
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
    os.mkdir(order["scratch"], 0o700)
    child = os.fork()
    if child == 0:
        _become(order["limits"], command)
    ended: dict[int, int] = {}
    while child not in ended:
        ready, _, _ = select.select([0, woken], [], [], 1.0)
        signals = os.read(woken, 64) if woken in ready else b""
        _reap(ended)
        # The parent's pid is looked at as well: a forked copy of Nexus could hold the lifeline open.
        if 0 in ready or any(number in signals for number in STOP_SIGNALS) or os.getppid() != order["parent"]:
            break
    _end_all(child, ended, order["grace"])
    _remove(order["scratch"])
    return ended.get(child, signal.SIGKILL)


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:  # not empty
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _become(limits: dict[str, int], command: list[str]) -> None:
    """Turn the forked child into the command; never returns."""
    try:
        supervisor = os.getppid()
        os.setpgid(0, 0)
        if LINUX:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(125)
        for name, value in limits.items():
            _limit(name, value)
        os.umask(0o022)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *STOP_SIGNALS):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, os.environ)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    finally:
        os._exit(125)


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
        deadline = time.monotonic() + patience
        first = True
        while not (_reap(ended) and not _signal(group, 0, whole_group=True)):
            if first or number == signal.SIGKILL:
                _signal(group, number, whole_group=True)
                for pid in _descendants():
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


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if LINUX else ():
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])  # proc(5): pid (comm) state ppid
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    status = main(json.loads(sys.argv[1]), sys.argv[2:])
    if os.WIFSIGNALED(status):
        # Die of the same signal, so that Nexus reads the command's own end.
        signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError, ValueError):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))
