"""What programs that agents run are held to, as the run says it: settings, and what people have allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SandboxLevel", "SandboxPolicy"]

SandboxLevel = Literal["auto", "bubblewrap", "landlock", "docker", "podman", "floor"]
"""`auto` is bubblewrap where it can be used, else Landlock, else the floor."""


@dataclass(frozen=True)
class SandboxPolicy:
    """What a run says of the programs that its tools start.

    Attributes:
        level: The level that is wanted.
        domains: Names of hosts that programs may reach, `*.` in front for all below one.
        memory_mb: Address space of each process, and memory of all together (MiB).
        image: For docker and podman.
        unsafe: Whether a person allowed code that a model wrote to run below a full level.
        trusted: Whether no language model writes code in this run: every role is played by a built-in model.
    """

    level: SandboxLevel = "auto"
    domains: tuple[str, ...] = ()
    memory_mb: int = 4096
    image: str = "python:3.12-slim"
    unsafe: bool = False
    trusted: bool = False

    @property
    def floor_allowed(self) -> bool:
        """Whether code may run where nothing but limits holds it."""
        return self.unsafe or self.trusted
