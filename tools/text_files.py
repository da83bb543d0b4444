"""Reads and writes text files whole: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from nexus_agents.core.errors import NexusError, StorageFull, ToolInputError, WorkspaceError
from tools.kinds import kind_of
from tools.tree import is_binary

__all__ = ["LARGEST", "decode", "encode", "explain", "lines_of", "read_bytes", "write_atomically"]

LARGEST = 10 << 20
"""Bytes of the largest text file that is read; what is bigger is data, not source."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def read_bytes(path: Path, name: str) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        name: What the caller called it, for the error.

    Raises:
        ToolInputError: There is no such file, or it is too large to be text.
        WorkspaceError: It may not be read.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ToolInputError(f"The file {name} {what}.", "See which files there are with `list_files`.")
    try:
        if path.stat().st_size > LARGEST:
            raise ToolInputError(
                f"The file {name} is larger than {LARGEST >> 20} MiB.", "Find the part with `search_files`."
            )
        return path.read_bytes()
    except OSError as error:
        raise explain(error, name) from error


def decode(content: bytes, name: str) -> str:
    """Return the text of a file as it is, line ends included.

    Raises:
        ToolInputError: It is not UTF-8 text.
    """
    try:
        if is_binary(content):
            raise ValueError
        return content.decode("utf-8")
    except ValueError as error:
        raise ToolInputError(
            f"The file {name} is not UTF-8 text: it is {kind_of(content)}, {len(content)} bytes.",
            "Only text can be worked on.",
        ) from error


def lines_of(text: str) -> list[str]:
    """Return the lines of a text with their ends, counted as editors and compilers count them.

    `str.splitlines` splits at form feeds and other signs, too, so its numbers would be off.
    """
    *ended, rest = text.split("\n")
    return [f"{line}\n" for line in ended] + ([rest] if rest else [])


def encode(text: str, name: str) -> bytes:
    """Return text as UTF-8.

    Raises:
        ToolInputError: It holds halves of characters, or NUL.
    """
    try:
        if "\0" in text:
            raise ValueError
        return text.encode("utf-8")
    except ValueError as error:
        raise ToolInputError(f"The text for {name} cannot be stored as UTF-8.", "Send plain text.") from error


def write_atomically(path: Path, content: bytes, *, call: str, name: str) -> None:
    """Write a file under a temporary name in the same folder, then rename it; missing folders are made.

    Args:
        path: The file; it keeps its permissions where it exists.
        content: All of it.
        call: What identifies the call: the temporary name is made from it, so that the same call made again after
            a crash replaces what the first left half-written.
        name: What the caller called the file, for the error.

    Raises:
        ToolInputError: The path cannot be that of a file.
        WorkspaceError: The folder may not be written.
        StorageFull: There is no room; the old file is untouched.
    """
    if path.is_dir():
        raise ToolInputError(f"{name} is a folder.", "Name a file in it.")
    mark = hashlib.sha256(f"{call}\0{path}".encode()).hexdigest()[:16]
    temporary = path.parent / f".nexus-{mark}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)  # the umask has taken bits away
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise explain(error, name) from error


def explain(error: OSError, name: str) -> NexusError:
    """Return the error that a person or a model understands, for one of the system."""
    if error.errno in _FULL:
        return StorageFull(f"There is no room to write {name}.", "Free some space on the disk, then resume.")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return WorkspaceError(
            f"{name} may not be accessed: {error.strerror}.", "Change the permissions of the workspace."
        )
    if error.errno in {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL}:
        return ToolInputError(f"{name} cannot be a file: {error.strerror}.", "Choose another path.")
    return WorkspaceError(f"{name} could not be accessed: {error.strerror}.", "Look at the workspace folder.")
