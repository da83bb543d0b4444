"""The files of a workspace: walked without what people do not write, matched by glob patterns.

Standard library only: the search process imports this module with nothing installed around it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SKIPPED", "compile_glob", "is_binary", "walk"]

SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".hypothesis",
        ".mypy_cache",
        ".nexus",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "venv",
    }
)
"""Folders that hold other people's work, caches or history."""


def walk(root: Path, below: str = ".") -> Iterator[str]:
    """Yield the files under a folder, sorted, as paths relative to `root` with `/` between the parts.

    Links are yielded only where they lead to a file that stays in `root`; linked folders are not entered.

    Args:
        root: The workspace, links resolved.
        below: A folder or a file inside it.
    """
    start = root / below
    if start.is_file():
        yield start.relative_to(root).as_posix()
        return
    yield from _below(root, start)


def _below(root: Path, folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:  # removed meanwhile, or not ours to read
        return
    for entry in entries:
        if entry.name == ".git":
            continue  # in a worktree it is a file, and leads a git that finds a copy of it to the repository
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in SKIPPED:
                yield from _below(root, path)
        elif path.is_file() and not (entry.is_symlink() and not path.resolve().is_relative_to(root)):
            yield path.relative_to(root).as_posix()


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Turn a glob pattern into a regular expression over whole relative paths.

    `*` and `?` stay within one folder, `**/` stands for any number of folders (none too), `[ab]` and `{a,b}` choose.
    A pattern without `/` is looked for in every folder, as people mean it when they write `*.py`.

    Raises:
        ValueError: The brackets are not balanced.
    """
    if "/" not in pattern and pattern != "**":
        pattern = f"**/{pattern}"
    pattern = pattern.removeprefix("./")
    out, depth, at = "", 0, 0
    while at < len(pattern):
        sign = pattern[at]
        if pattern.startswith("**/", at):
            out, at = out + "(?:[^/]+/)*", at + 3
            continue
        if pattern.startswith("**", at):
            out, at = out + ".*", at + 2
            continue
        if sign == "*":
            out += "[^/]*"
        elif sign == "?":
            out += "[^/]"
        elif sign == "[":
            end = pattern.find("]", at + 2)
            if end < 0:
                raise ValueError("a [ is not closed")
            chosen = pattern[at + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            out += "[" + ("^" + chosen[1:] if chosen.startswith("!") else chosen.replace("^", r"\^")) + "]"
            at = end
        elif sign == "{":
            out, depth = out + "(?:", depth + 1
        elif sign == "}" and depth:
            out, depth = out + ")", depth - 1
        elif sign == "," and depth:
            out += "|"
        else:
            out += re.escape(sign)
        at += 1
    if depth:
        raise ValueError("a { is not closed")
    try:
        return re.compile(out)
    except re.error as error:
        raise ValueError(str(error)) from error


def is_binary(head: bytes) -> bool:
    """Tell from the first bytes whether a file is not text; a NUL byte is the mark that git goes by, too."""
    return b"\0" in head
