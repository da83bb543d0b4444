"""A git repository in a workspace: one commit at a time, of named files only, each findable by its call."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from nexus_agents.core.errors import BackendDown, LimitReached, RunFailed, StorageFull, ToolInputError, WorkspaceError
from tools.sandbox import Completed, run

__all__ = ["TRAILER", "Change", "Repository", "git_folders"]

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
    """The repository whose root is a workspace, or a worktree of one.

    A workspace below the root of a repository gets a repository of its own, unless the one around it has files of
    the workspace: commits there would be made beside the workspace, and one inside it would hide those files.

    Git runs without the settings of the user or the machine and without hooks, so that it does the same on every
    machine; and in the sandbox, since a setting of the workspace can name programs that git would start.

    Args:
        root: The workspace, links resolved.
        agent: In whose name commits are made.
    """

    def __init__(self, root: Path, agent: str) -> None:
        name = "".join(sign for sign in agent if sign.isalnum() or sign in "-_") or "unnamed"
        self.root = root
        self.agent = agent
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
            WorkspaceError: Git cannot work in this folder, or the repository around it has files of it.
        """
        await self._clear_locks()
        if not await self.exists():
            if around := await self.around():
                raise WorkspaceError(
                    f"The workspace is a folder of the repository {around}, which has files of it.",
                    f"Name {around} as the workspace, or a folder that it does not know.",
                )
            await self.git("init", "--quiet", "--initial-branch=main", "--template=")

    async def exists(self) -> bool:
        """Return whether there is a repository whose root is this folder."""
        return (await self.git("rev-parse", "--git-dir", check=False)).returncode == 0

    async def around(self) -> str:
        """Return the root of a repository above this folder that has files of it, or nothing."""
        if os.path.lexists(self.root / ".git"):
            return ""  # a repository whose making was cut off
        env = {"GIT_CEILING_DIRECTORIES": ""}
        top = await self.git("rev-parse", "--show-toplevel", check=False, env=env)
        if top.returncode != 0 or not top.stdout.strip():
            return ""
        known = await self.git("ls-files", "-z", "--", ".", check=False, env=env)
        return top.stdout.strip() if known.returncode == 0 and known.stdout else ""

    async def head(self, name: str = "HEAD") -> str:
        """Return the commit that a name stands for; nothing where there is none."""
        done = await self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    async def begin(self) -> str:
        """Make an empty first commit, which others can start from, and return it."""
        await self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message=Begin", "--only")
        return await self.head()

    async def find(self, call: str) -> str:
        """Return the commit that a call has made, or nothing."""
        line = f"{TRAILER}: {call}"
        wanted = ["--fixed-strings", f"--grep={line}", f"--format=%H%x00%(trailers:key={TRAILER},valueonly)%x00"]
        done = await self.git("log", "-z", *wanted, "--all")
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
        done = await self.git("check-ignore", "--", *named, check=False, literal=False)
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
        branch = await self.git("symbolic-ref", "--quiet", "HEAD", check=False)
        # A merge of the user is left to the user: git refuses to commit beside it.
        if branch.stdout.startswith("refs/heads/nexus/") and await self.head("MERGE_HEAD"):
            return await self._conclude(paths, message, call)
        missing = [path for path in paths if not os.path.lexists(self.root / path)]
        listed = await self._listed("ls-files", missing) if missing else set[str]()
        # Git refuses to add a path whose removal is staged already, by a call that was cut off.
        if fresh := [path for path in paths if path not in missing or path in listed]:
            await self.git("add", "--all", "--", *fresh)
        staged = await self.git("diff", "--cached", "--name-only", "--no-renames", "-z", "--", *paths)
        names = [name for name in staged.stdout.split("\0") if name]
        if not names:
            return ""
        await self.git("commit", *_options(message, call), "--only", "--", *names)
        return await self.head()

    async def _conclude(self, paths: Sequence[str], message: str, call: str) -> str:
        """Commit a merge whose conflicts were resolved: as a whole, since git makes no merge of some paths."""
        left = set(await self.names("diff", "--name-only", "--diff-filter=U"))
        named = [path for path in left if any(Path(path).is_relative_to(each) for each in paths)]
        open_still = [path for path in named if _has_markers(self.root / path)]
        if missing := sorted(left - set(named)) or sorted(open_still):
            raise ToolInputError(
                f"The conflicts in {', '.join(missing[:10])} are not resolved.",
                "Edit each file until no <<<<<<<, ======= or >>>>>>> is left, and name all of them in `paths`.",
            )
        await self.git("add", "--all", "--", *paths)
        await self.git("commit", *_options(message, call))
        return await self.head()

    async def names(self, *arguments: str) -> list[str]:
        """Return the paths that a command of git lists, each relative to the root."""
        done = await self.git(*arguments, "-z")
        return [name for name in done.stdout.split("\0") if name]

    async def before(self, commit: str) -> str:
        """Return the commit that one was made on; nothing where it is the first."""
        done = await self.git("rev-parse", "--verify", "--quiet", f"{commit}^", check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    async def set_back(self, commit: str) -> None:
        """Make the files that git knows what they were at a commit, and have the branch go on from there.

        Files that git does not know stay.

        Args:
            commit: The commit; nothing for how it was before the first one.
        """
        if commit:
            await self.git("reset", "--quiet", "--hard", commit)
        elif (await self.git("rev-parse", "--verify", "--quiet", "HEAD", check=False)).returncode == 0:
            await self.git("rm", "-r", "-f", "-q", "--ignore-unmatch", "--", ".")
            await self.git("update-ref", "-d", "HEAD")

    async def changes(self, commit: str) -> list[Change]:
        """Return what a commit changed."""
        done = await self.git("show", "--numstat", "--no-renames", "--format=", "-z", commit)
        changes: list[Change] = []
        for row in done.stdout.strip("\n").split("\0"):
            if row.strip():
                added, removed, path = row.strip("\n").split("\t", 2)
                changes.append(Change(path, *(0 if count == "-" else int(count) for count in (added, removed))))
        return changes

    async def _listed(self, command: Literal["ls-files", "ls-tree"], paths: Sequence[str]) -> set[str]:
        """Return what the index or the last commit has below some paths, and the folders of it."""
        if command == "ls-files":
            done = await self.git("ls-files", "-z", "--", *paths)
        else:  # fails where there is no commit yet
            done = await self.git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths, check=False)
        names = [name for name in done.stdout.split("\0") if name]
        return set(names) | {str(folder) for name in names for folder in Path(name).parents}

    async def git(
        self, *arguments: str, check: bool = True, literal: bool = True, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Run git here.

        Args:
            arguments: The command of git and what it is given.
            check: Raise where it fails.
            literal: Take paths as names and not as patterns.
            env: Variables beside those that keep git to itself.

        Raises:
            BackendDown: Git is not installed.
            LimitReached: It took too long.
            StorageFull: There is no room.
            WorkspaceError: It may not write here.
            RunFailed: It failed otherwise.
        """
        settings = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "commit.gpgsign=false", "gc.auto=0")
        options = [part for setting in settings for part in ("-c", setting)]
        own = self._env | ({} if literal else {"GIT_LITERAL_PATHSPECS": "0"}) | dict(env or {})
        command = ["git", *options, *arguments]
        deadline = time.monotonic() + LOCK_PATIENCE
        try:
            done = await run(command, self.root, timeout=SECONDS, env=own, output_limit=8 << 20)
            # A git that outlived a killed Nexus for a moment may take a lock after they were looked for. One that meets
            # a lock has done nothing yet.
            while done.returncode != 0 and ".lock': File exists" in done.stderr and time.monotonic() < deadline:
                await self._clear_locks()
                done = await run(command, self.root, timeout=SECONDS, env=own, output_limit=8 << 20)
        except ToolInputError as error:
            raise BackendDown("git is not installed, or not in a usual place.", "Install git.") from error
        if check and (done.returncode != 0 or done.timed_out):
            raise _error(done)
        return done

    async def _clear_locks(self) -> None:
        """Remove lock files that no git holds; wait for those that may be held."""
        own, shared = git_folders(self.root)
        roots = [self.root, shared.parent, *(Path(each.read_text().strip()).parent for each in _backlinks(shared))]
        deadline = time.monotonic() + LOCK_PATIENCE
        while locks := [*{*own.glob("*.lock"), *shared.glob("*.lock")}, *(shared / "refs" / "heads").rglob("*.lock")]:
            for lock in locks:
                with contextlib.suppress(FileNotFoundError):
                    age = time.time() - lock.stat().st_mtime
                    if age > STALE and not await asyncio.to_thread(_git_is_at_work, roots):
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


def git_folders(root: Path) -> tuple[Path, Path]:
    """Return git's own folder of a repository or worktree, and the one that it shares with its worktrees.

    Raises:
        WorkspaceError: `.git` is a file that leads to a repository which does not know of this folder.
    """
    mark = root / ".git"
    if not mark.is_file():
        return mark, mark
    own = (root / mark.read_text("utf-8", "replace").removeprefix("gitdir:").strip()).resolve()
    back, settings = own / "gitdir", own / "config"
    if back.is_file() and (own / back.read_text().strip()).resolve() == mark.resolve():
        shared = own / "commondir"
        return own, (own / shared.read_text().strip()).resolve() if shared.is_file() else own
    module = re.search(r"^\s*worktree = (.+)$", settings.read_text(), re.M) if settings.is_file() else None
    if module and (own / module[1]).resolve() == root:
        return own, own
    # A command may have written it: through it, git would be led to a repository somewhere else.
    raise WorkspaceError(f"{mark} leads to a repository that does not know this folder.", "Mend or remove that file.")


def _backlinks(shared: Path) -> list[Path]:
    return [path for path in (shared / "worktrees").glob("*/gitdir") if path.is_file()]


def _has_markers(file: Path) -> bool:
    return file.is_file() and re.search(rb"^(<{7}|>{7})( |$)", file.read_bytes(), re.M) is not None


def _options(message: str, call: str) -> list[str]:
    return ["--quiet", "--no-verify", "--cleanup=whitespace", f"--message={message}\n\n{TRAILER}: {call}"]


def _git_is_at_work(roots: Sequence[Path]) -> bool:
    for process in psutil.process_iter(["name", "cwd"]):
        cwd = process.info["cwd"]
        if process.info["name"] == "git" and cwd and any(Path(cwd).is_relative_to(root) for root in roots):
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
