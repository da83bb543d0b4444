"""What a command and all that it started use up, looked at from outside, where the kernel keeps no account of it."""

# ruff: noqa: PTH116, PTH123, PTH208 - as in the process that imports this, no pathlib

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence

__all__ = ["Watch", "descendants"]

LINUX = sys.platform.startswith("linux")
PAGE = os.sysconf("SC_PAGE_SIZE")

MOST_FILES = 200_000
"""New files and folders; an empty file takes room as well."""

LOOK_AGAIN = 3.0
"""Seconds between looks at all files where the free space tells nothing; longer where a look takes long."""

SHARE = 20
"""A look at all files may take one part in this of the time."""


class Watch:
    """Compares what a command uses with what it may.

    Args:
        memory: Bytes of all its processes together.
        processes: How many processes.
        disk: Bytes in new and changed files.
        folders: Where it can write.
    """

    def __init__(self, *, memory: int, processes: int, disk: int, folders: Sequence[str]) -> None:
        self._memory = memory
        self._processes = processes
        self._disk = disk
        self._folders = folders
        # Times of files are those of the kernel's clock tick, which may lie behind.
        self._begun = time.time() - 0.05
        self._free = [_free(folder) for folder in folders]
        self._next = time.monotonic() + LOOK_AGAIN

    def exceeded(self) -> str:
        """Return which limit was gone beyond: `memory`, `processes` or `disk`; nothing where none was."""
        found = list(descendants())
        if len(found) > self._processes:
            return "processes"
        # What processes share is counted for each: only where that is too much it is looked at more closely.
        if sum(rss for _, rss in found) > self._memory and sum(map(_own_memory, found)) > self._memory:
            return "memory"
        return "disk" if self._fills_disk([pid for pid, _ in found]) else ""

    def _fills_disk(self, pids: Sequence[int]) -> bool:
        taken = max(
            (before - _free(folder) for folder, before in zip(self._folders, self._free, strict=True)), default=0
        )
        now = time.monotonic()
        if taken < self._disk and now < self._next:
            return False
        used = 0
        for files, size in enumerate(self._new_files(pids), 1):
            used += size
            if used > self._disk or files > MOST_FILES:
                return True
        self._next = time.monotonic() + max(LOOK_AGAIN, SHARE * (time.monotonic() - now))
        # Somebody else took the space: from here on less is left to take.
        self._free = [_free(folder) for folder in self._folders]
        return False

    def _new_files(self, pids: Sequence[int]) -> Iterator[int]:
        for folder in self._folders:
            for entry in _entries(folder):
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_ctime >= self._begun:
                        yield status.st_blocks * 512
        # Files without a name are gone with the processes that hold them open.
        seen: set[tuple[int, int]] = set()
        for pid in pids:
            with contextlib.suppress(OSError):
                for name in os.listdir(f"/proc/{pid}/fd"):
                    with contextlib.suppress(OSError):
                        status = os.stat(f"/proc/{pid}/fd/{name}")
                        known = (status.st_dev, status.st_ino)
                        if stat.S_ISREG(status.st_mode) and not status.st_nlink and known not in seen:
                            seen.add(known)
                            yield status.st_blocks * 512


def descendants() -> Iterator[tuple[int, int]]:
    """Yield pid and resident bytes of every process below this one; none where the system has no /proc."""
    children: dict[int, list[tuple[int, int]]] = {}
    for name in os.listdir("/proc") if LINUX else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
            # proc(5): pid (comm) state ppid ... rss, the 24th
            fields = file.read().rpartition(b")")[2].split()
            children.setdefault(int(fields[1]), []).append((int(name), int(fields[21]) * PAGE))
    todo = [os.getpid()]
    while todo:
        for pid, rss in children.get(todo.pop(), ()):
            todo.append(pid)
            yield pid, rss


def _own_memory(process: tuple[int, int]) -> int:
    pid, rss = process
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) << 10
    return rss


def _free(folder: str) -> int:
    try:
        system = os.statvfs(folder)
    except OSError:
        return 0
    return system.f_bfree * system.f_frsize


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    todo = [folder]
    while todo:
        with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                yield entry
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
