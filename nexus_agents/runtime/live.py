"""The live side of a run: its events as they happen, text chunks and progress too, on a socket of this machine.

The database has all that matters; the socket only spares a watcher the wait. Who misses it misses nothing that is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nexus_agents.core.events import EVENT

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent

__all__ = ["GO", "LiveConnection", "LiveServer", "connect", "host_path", "inode", "socket_path"]

BACKLOG = 1_000_000
"""Bytes that a slow watcher may lag behind before it is cut off; it then reads on from the database."""

LONGEST = 16_000_000
"""Bytes of one event."""

LONGEST_PATH = 100
"""Bytes of the path of a socket: 104 on macOS and 108 on Linux, the closing zero included."""

GREETING = 1.0
"""Seconds in which a worker must greet a watcher; a busy one is watched by way of the database meanwhile."""


GO = b"go\n"
"""What a face answers to the worker that the warm host names; without it the order is void."""


def socket_path(home: Path, name: str) -> Path:
    """Return where a socket of an installation lies: a private folder with a short path.

    A folder counts as private where it is no link, is this user's and nobody else's: orders carry keys. Where there is
    none the path lies in the home folder, which may be too long for a socket; runs are then watched by way of the
    database and worked without the warm host.

    Args:
        home: The home folder of the installation.
        name: What listens, for instance a run's id.
    """
    key = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    file = f"{key}-{name}.sock"
    for base in dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")):
        folder = Path(base or "/nowhere") / f"nexus-{os.getuid()}"
        if len(os.fsencode(folder / file)) <= LONGEST_PATH and _is_private(folder):
            return folder / file
    return home / file


def host_path(home: Path) -> Path:
    """Return where the warm host of an installation listens; two copies of Nexus over one home have two."""
    copy = f"{sys.prefix} {Path(__file__).parent}"
    return socket_path(home, f"host-{hashlib.sha256(copy.encode()).hexdigest()[:8]}")


def inode(path: Path) -> int:
    """Return which file lies at a path, 0 for none: a socket that another process put there is another one."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


class LiveServer:
    """Shows the events of one run to whoever connects.

    Args:
        path: Where it listens; see `socket_path`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._newest = 0
        self._server: asyncio.Server | None = None
        self._watchers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> LiveServer:
        # A folder that somebody else owns, or no room for a socket: the run goes on, watched by way of the database.
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._welcome, self._path)
            self._inode = inode(self._path)
            self._path.chmod(0o600)
        return self

    async def __aexit__(self, *_: object) -> None:
        for watcher in tuple(self._watchers):
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(watcher.drain(), 1)
            watcher.close()
        if self._server:
            self._server.close()
        # The next process that works on the run may be listening there by now.
        if self._inode and inode(self._path) == self._inode:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def show(self, event: AnyEvent) -> None:
        """Send an event to all who watch; never waits for one of them."""
        self._newest = max(self._newest, event.seq)
        if not self._watchers:
            return
        line = event.model_dump_json().encode() + b"\n"
        for watcher in tuple(self._watchers):
            if watcher.is_closing() or watcher.transport.get_write_buffer_size() > BACKLOG:
                self._watchers.discard(watcher)
                watcher.close()
            else:
                watcher.write(line)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # All that is shown after this line is newer than the event of that number.
        writer.write(f"{self._newest}\n".encode())
        self._watchers.add(writer)
        # Nothing is expected from a watcher: the read ends when it leaves.
        with contextlib.suppress(OSError):
            await reader.read()
        self._watchers.discard(writer)
        writer.close()


class LiveConnection:
    """A watcher's end of the socket; made by `connect`.

    Attributes:
        begun: Number of the newest kept event that was shown before this connection was made.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: int) -> None:
        self.begun = begun
        self._reader = reader
        # Kept although nothing is written: a writer that nobody holds closes the connection.
        self._writer = writer
        self._reading: asyncio.Future[bytes] | None = None

    async def next(self, seconds: float | None = None) -> AnyEvent | Literal["nothing"] | None:
        """Return the next event, or None where the connection has ended or its line makes no sense.

        Args:
            seconds: How long to wait for one; then it is "nothing".
        """
        # Kept over the wait: a read that is cancelled between two halves of a line would lose the first one.
        self._reading = self._reading or asyncio.ensure_future(self._reader.readline())
        done, _ = await asyncio.wait({self._reading}, timeout=seconds)
        if not done:
            return "nothing"
        reading, self._reading = self._reading, None
        try:
            line = reading.result()
            return EVENT.validate_json(line) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Leave."""
        if self._reading:
            self._reading.cancel()
        self._writer.close()


async def connect(path: Path) -> LiveConnection | None:
    """Connect to a run that is being worked on; None where nobody listens, or nobody greets."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST)
    except OSError:
        return None
    try:
        return LiveConnection(reader, writer, int(await asyncio.wait_for(reader.readline(), GREETING)))
    except (OSError, TimeoutError, ValueError):
        writer.close()
        return None


def _is_private(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        return (
            stat.S_ISDIR(facts.st_mode)
            and facts.st_uid == os.getuid()
            and not facts.st_mode & 0o077
            and os.access(folder, os.W_OK | os.X_OK)
        )
    except OSError:
        return False
