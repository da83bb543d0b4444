"""Tools that move and delete files of the workspace."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from pydantic import BaseModel

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import entry
from tools.text_files import explain, write_atomically

__all__ = ["FileDeleted", "FileMoved", "delete_file", "move_file"]


class FileDeleted(BaseModel):
    """What was deleted: the path, and its size in bytes."""

    path: str
    bytes: int

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"deleted {self.path} ({self.bytes} bytes)"

    def for_model(self) -> str:
        """What the model is told."""
        return self.summary


class FileMoved(BaseModel):
    """What was moved where."""

    source: str
    target: str

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"moved {self.source} to {self.target}"

    def for_model(self) -> str:
        """What the model is told."""
        return self.summary


@tool(risk="write", in_turn=True)
async def delete_file(job: Job, path: str) -> FileDeleted:
    """Delete one file of the workspace; a link is deleted and not what it leads to.

    Args:
        job: The call.
        path: The file, relative to the workspace.
    """
    file = entry(job.workspace, path)
    return await asyncio.to_thread(_delete, job, file, path)


@tool(risk="write", in_turn=True)
async def move_file(job: Job, source: str, target: str) -> FileMoved:
    """Move or rename a file or a folder of the workspace; missing folders are made, nothing is overwritten.

    Args:
        job: The call.
        source: What is moved, relative to the workspace.
        target: Its new path, its name included.
    """
    old, new = entry(job.workspace, source), entry(job.workspace, target)
    return await asyncio.to_thread(_move, job, old, new, source, target)


def _delete(job: Job, file: Path, path: str) -> FileDeleted:
    receipt = job.folder / "deleted.json"
    if not os.path.lexists(file):
        # The same call, cut off after it had deleted the file.
        if receipt.is_file():
            return FileDeleted.model_validate_json(receipt.read_bytes())
        raise ToolInputError(f"The file {path} does not exist.", "See which files there are with `list_files`.")
    if file.is_dir() and not file.is_symlink():
        raise ToolInputError(f"{path} is a folder.", "Delete its files one by one.")
    done = FileDeleted(path=path, bytes=file.lstat().st_size)
    _note(job, receipt, done)
    try:
        file.unlink()
    except OSError as error:
        raise explain(error, path) from error
    return done


def _move(job: Job, old: Path, new: Path, source: str, target: str) -> FileMoved:
    receipt, done = job.folder / "moved.json", FileMoved(source=source, target=target)
    begun = receipt.is_file()
    if not os.path.lexists(old):
        if begun and os.path.lexists(new):
            return done
        raise ToolInputError(f"{source} does not exist.", "See which files there are with `list_files`.")
    if new.is_relative_to(old):
        raise ToolInputError(f"{source} cannot be moved into itself.", "Choose another target.")
    # The same call, cut off between the two steps of moving a file: both names are one file.
    half = begun and os.path.lexists(new) and os.path.samestat(old.lstat(), new.lstat())
    if os.path.lexists(new) and not half:
        raise ToolInputError(f"{target} is there already.", "Choose another target, or delete that first.")
    _note(job, receipt, done)
    try:
        new.parent.mkdir(parents=True, exist_ok=True)
        if half:
            old.unlink()
        elif old.is_dir() and not old.is_symlink():
            old.rename(new)
        else:
            # `rename` would overwrite what appeared at the target meanwhile; `link` refuses.
            os.link(old, new, follow_symlinks=False)
            old.unlink()
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise ToolInputError(f"{target} is there already.", "Choose another target.") from error
        if not os.path.lexists(new) and old.is_file():
            return _copied(old, new, done)  # a file system without links
        raise explain(error, target) from error
    return done


def _copied(old: Path, new: Path, done: FileMoved) -> FileMoved:
    try:
        shutil.move(old, new)
    except OSError as error:
        raise explain(error, done.target) from error
    return done


def _note(job: Job, receipt: Path, done: BaseModel) -> None:
    job.folder.mkdir(parents=True, exist_ok=True)
    call = f"{job.run_id}/{job.call_id}"
    write_atomically(receipt, done.model_dump_json().encode(), call=call, name=receipt.name)
