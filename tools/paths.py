"""Paths that a model names: inside the workspace, or refused before anything is touched."""

from __future__ import annotations

import errno
from pathlib import Path, PurePosixPath

from nexus_agents.core.errors import ToolInputError, WorkspaceError

__all__ = ["entry", "inside", "relative", "require_workspace"]


def require_workspace(workspace: Path) -> Path:
    """Return the real path of a workspace.

    Raises:
        WorkspaceError: There is no such folder.
    """
    if not workspace.is_dir():
        raise WorkspaceError(f"There is no workspace folder {workspace}.", "Make it, or name another one.")
    return workspace.resolve()


def inside(workspace: Path, path: str, *, writing: bool = False) -> Path:
    """Find where a path of a model points, links followed.

    Args:
        workspace: The folder that may not be left.
        path: Relative to the workspace, with `/` between the parts.
        writing: Refuse what belongs to git, too: a hook or a setting written there would be run later.

    Returns:
        The absolute path with all links resolved; it need not exist.

    Raises:
        ToolInputError: The path is empty or malformed.
        WorkspaceError: It leaves the workspace, by name or through a link, or is git's own.
    """
    root = require_workspace(workspace)
    if not path.strip() or "\0" in path:
        raise ToolInputError("The path is empty or malformed.", "Give a path relative to the workspace.")
    named = PurePosixPath(path)
    if named.is_absolute() or path.startswith("~"):
        raise WorkspaceError(f"{path} is not relative to the workspace.", _relative_hint(root, named))
    if ".." in named.parts:
        raise WorkspaceError(f"{path} would leave the workspace.", "Give a path below the workspace, without '..'.")
    try:
        real = (root / named).resolve()
        real.exists()
    except ValueError as error:
        raise ToolInputError("The path holds halves of characters.", "Send plain text.") from error
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise ToolInputError(f"The path {path[:60]}... is too long.", "Choose a shorter one.") from error
        # A loop of links, or a folder that may not be entered.
        raise WorkspaceError(f"{path} cannot be followed.", "Name the file itself, or look at its folder.") from error
    if not real.is_relative_to(root):
        raise WorkspaceError(f"{path} is a link that leaves the workspace.", "Work on files of the workspace only.")
    if writing and any(part.lower() == ".git" for part in real.relative_to(root).parts):
        raise WorkspaceError(
            f"{path} belongs to git and is not written by tools.", "Use the tool `commit` to record changes."
        )
    return real


def entry(workspace: Path, path: str) -> Path:
    """Find a file or folder itself, to be moved or removed: a link is the link and not what it leads to.

    Args:
        workspace: The folder that may not be left.
        path: Relative to the workspace, with `/` between the parts.

    Raises:
        ToolInputError: The path is empty, malformed, or the workspace itself.
        WorkspaceError: It leaves the workspace, or is git's own.
    """
    named = PurePosixPath(path)
    if not path.strip() or str(named) == ".":
        raise ToolInputError("The path names the workspace itself.", "Give a path below the workspace.")
    if named.is_absolute() or ".." in named.parts or path.startswith("~") or "\0" in path:
        return inside(workspace, path, writing=True)  # which says what is wrong
    found = inside(workspace, str(named.parent), writing=True) / named.name
    if found.name.lower() == ".git":
        raise WorkspaceError(f"{path} belongs to git and is not written by tools.", "Leave it as it is.")
    return found


def relative(workspace: Path, path: Path) -> str:
    """Return a resolved path as models see it: relative to the workspace, with `/` between the parts."""
    return path.relative_to(workspace.resolve()).as_posix() or "."


def _relative_hint(root: Path, named: PurePosixPath) -> str:
    if named.is_relative_to(root.as_posix()):
        return f"Give it as {named.relative_to(root.as_posix())}."
    return "Give a path below the workspace, such as src/app.py."
