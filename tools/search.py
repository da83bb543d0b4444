"""Tools that list the files of the workspace and search in them."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from itertools import islice
from pathlib import Path, PurePosixPath

from pydantic import BaseModel

from nexus_agents.core.errors import RunFailed, ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import require_workspace
from tools.sandbox import run_for
from tools.tree import compile_glob, walk

__all__ = ["FileList", "ListedFile", "Match", "SearchResult", "list_files", "search_files"]

MOST_FILES = 1000
MOST_MATCHES = 200
SEARCH_SECONDS = 20.0
LONGEST_PATTERN = 1000

_CHILD = Path(__file__).with_name("search_child.py")


class ListedFile(BaseModel):
    """A file and its size in bytes."""

    path: str
    bytes: int


class FileList(BaseModel):
    """Files of the workspace, sorted by path; `truncated` where there are more."""

    files: list[ListedFile]
    truncated: bool = False

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{len(self.files)} files{' and more' if self.truncated else ''}"


class Match(BaseModel):
    """A line that was found; very long ones are cut."""

    path: str
    line: int
    text: str


class SearchResult(BaseModel):
    """Where a pattern was found; `truncated` where it stands in more places."""

    matches: list[Match]
    files_searched: int
    truncated: bool = False

    @property
    def summary(self) -> str:
        """What people are told."""
        more = "or more " if self.truncated else ""
        return f"{len(self.matches)} {more}matches in {self.files_searched} files"


@tool(risk="read", in_turn=True)
async def list_files(job: Job, pattern: str = "**/*") -> FileList:
    """List the files of the workspace, without history, caches and installed packages.

    Args:
        job: The call.
        pattern: Glob pattern, such as `**/*.py` or `src/*.{ts,css}`.
    """
    glob = _glob(pattern)
    root = require_workspace(job.workspace)
    return await asyncio.to_thread(_list, root, glob)


@tool(risk="read", in_turn=True)
async def search_files(job: Job, pattern: str, glob: str = "**/*") -> SearchResult:
    """Search the text files of the workspace line by line with a regular expression.

    Args:
        job: The call.
        pattern: Regular expression of Python; `(?i)` at its start ignores case.
        glob: Which files, such as `**/*.py`.
    """
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise ToolInputError("The pattern is empty or too long.", "Search for a few words.")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ToolInputError(
            f"The pattern is no regular expression: {error}.", "Escape special signs with a backslash."
        ) from error
    _glob(glob)
    root = require_workspace(job.workspace)
    # A process of its own: a pattern may take for ever, and in this one it would hold the interpreter's lock.
    done = await run_for(
        job,
        [sys.executable, "-I", "-S", str(_CHILD), pattern, glob, str(MOST_MATCHES)],
        root,
        timeout=SEARCH_SECONDS,
        output_limit=4 << 20,
    )
    if done.timed_out:
        raise ToolInputError(
            f"The search took longer than {SEARCH_SECONDS:.0f} s.", "Search fewer files or a simpler pattern."
        )
    if done.returncode != 0:
        raise RunFailed(f"The search ended with status {done.returncode}.", done.stderr.strip().rpartition("\n")[2])
    return SearchResult.model_validate(json.loads(done.stdout))


def _list(root: Path, glob: re.Pattern[str]) -> FileList:
    found: list[ListedFile] = []
    for path in islice((path for path in walk(root) if glob.fullmatch(path)), MOST_FILES + 1):
        try:
            found.append(ListedFile(path=path, bytes=(root / path).stat().st_size))
        except FileNotFoundError:  # removed since it was listed
            continue
    return FileList(files=found[:MOST_FILES], truncated=len(found) > MOST_FILES)


def _glob(pattern: str) -> re.Pattern[str]:
    if not pattern or pattern.startswith(("/", "~")) or ".." in PurePosixPath(pattern).parts:
        raise ToolInputError(
            f"The pattern {pattern!r} is not one for paths of the workspace.", "Use one such as src/**/*.py."
        )
    try:
        return compile_glob(pattern)
    except ValueError as error:
        raise ToolInputError(f"The pattern {pattern} is malformed: {error}.", "Close the brackets.") from error
