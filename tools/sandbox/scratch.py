"""Folders that commands have for themselves, gone afterwards: those of a process that was killed too."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

__all__ = ["own_folders", "scratch_folder", "sweep"]

YOUNG = 1.0
"""Seconds in which a folder may not be held yet by whoever has made it."""

_SWEPT: set[str] = set()
"""Folders for temporary files that this process has looked through."""


@contextlib.asynccontextmanager
async def scratch_folder() -> AsyncGenerator[Path]:
    """Make a folder for one command; it is held by a lock as long as this process lives, and removed at the end.

    Raises:
        OSError: There is no room for it.
    """
    parent = tempfile.gettempdir()
    if parent not in _SWEPT:
        _SWEPT.add(parent)
        await asyncio.to_thread(sweep, Path(parent))
    folder = Path(parent, f"nexus-{secrets.token_hex(8)}").resolve()
    folder.mkdir(mode=0o700)
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # where the child was killed before it could


def own_folders(scratch: Path) -> tuple[Path, Path]:
    """Make the home folder of a command and its shared memory, in the folder of its call; returns both."""
    home, shared = scratch / "home", scratch / "shm"
    for folder in (home, shared):
        folder.mkdir(mode=0o700, exist_ok=True)
    return home, shared


def sweep(parent: Path) -> None:
    """Remove folders that nobody holds any more: a kill came before the command could clean up after itself."""
    for folder in parent.glob("nexus-*"):
        if not re.fullmatch(r"nexus-[0-9a-f]{16}", folder.name):
            continue
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > YOUNG:
                with _held(folder):
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Generator[None]:
    # The lock of a process goes with it, however it ends; process numbers may mean another one in a container.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
