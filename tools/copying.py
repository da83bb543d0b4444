"""Copies what people wrote in a workspace, so that programs can run on it without leaving anything behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from nexus_agents.core.errors import LimitReached
from tools.text_files import explain

__all__ = ["copy_files"]

MOST_BYTES = 1 << 30


def copy_files(root: Path, files: Iterable[str], to: Path) -> None:
    """Copy files of a workspace into a folder that is made anew; linked files become files.

    Args:
        root: The workspace.
        files: Paths relative to it.
        to: The folder; what was in it is removed.

    Raises:
        LimitReached: The files are larger than 1 GiB together.
        StorageFull: There is no room.
        WorkspaceError: A file may not be read.
    """
    shutil.rmtree(to, ignore_errors=True)
    total = 0
    try:
        to.mkdir(parents=True)
        for name in files:
            total += (root / name).stat().st_size
            if total > MOST_BYTES:
                raise LimitReached(
                    f"The workspace holds more than {MOST_BYTES >> 30} GiB of files.",
                    "Move data and models out of it; git, caches and node_modules are not counted.",
                )
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target)
    except OSError as error:
        raise explain(error, "a copy of the workspace") from error
