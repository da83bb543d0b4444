"""The tool that applies a unified diff to several files of the workspace: all of it, or nothing."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from nexus_agents.core.errors import NexusError, ToolInputError, WorkspaceError
from nexus_agents.core.tool import Job, tool
from tools.paths import entry, inside
from tools.text_files import decode, encode, explain, read_bytes, write_atomically
from tools.unified_diff import FilePatch, fit, read_patch

__all__ = ["PatchApplied", "PatchedFile", "apply_patch"]

LONGEST = 1 << 20
"""Characters of the longest patch."""

MOST_FILES = 200


class PatchedFile(BaseModel):
    """What happened to one file.

    Attributes:
        path: The file; where it was deleted, its old path.
        change: What happened.
        source: Its path before, where it was renamed.
        added: Lines added.
        removed: Lines removed.
    """

    path: str
    change: Literal["created", "changed", "deleted", "renamed"]
    source: str = ""
    added: int = 0
    removed: int = 0


class PatchApplied(BaseModel):
    """What a patch did, file by file."""

    files: list[PatchedFile]

    @property
    def summary(self) -> str:
        """What people are told."""
        added, removed = sum(each.added for each in self.files), sum(each.removed for each in self.files)
        return f"{len(self.files)} {'file' if len(self.files) == 1 else 'files'} patched (+{added} -{removed})"

    def for_model(self) -> str:
        """What the model is told."""
        rows = [
            f"{each.change} {f'{each.source} to ' if each.source else ''}{each.path} (+{each.added} -{each.removed})"
            for each in self.files
        ]
        return "\n".join(rows)


class _Write(BaseModel):
    """One path: what it held and whether it could be run, and what it shall hold; None where there is no file."""

    path: str
    before: str | None
    after: str | None
    executable: bool | None = None
    ran: bool = False


class _Receipt(BaseModel):
    """Kept in the folder of the call before the first file is touched."""

    writes: list[_Write]
    result: PatchApplied


@tool(risk="write", in_turn=True)
async def apply_patch(job: Job, patch: str) -> PatchApplied:
    """Apply a unified diff to files of the workspace: change, create, delete and rename, all of it or nothing.

    Line numbers may be wrong; context and removed lines must be exactly as in the file. `/dev/null` as the old name
    creates a file, as the new name deletes one; two different names rename.

    Args:
        job: The call.
        patch: The diff: for each file `--- a/PATH` and `+++ b/PATH`, then hunks that begin with `@@ -1,3 +1,4 @@`.
    """
    if len(patch) > LONGEST:
        raise ToolInputError("The patch is longer than 1 MiB.", "Apply it in parts.")
    files = read_patch(patch)
    if len(files) > MOST_FILES:
        raise ToolInputError(f"The patch names more than {MOST_FILES} files.", "Apply it in parts.")
    return await asyncio.to_thread(_apply, job, files)


def _apply(job: Job, files: list[FilePatch]) -> PatchApplied:
    kept = job.folder / "patch.json"
    if kept.is_file():
        receipt = _Receipt.model_validate_json(kept.read_bytes())
        if _begun(job, receipt):
            _write_all(job, receipt.writes)
            return receipt.result
    receipt = _plan(job, files)
    job.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, receipt.model_dump_json().encode(), call=_call(job), name="the patch")
    _write_all(job, receipt.writes)
    return receipt.result


def _begun(job: Job, receipt: _Receipt) -> bool:
    """Tell whether a call that was cut off has written something; raise where it cannot be finished."""
    now = {write.path: _content(job, write.path) for write in receipt.writes}
    if not any(now[write.path] == write.after for write in receipt.writes):
        return False
    for write in receipt.writes:
        if now[write.path] not in (write.before, write.after):
            raise WorkspaceError(
                f"The patch was cut off in the middle, and {write.path} was changed since.",
                "Read the files that it names and make a new patch.",
            )
    return True


def _plan(job: Job, files: list[FilePatch]) -> _Receipt:
    """Work out what every file holds in the end, before anything is written."""
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    executable: dict[str, bool] = {}
    done: list[PatchedFile] = []
    for patch in files:
        old, new = (_named(job, path) if path else "" for path in (patch.old, patch.new))
        for path in filter(None, (old, new)):
            if path not in before:
                before[path] = after[path] = _content(job, path)
        if old and after[old] is None:
            raise ToolInputError(
                f"The patch changes {old}, which does not exist; nothing was changed.",
                "To create a file, give /dev/null as its old name.",
            )
        if new and new != old and after[new] is not None:
            raise ToolInputError(
                f"The patch would overwrite {new}; nothing was changed.", "Change the file that is there."
            )
        text = fit(after[old] or "" if old else "", patch.hunks, new or old)
        if not new and text:
            raise ToolInputError(
                f"The patch deletes {old} and does not show all of its lines; nothing was changed.",
                "Use `delete_file`.",
            )
        encode(text, new or old)
        if old:
            after[old] = None
        if new:
            after[new] = text
            if patch.executable is not None:
                executable[new] = patch.executable
            elif old and old != new:
                executable[new] = executable.get(old, _may_run(job, old))
        done.append(_described(patch, old, new))
    # What is removed goes last: a rename that is cut off leaves two files rather than none.
    order = sorted(before, key=lambda path: (after[path] is None, path))
    writes = [
        _Write(
            path=path,
            before=before[path],
            after=after[path],
            executable=executable.get(path),
            ran=before[path] is not None and _may_run(job, path),
        )
        for path in order
    ]
    return _Receipt(writes=writes, result=PatchApplied(files=done))


def _described(patch: FilePatch, old: str, new: str) -> PatchedFile:
    added = removed = 0
    for hunk in patch.hunks:
        same = len(hunk.old) + len(hunk.new) - _changed(hunk.old, hunk.new)
        added, removed = added + len(hunk.new) - same // 2, removed + len(hunk.old) - same // 2
    change = "created" if not old else "deleted" if not new else "renamed" if old != new else "changed"
    source = old if change == "renamed" else ""
    return PatchedFile(path=new or old, change=change, source=source, added=added, removed=removed)


def _changed(old: list[str], new: list[str]) -> int:
    import difflib

    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return sum((b - a) + (d - c) for step, a, b, c, d in steps if step != "equal")


def _write_all(job: Job, writes: list[_Write]) -> None:
    written: list[_Write] = []
    try:
        for write in writes:
            if _content(job, write.path) != write.after:
                written.append(write)
                _put(job, write.path, write.after)
            if write.executable is not None and write.after is not None:
                _allow(job, write.path, write.executable)
    except NexusError:
        for write in reversed(written):
            _put(job, write.path, write.before)
            if write.ran:
                _allow(job, write.path, True)
        raise


def _put(job: Job, path: str, text: str | None) -> None:
    if text is not None:
        file = inside(job.workspace, path, writing=True)
        write_atomically(file, text.encode("utf-8"), call=_call(job), name=path)
        return
    try:
        entry(job.workspace, path).unlink(missing_ok=True)
    except OSError as error:
        raise explain(error, path) from error


def _allow(job: Job, path: str, executable: bool) -> None:
    file = inside(job.workspace, path, writing=True)
    try:
        mode = file.stat().st_mode & 0o777
        file.chmod(mode | (mode & 0o444) >> 2 if executable else mode & ~0o111)
    except OSError as error:
        raise explain(error, path) from error


def _may_run(job: Job, path: str) -> bool:
    file = inside(job.workspace, path, writing=True)
    return file.exists() and bool(file.stat().st_mode & 0o111)


def _content(job: Job, path: str) -> str | None:
    file = inside(job.workspace, path, writing=True)
    if not file.exists():
        return None
    return decode(read_bytes(file, path), path)


def _named(job: Job, path: str) -> str:
    """Return a path in its plain form, so that a file that is named twice is one file."""
    inside(job.workspace, path, writing=True)
    entry(job.workspace, path)
    return Path(path).as_posix()


def _call(job: Job) -> str:
    return hashlib.sha256(f"{job.run_id}/{job.call_id}".encode()).hexdigest()
