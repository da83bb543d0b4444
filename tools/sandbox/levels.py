"""Which levels this machine has, tried and not assumed, and which of them a command is held to."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nexus_agents.core.errors import BackendDown, SandboxNeeded
from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import bubblewrap, container, landlock, seccomp
from tools.sandbox.orders import Confinement
from tools.sandbox.places import SYSTEM
from tools.sandbox.trying import why_not

__all__ = ["FLOOR", "Level", "choose", "find_level", "level", "short_level"]

_TRY = """
import json, os, sys
sys.path.append(sys.argv[1])
from tools.sandbox.confine import confine
confine(json.loads(sys.argv[2]))
os.execv("/bin/true", ["true"])
"""


@dataclass(frozen=True)
class Level:
    """A level that this machine has.

    Attributes:
        name: bubblewrap, landlock, docker, podman or floor.
        program: What runs a command at it, with its options.
        namespaces: Whether a command has mounts and a network of its own.
    """

    name: str
    program: tuple[str, ...] = ()
    namespaces: bool = True

    @property
    def full(self) -> bool:
        """Whether code that a model wrote may run at it."""
        return self.name != "floor"

    @property
    def words(self) -> str:
        """What it holds a command to."""
        limits = ["memory", "CPU", "processes", "files", "disk", "time"]
        if not sys.platform.startswith("linux"):
            # macOS takes RLIMIT_AS and does not enforce it, and nothing there is watched.
            limits = ["CPU", "processes", "files", "time"]
        held = f"limits on {', '.join(limits[:-1])} and {limits[-1]}"
        if not self.full:
            return f"floor: own process group, {held}, clean environment, no isolation of files or network"
        alone = "files by Landlock, calls by seccomp" if self.name == "landlock" else "a view of the system of its own"
        network = "no sockets" if self.name == "landlock" and not self.namespaces else "no network"
        return f"{self.name}: {alone}, {network}, no other processes, {held}, clean environment"


FLOOR = Level("floor", namespaces=False)


def level(name: str = "") -> str:
    """Say in words what the sandbox of this machine holds a command to.

    Args:
        name: A level; by default the best that there is.
    """
    found = FLOOR if name == "floor" else find_level(name or "auto")[0]
    return (found or FLOOR).words


def short_level() -> str:
    """Return the name of the best level that this machine has."""
    return (find_level("auto")[0] or FLOOR).name


def choose(policy: SandboxPolicy | None) -> Level:
    """Return the level that a command is held to.

    Args:
        policy: What the run says; None for a program of Nexus that runs no code of the workspace.

    Raises:
        SandboxNeeded: There is no full level, and a person has not allowed code of a model to run without one.
        BackendDown: The level that was named is that of a daemon that does not answer.
    """
    if policy is None:
        return FLOOR
    if policy.level == "floor":
        if not policy.floor_allowed:
            raise SandboxNeeded(
                "agents.yaml says sandbox.level: floor, which does not hold code that a model wrote.",
                "Set it to auto, or allow it for this run with --unsafe.",
            )
        return FLOOR
    found, why = find_level(policy.level)
    if found is not None:
        return found
    if policy.unsafe or (policy.trusted and policy.level == "auto"):
        return FLOOR
    if policy.level in ("docker", "podman"):
        raise BackendDown(f"{why}.", "Start it, or set sandbox.level to auto in agents.yaml.")
    raise SandboxNeeded(
        f"Code that a model wrote has to be held, and nothing here can: {why}.",
        "Install bubblewrap (apt, dnf or pacman install bubblewrap), or allow it for this run with --unsafe.",
    )


def find_level(name: str) -> tuple[Level | None, str]:
    """Return a level of this machine, or why it has it not.

    Args:
        name: bubblewrap, landlock, docker, podman, or auto for the first two in that order.
    """
    if name in ("docker", "podman"):
        program, why = container.find(name)
        return (Level(name, (program,)), "") if program else (None, why)
    reasons: list[str] = []
    if name in ("auto", "bubblewrap"):
        found, why = bubblewrap.find()
        if found and not seccomp.supported():
            found, why = [], "the system calls of this machine are not known"
        if found:
            return Level("bubblewrap", tuple(found)), ""
        reasons.append(f"bubblewrap: {why}")
    if name in ("auto", "landlock"):
        for namespaces in (True, False):
            why = _landlock_fails(namespaces)
            if not why:
                return Level("landlock", namespaces=namespaces), ""
        reasons.append(f"Landlock: {why}")
    return None, "; ".join(reasons)


@functools.cache
def _landlock_fails(namespaces: bool) -> str:
    """Return why a command cannot be held by Landlock, by having one held; nothing where it can."""
    if not sys.platform.startswith("linux"):
        return "it is a part of Linux"
    if not seccomp.supported():
        return "the system calls of this machine are not known"
    version = landlock.abi()
    if version < landlock.NEEDED:
        return f"this kernel has {f'version {version} of it' if version else 'it not'}, and {landlock.NEEDED} is needed"
    with tempfile.TemporaryDirectory(prefix="nexus-") as folder:
        order = Confinement(
            namespaces=namespaces,
            readable=list(SYSTEM),
            writable=[folder],
            kept=[],
            shared_memory=folder,
            socket="",
            port=0,
        )
        root = str(Path(__file__).resolve().parents[2])
        return why_not([sys.executable, "-I", "-S", "-c", _TRY, root, json.dumps(order)])
