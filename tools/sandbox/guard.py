"""Keeps what git would run - hooks, and programs that its settings name - as it was before a command."""

# As in the process that imports this, no pathlib.
# ruff: noqa: PTH102, PTH103, PTH104, PTH106, PTH108, PTH112, PTH114, PTH115, PTH116, PTH118, PTH123, PTH208, PTH211

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time

__all__ = ["Guard"]

WATCHED = ("config", "config.worktree", "commondir", "hooks")
LARGEST = 16 << 20

PATIENCE = 1.0
"""Seconds that another command may take to remove the empty folder that held the place of `.git` for it."""

PLAIN = (
    rb"\s*(\[core\]|(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks)"
    rb"\s*=\s*\w+|)\s*"
)
"""Lines of the settings that `git init` writes."""

State = tuple[int, bytes]
"""Mode, and content: of a link where it leads, of a file what it holds."""


class Guard:
    """The `.git` of a workspace, before and after a command.

    Where there is none an empty one holds its place, so that a command cannot make one.

    Args:
        root: The workspace.
    """

    def __init__(self, root: str) -> None:
        self._path = os.path.join(root, ".git")
        self._place = -1
        with contextlib.suppress(OSError):
            self._place = self._take_place()
        self._made = os.path.isdir(self._path) and not os.path.islink(self._path) and not os.listdir(self._path)
        self._before = self._look()
        self._signs = self._signatures()

    @property
    def is_link(self) -> bool:
        """Whether it is a link, which no mount can keep in its place."""
        return os.path.islink(self._path)

    def touched(self) -> bool:
        """Return whether anything is not as it was; quick as long as nothing is."""
        signs = self._signatures()
        if signs == self._signs:
            return False
        moved, changed = self._compare()
        if not moved and not changed:
            self._signs = signs
        return moved or bool(changed)

    def close(self) -> list[str]:
        """Put back what was changed, and return the names of it."""
        told: list[str] = []
        try:
            if self.touched():
                told = self._put_back()
        finally:
            if self._place >= 0:
                with contextlib.suppress(OSError):  # where another command still needs it, or it is not empty
                    if self._made:
                        fcntl.flock(self._place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        os.rmdir(self._path)
                os.close(self._place)
        return told

    def _take_place(self) -> int:
        """Open what is there, or an empty folder that is made; held against others that would remove it."""
        until = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._path)
            place = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with contextlib.suppress(FileNotFoundError, BlockingIOError):
                fcntl.flock(place, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.path.samestat(os.lstat(self._path), os.fstat(place)):
                    return place
            if time.monotonic() > until:
                return place
            os.close(place)
            time.sleep(0.002)

    def _compare(self) -> tuple[bool, list[str]]:
        """Return whether it is another folder, and what is not as it was."""
        after = self._look()
        changed = [name for name in {**self._before, **after} if self._before.get(name) != after.get(name)]
        if self._place >= 0 and os.path.isdir(self._path) and not os.path.islink(self._path):
            moved = not os.path.samestat(os.stat(self._path), os.fstat(self._place))
        else:
            moved = "" in changed
        # Another process of Nexus may have made the repository meanwhile.
        if not moved and self._made and changed == ["config"] and _is_plain(after["config"][1]):
            changed = []
        return moved, changed

    def _put_back(self) -> list[str]:
        moved, changed = self._compare()
        if moved:
            self._bring_back()
            changed = self._compare()[1]
        for name in sorted(changed, key=len, reverse=True):
            self._restore(name, self._before.get(name))
        if "hooks" in changed and stat.S_ISDIR(self._before.get("hooks", (0, b""))[0]):
            os.makedirs(self._at("hooks"), exist_ok=True)
            for below, state in self._before.items():
                if below.startswith("hooks/"):
                    self._restore(below, state)
        return sorted({*(f".git/{name}" if name else ".git" for name in changed), *([".git"] if moved else [])})

    def _bring_back(self) -> None:
        """Find the folder that was here, wherever it was moved, and put it in its place again."""
        link = "" if self._place < 0 else os.readlink(f"/proc/self/fd/{self._place}")
        if os.path.lexists(self._path):
            _remove(self._path)
        if self._place >= 0 and stat.S_ISDIR(os.fstat(self._place).st_mode):
            if link and not link.endswith(" (deleted)"):
                os.rename(link, self._path)
            elif self._made:
                os.mkdir(self._path)
        elif (was := self._before.get("")) is not None:
            self._restore("", was)

    def _at(self, name: str) -> str:
        return os.path.join(self._path, name) if name else self._path

    def _restore(self, name: str, was: State | None) -> None:
        path = self._at(name)
        if was is not None and stat.S_ISDIR(was[0]) and os.path.isdir(path) and not os.path.islink(path):
            return
        if os.path.lexists(path):
            _remove(path)
        if was is None or stat.S_ISDIR(was[0]):
            return
        mode, content = was
        if stat.S_ISLNK(mode):
            os.symlink(content, path)
        elif stat.S_ISREG(mode):
            with contextlib.suppress(FileNotFoundError):
                place = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                with open(place, "wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), stat.S_IMODE(mode))

    def _names(self) -> list[str]:
        names = [""]
        if os.path.isdir(self._path) and not os.path.islink(self._path):
            names += WATCHED
            with contextlib.suppress(OSError):
                if not os.path.islink(self._at("hooks")):
                    names += [f"hooks/{name}" for name in os.listdir(self._at("hooks"))]
        return names

    def _look(self) -> dict[str, State]:
        return {name: state for name in self._names() if (state := _state(self._at(name))) is not None}

    def _signatures(self) -> dict[str, tuple[int, ...]]:
        signs: dict[str, tuple[int, ...]] = {}
        for name in self._names():
            with contextlib.suppress(OSError):
                found = os.lstat(self._at(name))
                # Times of the folder itself change with each commit, too.
                times = (found.st_size, found.st_ctime_ns) if name or not stat.S_ISDIR(found.st_mode) else ()
                signs[name] = (found.st_dev, found.st_ino, found.st_mode, *times)
        return signs


def _state(path: str) -> State | None:
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return mode, os.fsencode(os.readlink(path))
        if not stat.S_ISREG(mode):
            return mode, b""
        place = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(place, "rb") as file:
            return mode, file.read(LARGEST)
    except OSError:
        return None


def _is_plain(content: bytes) -> bool:
    return all(re.fullmatch(PLAIN, line, re.I) for line in content.splitlines())


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)
