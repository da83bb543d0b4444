"""A git repository in a workspace: one commit at a time, of named files only, each findable by its call."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from nexus_agents.core.errors import BackendDown, LimitReached, RunFailed, StorageFull, ToolInputError, WorkspaceError
from tools.sandbox import Completed, run

__all__ = ["Change", "Repository"]

SECONDS = 60.0
LOCK_PATIENCE = 60.0
"""Seconds that a commit waits for another one."""

STALE = 3.0
"""Seconds after which the lock of a git that is gone is taken away."""

TRAILER = "Nexus-Call"


@dataclass(frozen=True)
class Change:
    """A file in a commit, with its lines added and removed (0 for binary files)."""

    path: str
    insertions: int
    deletions: int


class Repository:
    """The repository whose root is a workspace.

    Git runs without the settings of the user or the machine and without hooks, so that it does the same on every
    machine; and in the sandbox, since a setting of the workspace can name programs that git would start.

    Args:
        root: The workspace, links resolved.
        agent: In whose name commits are made.
    """

    def __init__(self, root: Path, agent: str) -> None:
        name = "".join(sign for sign in agent if sign.isalnum() or sign in "-_") or "unnamed"
        self.root = root
        self._env = {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            # A broken .git would make git look for one above the workspace, and commit there.
            "GIT_CEILING_DIRECTORIES": str(root.parent),
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": f"Nexus {name} agent",
            "GIT_AUTHOR_EMAIL": f"{name}@nexus.invalid",
            "GIT_COMMITTER_NAME": f"Nexus {name} agent",
            "GIT_COMMITTER_EMAIL": f"{name}@nexus.invalid",
        }

    @asynccontextmanager
    async def locked(self) -> AsyncGenerator[None]:
        """Hold the workspace against other commits of Nexus, in this process and in others.

        The lock is the kernel's and on the folder itself: it leaves no file and ends with the process.

        Raises:
            LimitReached: Another commit does not end.
            WorkspaceError: The folder cannot be opened.
        """
        try:
            folder = os.open(self.root, os.O_RDONLY)
        except OSError as error:
            raise WorkspaceError(f"{self.root} cannot be opened: {error.strerror}.", "Check it.") from error
        try:
            deadline = time.monotonic() + LOCK_PATIENCE
            while not _try_lock(folder):
                if time.monotonic() > deadline:
                    raise LimitReached(
                        "Another commit in this workspace does not end.", "Look for a process that hangs."
                    )
                await asyncio.sleep(0.02)
            yield
        finally:
            os.close(folder)

    async def prepare(self) -> None:
        """Make the repository where there is none, and clear away what a git that was killed has left.

        Raises:
            WorkspaceError: Git cannot work in this folder.
        """
        await self._clear_locks()
        if (await self._git("rev-parse", "--git-dir", check=False)).returncode != 0:
            await self._git("init", "--quiet", "--initial-branch=main", "--template=")

    async def find(self, call: str) -> str:
        """Return the commit that a call has made, or nothing."""
        line = f"{TRAILER}: {call}"
        wanted = ["--fixed-strings", f"--grep={line}", f"--format=%H%x00%(trailers:key={TRAILER},valueonly)%x00"]
        done = await self._git("log", "-z", *wanted, "--all")
        fields = [field.strip("\n") for field in done.stdout.split("\0")]
        for commit, trailer in zip(fields[::3], fields[1::3], strict=False):
            if trailer.strip() == call:
                return commit
        return ""

    async def unknown(self, paths: Sequence[str]) -> list[str]:
        """Return those of some paths that are neither there nor known to git, as files or as folders of such."""
        missing = [path for path in paths if not os.path.lexists(self.root / path)]
        if not missing:
            return []
        # A file whose removal is staged already stands in the last commit alone.
        known = await self._listed("ls-files", missing) | await self._listed("ls-tree", missing)
        return [path for path in missing if path not in known]

    async def ignored(self, paths: Sequence[str]) -> set[str]:
        """Return which of some paths the rules of the workspace keep out."""
        # check-ignore refuses GIT_LITERAL_PATHSPECS; behind `./` no name is taken for more than a name.
        named = {f"./{path}": path for path in paths}
        done = await self._git("check-ignore", "--", *named, check=False, literal=False)
        if done.returncode not in (0, 1):
            raise _error(done)
        return {named[_unquoted(line)] for line in done.stdout.splitlines()}

    async def commit(self, paths: Sequence[str], message: str, call: str) -> str:
        """Commit the present state of some paths, deletions too, and nothing else.

        Args:
            paths: Files or folders; each exists or is known to git.
            message: What the commit says.
            call: Written into the message, for `find`.

        Returns:
            The commit; nothing where there was nothing to commit.
        """
        missing = [path for path in paths if not os.path.lexists(self.root / path)]
        listed = await self._listed("ls-files", missing) if missing else set[str]()
        # Git refuses to add a path whose removal is staged already, by a call that was cut off.
        if fresh := [path for path in paths if path not in missing or path in listed]:
            await self._git("add", "--all", "--", *fresh)
        staged = await self._git("diff", "--cached", "--name-only", "--no-renames", "-z", "--", *paths)
        names = [name for name in staged.stdout.split("\0") if name]
        if not names:
            return ""
        text = f"{message}\n\n{TRAILER}: {call}"
        options = ["--quiet", "--no-verify", "--cleanup=whitespace", f"--message={text}"]
        await self._git("commit", *options, "--only", "--", *names)
        return (await self._git("rev-parse", "HEAD")).stdout.strip()

    async def before(self, commit: str) -> str:
        """Return the commit that one was made on; nothing where it is the first."""
        done = await self._git("rev-parse", "--verify", "--quiet", f"{commit}^", check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    async def set_back(self, commit: str) -> None:
        """Make the files that git knows what they were at a commit, and have the branch go on from there.

        Files that git does not know stay.

        Args:
            commit: The commit; nothing for how it was before the first one.
        """
        if commit:
            await self._git("reset", "--quiet", "--hard", commit)
        elif (await self._git("rev-parse", "--verify", "--quiet", "HEAD", check=False)).returncode == 0:
            await self._git("rm", "-r", "-f", "-q", "--ignore-unmatch", "--", ".")
            await self._git("update-ref", "-d", "HEAD")

    async def changes(self, commit: str) -> list[Change]:
        """Return what a commit changed."""
        done = await self._git("show", "--numstat", "--no-renames", "--format=", "-z", commit)
        changes: list[Change] = []
        for row in done.stdout.strip("\n").split("\0"):
            if row.strip():
                added, removed, path = row.strip("\n").split("\t", 2)
                changes.append(Change(path, *(0 if count == "-" else int(count) for count in (added, removed))))
        return changes

    async def _listed(self, command: Literal["ls-files", "ls-tree"], paths: Sequence[str]) -> set[str]:
        """Return what the index or the last commit has below some paths, and the folders of it."""
        if command == "ls-files":
            done = await self._git("ls-files", "-z", "--", *paths)
        else:  # fails where there is no commit yet
            done = await self._git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths, check=False)
        names = [name for name in done.stdout.split("\0") if name]
        return set(names) | {str(folder) for name in names for folder in Path(name).parents}

    async def _git(self, *arguments: str, check: bool = True, literal: bool = True) -> Completed:
        settings = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "commit.gpgsign=false", "gc.auto=0")
        options = [part for setting in settings for part in ("-c", setting)]
        env = self._env if literal else self._env | {"GIT_LITERAL_PATHSPECS": "0"}
        command = ["git", *options, *arguments]
        deadline = time.monotonic() + LOCK_PATIENCE
        try:
            done = await run(command, self.root, timeout=SECONDS, env=env, output_limit=8 << 20)
            # A git that outlived a killed Nexus for a moment may take a lock after they were looked for. One that meets
            # a lock has done nothing yet.
            while done.returncode != 0 and ".lock': File exists" in done.stderr and time.monotonic() < deadline:
                await self._clear_locks()
                done = await run(command, self.root, timeout=SECONDS, env=env, output_limit=8 << 20)
        except ToolInputError as error:
            raise BackendDown("git is not installed, or not in a usual place.", "Install git.") from error
        if check and (done.returncode != 0 or done.timed_out):
            raise _error(done)
        return done

    async def _clear_locks(self) -> None:
        """Remove lock files that no git holds; wait for those that may be held."""
        folder = self.root / ".git"
        deadline = time.monotonic() + LOCK_PATIENCE
        while locks := [*folder.glob("*.lock"), *(folder / "refs" / "heads").rglob("*.lock")]:
            for lock in locks:
                with contextlib.suppress(FileNotFoundError):
                    age = time.time() - lock.stat().st_mtime
                    if age > STALE and not await asyncio.to_thread(_git_is_at_work, self.root):
                        lock.unlink()
            if time.monotonic() > deadline:
                raise LimitReached(
                    f"A git holds the lock {locks[0].name} of this workspace.", "Let it end, then resume."
                )
            if any(lock.exists() for lock in locks):
                await asyncio.sleep(0.1)


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unquoted(line: str) -> str:
    """Read a path as git prints it: in quotes, with C escapes, where it holds more than plain ASCII."""
    if not line.startswith('"'):
        return line
    return line[1:-1].encode("ascii").decode("unicode_escape").encode("latin-1").decode("utf-8")


def _git_is_at_work(root: Path) -> bool:
    for process in psutil.process_iter(["name", "cwd"]):
        cwd = process.info["cwd"]
        if process.info["name"] == "git" and cwd and Path(cwd).is_relative_to(root):
            return True
    return False


def _error(done: Completed) -> Exception:
    said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2][:300]
    if done.timed_out:
        return LimitReached(f"git took longer than {SECONDS:.0f} s.", "Commit fewer files at once.")
    text = done.stderr.lower()
    if "no space left" in text or "file too large" in text or "quota exceeded" in text:
        return StorageFull("There is no room to commit.", "Free some space on the disk, then resume.")
    if any(sign in text for sign in ("permission denied", "read-only file system", "dubious ownership")):
        return WorkspaceError("Git may not write in the workspace.", said or "Change the permissions of the folder.")
    return RunFailed(f"git ended with status {done.returncode}.", said)
