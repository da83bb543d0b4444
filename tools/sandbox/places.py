"""Where a command may look, and what of its workspace it may not change."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nexus_agents.core.errors import WorkspaceError

__all__ = ["ETC", "SYSTEM", "Places", "find_places"]

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Folders of programs and libraries; on most systems all but /usr are links into it."""

ETC = (
    *("alternatives", "ca-certificates", "fonts", "group", "hosts", "host.conf", "inputrc", "ld.so.cache"),
    *("ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "magic", "mime.types", "nsswitch.conf"),
    *("os-release", "passwd", "pki/tls/certs", "pki/ca-trust/extracted", "profile", "protocols", "resolv.conf"),
    *("services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone", "xattr.conf"),
    *("python3", *(f"python3.{minor}" for minor in range(8, 20))),
)
"""What programs need of /etc: named one by one, since keys and passwords lie there too."""


@dataclass(frozen=True)
class Places:
    """Paths, links followed.

    Attributes:
        root: What the command may change: its workspace.
        readable: What it may read besides the system: the Python of Nexus, the repository that the workspace is a
            worktree of.
        kept: What is below the root and may not be changed.
    """

    root: Path
    readable: tuple[Path, ...]
    kept: tuple[Path, ...]


def find_places(root: Path) -> Places:
    """Find what a command in a workspace needs.

    Raises:
        WorkspaceError: The workspace is the system itself.
    """
    root = root.resolve()
    if any(Path(path).is_relative_to(root) for path in ("/usr", "/etc", "/proc")):
        raise WorkspaceError(f"{root} holds the system itself.", "Work in a folder of your own.")
    readable: list[Path] = []
    kept = [root / ".git"]
    for place in _python():
        # A virtual environment in the workspace is also what runs Nexus, outside the sandbox.
        if place != root and place.is_relative_to(root):
            kept.append(place)
        else:
            readable.append(place)
    readable += _repository(root / ".git")
    return Places(root, tuple(dict.fromkeys(readable)), tuple(dict.fromkeys(kept)))


@lru_cache(maxsize=1)
def _python() -> tuple[Path, ...]:
    """Return the folders of this Python, links followed and not: both names are looked up."""
    named = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    places: list[Path] = []
    for name in named:
        for place in (Path(name), Path(name).resolve()):
            if place.parent != place and not any(place.is_relative_to(folder) for folder in SYSTEM):
                places.append(place)
    # The interpreter may be reached over links that lie elsewhere, one after the other.
    link = Path(sys.executable)
    for _ in range(20):
        if not link.is_symlink():
            break
        link = link.parent / link.readlink()
        if not any(link.is_relative_to(place) for place in (*SYSTEM, *places)):
            places.append(link)
    return tuple(dict.fromkeys(places))


def _repository(git: Path) -> list[Path]:
    """Return the folders of a repository that a workspace is a worktree of.

    The file that names them may have been written by anybody: only a folder that names this workspace in turn, as
    git makes it, is believed.
    """
    try:
        if git.is_symlink() or not git.is_file():
            return []
        text = git.read_text("utf-8", "replace")[:4096]
        if not text.startswith("gitdir:"):
            return []
        own = (git.parent / text.removeprefix("gitdir:").strip()).resolve()
        if Path((own / "gitdir").read_text("utf-8").strip()).resolve() != git.resolve():
            return []
        common = (own / (own / "commondir").read_text("utf-8").strip()).resolve()
        if own.parent != common / "worktrees" or not all((common / name).exists() for name in ("HEAD", "objects")):
            return []
    except OSError:
        return []
    return [common]
