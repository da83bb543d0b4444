"""Keeps everything imported and forks a worker for each run, so that a run starts in milliseconds.

`python -m nexus_agents.runtime.host` listens on a socket of this machine for one `Order` a connection. It has one
thread and opens nothing but that socket: a fork of it is as good as a new process. It ends by itself when it is idle,
when nobody can reach it any more, and when the code that it has in memory is not the code on the disk.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

from nexus_agents.core.errors import ExitCode
from nexus_agents.core.registry import Registry
from nexus_agents.runtime.live import GO, host_path, inode
from nexus_agents.runtime.settings import find_home
from nexus_agents.runtime.worker_process import Order, obey

__all__ = ["serve"]

IDLE = 600.0
"""Seconds without a run after which the host ends."""

WARM = (
    "langchain.agents",
    "langgraph.graph",
    "alembic.command",
    "nexus_agents.runtime.runtime",
    "nexus_agents.models.builtin.chat",
    "graphs.assistant",
    "graphs.development",
    "graphs.debate",
    "graphs.podcast",
    "graphs.call",
    "tools.speech.engine",
    "memory.checkpoints",
    "memory.sql",
    "platformdirs",
    "psutil",
    "yaml",
)
"""What a run needs sooner or later; none of it starts a thread when it is imported."""

PLUGINS = ("nexus.graphs", "nexus.models", "nexus.tools")
"""Groups of entry points, which are read once."""

OURS = ("nexus_agents", "graphs", "memory", "tools")


def serve(home: Path, *, idle: float = IDLE) -> None:
    """Listen until nothing was asked for `idle` seconds and no run is at work.

    Args:
        home: The installation whose runs are worked.
        idle: Seconds.
    """
    path = host_path(home)
    listener = _listen(path)
    if listener is None:
        return
    mine = inode(path)
    begun = time.time()
    for module in WARM:
        importlib.import_module(module)
    for group in PLUGINS:
        Registry("name", {}, group)
    last = time.monotonic()
    children: set[int] = set()
    try:
        while children or time.monotonic() - last < idle:
            ready, _, _ = select.select([listener], [], [], 1.0)
            children = {child for child in children if not _has_ended(child)}
            if inode(path) != mine:
                # Somebody removed the socket or put another in its place: nobody can reach this host any more.
                break
            if ready:
                if _has_changed(begun):
                    # Whoever asked starts a process of its own, which has the new code.
                    break
                last = time.monotonic()
                child = _accept(listener)
                children |= {child} if child else set()
    finally:
        listener.close()
        if inode(path) == mine:
            with contextlib.suppress(OSError):
                path.unlink()


def _listen(path: Path) -> socket.socket | None:
    listener = socket.socket(socket.AF_UNIX)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return None
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(16)
    except OSError:
        listener.close()
        return None
    return listener


def _accept(listener: socket.socket) -> int:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(2.0)
        try:
            order = Order.model_validate_json(_read(connection))
            child = os.fork()
        except (OSError, ValueError):
            return 0
        if child:
            return child
        listener.close()
        code = int(ExitCode.FAILED)
        try:
            code = _be_a_worker(order, connection)
        except BaseException:
            traceback.print_exc()
        finally:
            # Not sys.exit: what the parent would clean up at its end is not the child's.
            sys.stderr.flush()
            os._exit(code)


def _be_a_worker(order: Order, connection: socket.socket) -> int:
    os.setsid()
    connection.settimeout(None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)

    def answer(line: bytes) -> None:
        # The face may be gone by now; the run goes on all the same.
        with contextlib.suppress(OSError):
            connection.sendall(line)
        connection.close()

    try:
        connection.sendall(f"{os.getpid()}\n".encode())
        # A face that waited too long has given the run to another process, and its order is void.
        if _read(connection) != GO:
            return int(ExitCode.FAILED)
    except OSError:
        return int(ExitCode.FAILED)
    return obey(order, answer)


def _read(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    while part := connection.recv(65536):
        parts.append(part)
        if part.endswith(b"\n"):
            break
    return b"".join(parts)


def _has_changed(since: float) -> bool:
    for name, module in tuple(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] in OURS:
            with contextlib.suppress(OSError):
                if Path(file).stat().st_mtime > since:
                    return True
    return False


def _has_ended(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


if __name__ == "__main__":
    # Not the settings: what is wrong in them is told by the run that reads them.
    serve(find_home(), idle=float(sys.argv[1]) if len(sys.argv) > 1 else IDLE)
