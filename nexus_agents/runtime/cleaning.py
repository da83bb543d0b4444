"""Cleaning up an installation: its memory, the folders of tool calls, sockets that were left."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.errors import NexusError
from nexus_agents.runtime.live import socket_path

if TYPE_CHECKING:
    from nexus_agents.core.history import Freed
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["clean"]

YOUNG = 60.0
"""Seconds for which a socket counts as one that is just being opened."""


async def clean(runtime: Runtime, *, keep_days: float = 0, prune: bool = False, dry: bool = False) -> Freed:
    """Free what nobody needs, and return what that was; what belongs to an unfinished run is never touched.

    Args:
        runtime: The installation.
        keep_days: What was deleted, or has ended, less than so many days ago is kept.
        prune: Whether only the newest step of finished threads is kept.
        dry: Only say what would be freed.

    Raises:
        BackendDown: Another process holds the database for too long.
    """
    memory, settings = runtime.memory, runtime.settings
    # Folders before rows: the row of a run is older than its folder.
    folders = await asyncio.to_thread(_folders, settings.calls("x").parent)
    freed = await memory.cleaning.clean(keep_days=keep_days, prune=prune, dry=dry)
    known = await memory.cleaning.known([folder.name for folder in folders])
    gone = [folder for folder in folders if folder.name not in known or folder.name in freed.runs]
    sockets = await asyncio.to_thread(_left, settings.home)
    freed.folders, freed.sockets = [str(folder) for folder in gone], [str(path) for path in sockets]
    held = await asyncio.to_thread(_size, gone)
    if dry:
        freed.bytes += held
        return freed
    await asyncio.to_thread(_remove, gone, sockets)
    try:
        shrunk = await memory.cleaning.shrink()
        freed.bytes = held + (shrunk or freed.bytes)
    except NexusError:
        # Somebody reads the file just now, or the disk is full: what was freed is used again by what comes next.
        freed.bytes += held
    return freed


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _size(folders: Sequence[Path]) -> int:
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                total += path.lstat().st_size if not path.is_dir() else 0
    return total


def _left(home: Path) -> list[Path]:
    # All sockets of an installation begin alike, see `socket_path`.
    example = socket_path(home, "x")
    begin = example.name.removesuffix("x.sock")
    return [path for path in sorted(example.parent.glob(f"{begin}*.sock")) if path.is_socket() and not _answers(path)]


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(OSError):
                return time.time() - path.lstat().st_mtime < YOUNG
        except OSError:
            pass
    return True


def _remove(folders: Sequence[Path], sockets: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path in sockets:
        path.unlink(missing_ok=True)
