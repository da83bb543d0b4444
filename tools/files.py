"""Tools that read, write and edit the text files of the workspace."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import inside
from tools.text_files import decode, encode, lines_of, read_bytes, write_atomically

__all__ = ["FileEdited", "FileText", "FileWritten", "edit_file", "read_file", "write_file"]

Change = Literal["created", "changed", "unchanged"]

MOST_LINES = 2000
MOST_CHARACTERS = 200_000
"""What one reading shows at most: a model has more to read than one file."""

MOST_DIFF_LINES = 400


class FileText(BaseModel):
    """Lines of a file.

    Attributes:
        path: The file.
        content: The lines that were asked for.
        start_line: Number of the first, counted from 1; 0 where the file is empty.
        end_line: Number of the last.
        total_lines: Lines of the whole file.
        truncated: Whether fewer were returned than asked for.
    """

    path: str
    content: str
    start_line: int
    end_line: int
    total_lines: int
    truncated: bool = False

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.path}, lines {self.start_line} to {self.end_line} of {self.total_lines}"


class FileWritten(BaseModel):
    """What writing a file did.

    Attributes:
        path: The file.
        change: Whether it was created, changed, or held this content already.
        lines: Its lines now.
        bytes: Its size now.
    """

    path: str
    change: Change
    lines: int
    bytes: int

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.change} {self.path} ({self.lines} lines)"


class FileEdited(BaseModel):
    """What an edit did.

    Attributes:
        path: The file.
        change: `unchanged` where the edit stood there already.
        diff: Unified diff; its end is left out where it is very long.
        added: Lines added.
        removed: Lines removed.
    """

    path: str
    change: Change
    diff: str
    added: int
    removed: int

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.change} {self.path} (+{self.added} -{self.removed})"


class _Receipt(BaseModel):
    """Kept in the folder of the call: what it did, should it be made again after a crash."""

    after: str
    result: FileEdited


@tool(risk="read", in_turn=True)
async def read_file(job: Job, path: str, start_line: int = 1, end_line: int = 0) -> FileText:
    """Read a text file of the workspace, or some lines of it.

    Args:
        job: The call.
        path: Path relative to the workspace.
        start_line: First line, counted from 1.
        end_line: Last line; 0 for the end of the file.
    """
    if start_line < 1 or (end_line and end_line < start_line):
        raise ToolInputError(
            f"Lines {start_line} to {end_line} are no range.", "Count from 1; the end follows the start."
        )
    file = inside(job.workspace, path)
    return await asyncio.to_thread(_read, file, path, start_line, end_line)


@tool(risk="write", in_turn=True)
async def write_file(job: Job, path: str, content: str) -> FileWritten:
    """Write a whole text file in the workspace; an existing one is replaced, missing folders are made.

    Args:
        job: The call.
        path: Path relative to the workspace.
        content: All of the file.
    """
    file = inside(job.workspace, path, writing=True)
    return await asyncio.to_thread(_write, job, file, path, content)


@tool(risk="write", in_turn=True)
async def edit_file(job: Job, path: str, old: str, new: str) -> FileEdited:
    """Replace a piece of text in a file of the workspace, which must stand there exactly once.

    Args:
        job: The call.
        path: Path relative to the workspace.
        old: The text to replace, exactly as it is in the file; long enough to be found only once.
        new: The text to put in its place.
    """
    if not old or old == new:
        raise ToolInputError(
            "The text to replace is empty, or the same as the new one.", "Give the old and the new text."
        )
    file = inside(job.workspace, path, writing=True)
    encode(new, path)
    return await asyncio.to_thread(_edit, job, file, path, old, new)


def _read(file: Path, path: str, start_line: int, end_line: int) -> FileText:
    lines = lines_of(decode(read_bytes(file, path), path))
    if start_line > max(len(lines), 1):
        raise ToolInputError(f"{path} has {len(lines)} lines; line {start_line} is not there.", "Ask for fewer.")
    wanted = lines[start_line - 1 : end_line or len(lines)]
    shown, size = [], 0
    for line in wanted[:MOST_LINES]:
        size += len(line)
        if size > MOST_CHARACTERS and shown:
            break
        shown.append(line[:MOST_CHARACTERS])
    return FileText(
        path=path,
        content="".join(shown),
        start_line=start_line if shown else 0,
        end_line=start_line + len(shown) - 1 if shown else 0,
        total_lines=len(lines),
        truncated=len(shown) < len(wanted) or size > MOST_CHARACTERS,
    )


def _write(job: Job, file: Path, path: str, content: str) -> FileWritten:
    data = encode(content, path)
    change: Change = "changed" if file.exists() else "created"
    if file.is_file() and file.stat().st_size == len(data) and read_bytes(file, path) == data:
        change = "unchanged"
    else:
        write_atomically(file, data, call=_call(job), name=path)
    return FileWritten(path=path, change=change, lines=len(lines_of(content)), bytes=len(data))


def _edit(job: Job, file: Path, path: str, old: str, new: str) -> FileEdited:
    content = read_bytes(file, path)
    receipt = job.folder / "edit.json"
    if receipt.is_file():
        done = _Receipt.model_validate_json(receipt.read_bytes())
        if done.after == hashlib.sha256(content).hexdigest():
            return done.result
    before = decode(content, path)
    if "\r\n" in before and "\r" not in old:
        # The file has the line ends of Windows, which models do not write.
        old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    if new and new in before and old not in before.replace(new, "\0"):
        return FileEdited(path=path, change="unchanged", diff="", added=0, removed=0)
    at = before.find(old)
    if at < 0:
        raise ToolInputError(f"The text to replace is not in {path}.", "Read the file and copy the text exactly.")
    if before.find(old, at + 1) >= 0:
        raise ToolInputError(
            f"The text to replace stands more than once in {path}.", "Add lines around it to make it unique."
        )
    after = before[:at] + new + before[at + len(old) :]
    result = _edited(path, before, after)
    data = after.encode("utf-8")
    done = _Receipt(after=hashlib.sha256(data).hexdigest(), result=result)
    job.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(receipt, done.model_dump_json().encode(), call=_call(job), name=path)
    write_atomically(file, data, call=_call(job), name=path)
    return result


def _edited(path: str, before: str, after: str) -> FileEdited:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm=""))
    body = lines[2:]
    if len(lines) > MOST_DIFF_LINES:
        lines = [*lines[:MOST_DIFF_LINES], f"[{len(lines) - MOST_DIFF_LINES} lines left out]"]
    return FileEdited(
        path=path,
        change="changed",
        diff="\n".join(lines),
        added=sum(line.startswith("+") for line in body),
        removed=sum(line.startswith("-") for line in body),
    )


def _call(job: Job) -> str:
    return f"{job.run_id}/{job.call_id}"
