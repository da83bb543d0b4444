"""What was changed since a commit: the lines, and the tool that shows the diff."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import inside, relative, require_workspace
from tools.repository import Repository
from tools.text_files import LARGEST, lines_of
from tools.tree import SKIPPED, is_binary

__all__ = ["DiffFile", "DiffText", "Lines", "changed_lines", "read_diff"]

MOST_CHARACTERS = 60_000
"""Of the diff in one answer, some 15,000 tokens."""

MOST_FILES = 300
_OPTIONS = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
"""Programs that the repository names for its diffs are not run, and its settings do not change the form."""


Kind = Literal["added", "changed", "deleted", "untracked"]

_KINDS: dict[str, Kind] = {"A": "added", "D": "deleted"}


class DiffFile(BaseModel):
    """A file that was changed, with the number of lines added and removed; 0 and 0 for a file that is no text."""

    path: str
    change: Kind
    added: int = 0
    removed: int = 0


class DiffText(BaseModel):
    """A diff.

    Attributes:
        since: The commit that it starts from.
        files: What was changed, all of it.
        diff: Unified diff of the files that fit into one answer.
        left_out: Files whose diff did not fit.
        truncated: Whether there are more files than are named.
    """

    since: str
    files: list[DiffFile]
    diff: str
    left_out: list[str] = Field(default_factory=list[str])
    truncated: bool = False

    @property
    def summary(self) -> str:
        """What people are told."""
        added, removed = sum(each.added for each in self.files), sum(each.removed for each in self.files)
        many = "file" if len(self.files) == 1 else "files"
        return f"{len(self.files)} {many} changed since {self.since[:10]} (+{added} -{removed})"

    def for_model(self) -> str:
        """What the model is told: the list of files first, then the diff."""
        rows = [self.summary, *(f"{each.change} {each.path} (+{each.added} -{each.removed})" for each in self.files)]
        if self.truncated:
            rows.append("[more files left out]")
        if self.diff:
            rows += ["", self.diff]
        if self.left_out:
            rows += ["", f"[left out for their length; name one in `paths`: {', '.join(self.left_out)}]"]
        return "\n".join(rows)


@dataclass(frozen=True)
class Lines:
    """Lines of a file, counted from 1; `every` where the whole file is new."""

    numbers: frozenset[int] = frozenset()
    every: bool = False

    def __contains__(self, number: int) -> bool:
        return self.every or number in self.numbers


@tool(risk="read", in_turn=True)
async def read_diff(job: Job, since: str = "HEAD", paths: list[str] | None = None) -> DiffText:
    """Show what was changed in the workspace since a commit: the list of files, then the diff, bounded in length.

    Changes that are not committed and files that git does not know yet are part of it.

    Args:
        job: The call.
        since: The commit, branch or tag to compare with; HEAD shows what is not committed.
        paths: Files or folders; all where none is given.
    """
    root = require_workspace(job.workspace)
    named = [relative(root, inside(root, path)) for path in paths or []]
    repository, commit = await _repository(job, root, since)
    files = await _files(repository, commit, named)
    shown: list[str] = []
    left_out: list[str] = []
    size = 0
    for file in files[:MOST_FILES]:
        text = await _diff(repository, commit, file)
        if size + len(text) > MOST_CHARACTERS:
            if len(named) != 1 or len(files) > 1:
                left_out.append(file.path)
                continue
            text = f"{text[:MOST_CHARACTERS]}\n[the rest is left out; read the file with `read_file`]"
        size += len(text)
        shown.append(text)
    return DiffText(
        since=commit,
        files=files[:MOST_FILES],
        diff="\n".join(shown),
        left_out=left_out,
        truncated=len(files) > MOST_FILES,
    )


async def changed_lines(job: Job, root: Path, since: str) -> dict[str, Lines]:
    """Return the lines that were added or changed since a commit, by file; deleted files are left out.

    Args:
        job: The call that asks.
        root: The workspace.
        since: A commit, branch or tag.

    Raises:
        ToolInputError: There is no repository or no such commit, or too much was changed.
    """
    repository, commit = await _repository(job, root, since)
    found: dict[str, Lines] = {}
    for file in await _files(repository, commit, []):
        if file.change in ("added", "untracked"):
            found[file.path] = Lines(every=True)
        elif file.change == "changed":
            done = await repository.git("diff", *_OPTIONS, "--unified=0", commit, "--", file.path)
            numbers: set[int] = set()
            for start, count in re.findall(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", done.stdout, re.M):
                numbers |= set(range(int(start), int(start) + int(count or 1)))
            found[file.path] = Lines(frozenset(numbers))
    return found


async def _repository(job: Job, root: Path, since: str) -> tuple[Repository, str]:
    repository = Repository(root, job.agent)
    if not await repository.exists():
        raise ToolInputError("The workspace is no git repository.", "Read its files instead.")
    commit = await repository.head(since) if re.fullmatch(r"[\w@][\w./@^~{}-]*", since) else ""
    if not commit:
        raise ToolInputError(f"There is no commit {since!r}.", "Give a commit, a branch or a tag of this repository.")
    return repository, commit


async def _files(repository: Repository, commit: str, paths: Sequence[str]) -> list[DiffFile]:
    options = [*_OPTIONS, "-z", commit, "--", *paths]
    states = (await repository.git("diff", "--name-status", *options)).stdout.split("\0")
    change = dict(zip(states[1::2], states[::2], strict=False))
    files: list[DiffFile] = []
    for row in (await repository.git("diff", "--numstat", *options)).stdout.split("\0"):
        if row:
            added, removed, path = row.split("\t", 2)
            kind = _KINDS.get(change.get(path, "M")[:1], "changed")
            counts = [0 if count == "-" else int(count) for count in (added, removed)]
            files.append(DiffFile(path=path, change=kind, added=counts[0], removed=counts[1]))
    others = await repository.git("ls-files", "--others", "--exclude-standard", "-z", "--", *paths)
    for path in filter(None, others.stdout.split("\0")):
        if SKIPPED.isdisjoint(Path(path).parts):
            text = await asyncio.to_thread(_text, repository.root / path)
            files.append(DiffFile(path=path, change="untracked", added=len(lines_of(text))))
    return sorted(files, key=lambda file: file.path)


async def _diff(repository: Repository, commit: str, file: DiffFile) -> str:
    if file.change != "untracked":
        return (await repository.git("diff", *_OPTIONS, commit, "--", file.path)).stdout.rstrip("\n")
    lines = lines_of(await asyncio.to_thread(_text, repository.root / file.path))
    if not lines:
        return f"--- /dev/null\n+++ b/{file.path}\n[empty, or no text]"
    body = "".join(f"+{line}" for line in lines).rstrip("\n")
    return f"--- /dev/null\n+++ b/{file.path}\n@@ -0,0 +1,{len(lines)} @@\n{body}"


def _text(file: Path) -> str:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
        return ""
    content = file.read_bytes()
    return "" if is_binary(content) else content.decode("utf-8", "replace")
