"""What Nexus and the process between it and a command tell each other, as JSON."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["Confinement", "Ended", "Order"]


class Confinement(TypedDict):
    """What the Landlock level of a command is made of.

    Attributes:
        namespaces: Whether the system gives a command mounts and a network of its own.
        readable: Files and folders of the system that may be read and executed.
        writable: Folders that may be changed.
        kept: What may not be changed below them; held only where there are namespaces.
        shared_memory: The folder that takes the place of /dev/shm, where there are namespaces.
        socket: The socket of the proxy; empty for no network.
        port: The port on loopback where the command finds it.
    """

    namespaces: bool
    readable: list[str]
    writable: list[str]
    kept: list[str]
    shared_memory: str
    socket: str
    port: int


class Order(TypedDict):
    """What Nexus wants of this process.

    Attributes:
        limits: Name in `resource` -> value.
        parent: Pid of Nexus.
        grace: Seconds between TERM and KILL.
        scratch: The command's own folder: removed here, so that it goes even if Nexus dies.
        report: The file descriptor that `Ended` is written to.
        root: The folder whose `.git` is kept; empty for none.
        open: Whether nothing but looking keeps `.git`.
        watch: Most bytes of memory, processes, bytes on the disk; none on the floor of systems without /proc.
        folders: Where the command can write.
        filter: Whether bubblewrap is given a seccomp filter.
        confine: The Landlock level, where the command is held to that.
        afterwards: A command that ends what is left elsewhere; empty for none.
    """

    limits: dict[str, int]
    parent: int
    grace: float
    scratch: str
    report: int
    root: str
    open: bool
    watch: tuple[int, int, int] | None
    folders: list[str]
    filter: bool
    confine: Confinement | None
    afterwards: list[str]


class Ended(TypedDict):
    """What Nexus is told at the end.

    Attributes:
        limit: The limit that was gone beyond: `memory`, `processes`, `disk`; empty for none.
        restored: What of `.git` was changed and put back.
    """

    limit: str
    restored: list[str]
