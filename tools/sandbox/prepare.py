"""Puts together what a command is started with: its command line at a level, its environment and its limits."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.errors import SandboxNeeded
from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import bubblewrap, container
from tools.sandbox.orders import Confinement, Order
from tools.sandbox.places import ETC, SYSTEM, find_places
from tools.sandbox.scratch import own_folders

if TYPE_CHECKING:
    from tools.sandbox.levels import Level

__all__ = ["GRACE", "Bounds", "Prepared", "prepare"]

GRACE = 1.0
"""Seconds between TERM and KILL."""

PROC = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version")
"""Of /proc, what says nothing of other processes; where it is not the command's own."""

_SYSTEM_PATH = ("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Bounds:
    """What a command may use up.

    Attributes:
        memory_mb: Address space of each process, and memory of all together (MiB); numpy with threads reserves more
            than one GB before it computes anything.
        processes: How many processes; and processes and threads that it may add to those of its user.
        disk_mb: In new and changed files together (MiB).
        file_mb: In one file (MiB).
    """

    memory_mb: int = 4096
    processes: int = 512
    disk_mb: int = 2048
    file_mb: int = 512


@dataclass(frozen=True)
class Prepared:
    """How a command is started.

    Attributes:
        level: What it is held to.
        argv: Its command line, that of the level around it.
        cwd: The folder that it is started in.
        env: The variables that it is started with.
        order: What the process between Nexus and it is told.
    """

    level: Level
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    order: Order


def prepare(
    level: Level,
    argv: Sequence[str],
    cwd: Path,
    root: Path,
    scratch: Path,
    *,
    timeout: float,
    env: Mapping[str, str],
    bounds: Bounds,
    policy: SandboxPolicy | None,
    socket: str,
) -> Prepared:
    """Put together how a command is started at a level.

    Args:
        level: What it is held to.
        argv: The program and its arguments.
        cwd: The folder that it runs in.
        root: The folder that it may change.
        scratch: The folder of the call.
        timeout: Seconds.
        env: Variables beside the clean ones.
        bounds: What it may use up.
        policy: What the run says; None for a program of Nexus, which is not watched.
        socket: The socket of the proxy; empty for no network.

    Raises:
        SandboxNeeded: Hosts are allowed, and nothing here can keep it to them.
        WorkspaceError: The root is the system itself.
    """
    home, shared = own_folders(scratch)
    viewed = level.name in ("bubblewrap", "docker", "podman")
    clean = _environment(bubblewrap.HOME if viewed else str(home))
    if socket:
        clean |= _proxied(f"http://127.0.0.1:{bubblewrap.PORT}")
    clean |= env
    order = Order(
        limits=_limits(timeout, bounds),
        parent=os.getpid(),
        grace=GRACE,
        scratch=str(scratch),
        report=-1,
        root=str(root) if level.full else "",
        open=not level.namespaces,
        watch=(bounds.memory_mb << 20, bounds.processes, bounds.disk_mb << 20) if policy else None,
        folders=[str(root), str(scratch)],
        filter=False,
        confine=None,
        afterwards=[],
    )
    if not level.full:
        return Prepared(level, argv, cwd, clean, order)
    # Settings of the system may hold keys, and are out of sight: git takes a file that it may not read for a fault.
    clean = {"GIT_CONFIG_NOSYSTEM": "1", **clean}
    places = find_places(root)
    if level.name == "bubblewrap":
        order["filter"] = True
        line = bubblewrap.wrap(level.program, argv, places, cwd, scratch, clean, socket=socket)
        return Prepared(level, line, cwd, clean, order)
    if level.name in ("docker", "podman"):
        assert policy is not None
        line = container.wrap(
            level.program[0],
            argv,
            places,
            cwd,
            scratch,
            clean,
            image=policy.image,
            name=scratch.name,
            memory_mb=bounds.memory_mb,
            processes=bounds.processes,
            socket=socket,
        )
        order["afterwards"] = container.remove(level.program[0], scratch.name)
        # What is started here only asks for the container, and finds its daemon and its images as its user does.
        order["limits"] = {}
        return Prepared(level, line, cwd, dict(os.environ), order)
    if socket and not level.namespaces:
        raise SandboxNeeded(
            "sandbox.domains cannot be kept here: Landlock knows ports, not hosts, and the system gives no network "
            "of its own.",
            "Install bubblewrap where namespaces are allowed, leave the domains out, or use --unsafe.",
        )
    order["confine"] = Confinement(
        namespaces=level.namespaces,
        readable=[
            *SYSTEM,
            *(f"/etc/{name}" for name in ETC),
            *(f"/proc/{name}" for name in PROC),
            "/sys/devices/system/cpu",
            *map(str, places.readable),
        ],
        writable=[str(root), str(home)],
        kept=[str(place) for place in places.kept if not place.is_symlink()],
        shared_memory=str(shared),
        socket=socket,
        port=bubblewrap.PORT,
    )
    return Prepared(level, argv, cwd, clean, order)


def _environment(home: str) -> dict[str, str]:
    """Nothing is inherited: keys and tokens live in the environment of Nexus."""
    bin_folder = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([bin_folder, *_SYSTEM_PATH]),
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def _proxied(address: str) -> dict[str, str]:
    # Programs read one spelling or the other.
    names = [spelt for name in ("HTTP_PROXY", "HTTPS_PROXY") for spelt in (name, name.lower())]
    return {**dict.fromkeys(names, address), "NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}


def _limits(timeout: float, bounds: Bounds) -> dict[str, int]:
    return {
        "RLIMIT_AS": bounds.memory_mb << 20,
        # The kernel adds up the seconds of all threads of a process, so the bound is that of all cores.
        "RLIMIT_CPU": math.ceil(timeout * (os.cpu_count() or 1)) + 1,
        "RLIMIT_FSIZE": bounds.file_mb << 20,
        "RLIMIT_NPROC": bounds.processes,
        "RLIMIT_NOFILE": 1024,
    }
