"""What each level promises against programs that mean harm; docs/sandbox.md shows it, and attacks hold it to that."""

from __future__ import annotations

from typing import Literal

__all__ = ["COLUMNS", "PROMISES", "Outcome", "table"]

Outcome = Literal["blocked", "ended", "open"]
"""It has no effect; the command is ended for it, and what can be put back is; it has its effect."""

COLUMNS = ("bubblewrap", "landlock", "landlock alone", "floor")
"""`landlock alone` is Landlock where the system gives a command no mounts and no network of its own."""

_BLOCKED: tuple[Outcome, ...] = ("blocked",) * 4
_ENDED: tuple[Outcome, ...] = ("ended",) * 4
_ISOLATED: tuple[Outcome, ...] = ("blocked", "blocked", "blocked", "open")
_GIT: tuple[Outcome, ...] = ("blocked", "blocked", "ended", "open")

PROMISES: dict[str, tuple[str, tuple[Outcome, ...]]] = {
    "read_shadow": ("read `/etc/shadow`", _ISOLATED),
    "read_keys": ("read the keys of the user", _ISOLATED),
    "write_outside": ("write a file outside the workspace", _ISOLATED),
    "change_python": ("change the Python that runs Nexus", _ISOLATED),
    "change_mode": ("change mode, owner, times or labels of a file outside", _ISOLATED),
    "follow_link": ("get out by a symbolic link", _ISOLATED),
    "climb_out": ("get out by `..`", _ISOLATED),
    "hard_link": ("get out by a hard link", _ISOLATED),
    "plant_hook": ("plant a git hook", _GIT),
    "change_settings": ("change the settings of git", _GIT),
    "replace_repository": ("put another `.git` in the place of the real one", _GIT),
    "connect_tcp": ("connect over TCP", _ISOLATED),
    "send_udp": ("send over UDP", _ISOLATED),
    "connect_path": ("connect to a socket by its path, as docker's or an agent's", _ISOLATED),
    "connect_abstract": ("connect to an abstract socket", _ISOLATED),
    "send_signal": ("signal another process", _ISOLATED),
    "trace": ("read the memory of another process", _ISOLATED),
    "read_proc": ("read environments of other processes in `/proc`", _ISOLATED),
    "change_limits": ("change limits or priority of another process", _ISOLATED),
    "share_memory": ("read memory that other processes share", _ISOLATED),
    "gain_rights": ("gain rights in a namespace of its own", _ISOLATED),
    "reach_kernel": ("call what most holes of the kernel were found in", _ISOLATED),
    "read_environment": ("find a key in its own environment", _BLOCKED),
    "outlive": ("go on after the command has ended", _BLOCKED),
    "flood_output": ("flood the output", _BLOCKED),
    "use_time": ("use up time", _ENDED),
    "fork_bomb": ("start ever more processes", _ENDED),
    "memory_bomb": ("use up memory, in many processes", _ENDED),
    "fill_disk": ("fill the disk", _ENDED),
    "fill_unnamed": ("fill the disk with files that have no name", _ENDED),
}
"""Name of the attack -> what it does, and what comes of it at each level of `COLUMNS`."""


def table() -> str:
    """Return the promises as a table in Markdown."""
    rows = [f"| A program tries to | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    rows += [f"| {what} | {' | '.join(outcomes)} |" for what, outcomes in PROMISES.values()]
    return "\n".join(rows)
