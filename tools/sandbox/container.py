"""The command line of docker or podman that holds a command to its level, and whether one of them answers."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.sandbox.bubblewrap import FORWARD, HOME, PORT, PROGRAMS
from tools.sandbox.places import Places
from tools.sandbox.scratch import own_folders

__all__ = ["find", "remove", "wrap"]

PATIENCE = 10.0
"""Seconds that a daemon may take to answer."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@functools.cache
def find(engine: str) -> tuple[str, str]:
    """Find docker or podman and have it say that it can start something.

    Returns:
        The program, and no reason; or nothing, and why.
    """
    program = shutil.which(engine, path=os.pathsep.join(PROGRAMS))
    if program is None:
        return "", f"{engine} is not installed"
    try:
        done = subprocess.run(
            [program, "info"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", f"{engine} does not answer"
    said = done.stderr + done.stdout
    # The client of docker says where it looked and ends well, daemon or not, in some versions.
    if done.returncode != 0 or "Cannot connect" in said or "failed to connect" in said:
        return "", f"the daemon of {engine} does not answer"
    return program, ""


def wrap(
    program: str,
    command: Sequence[str],
    places: Places,
    cwd: Path,
    scratch: Path,
    env: Mapping[str, str],
    *,
    image: str,
    name: str,
    memory_mb: int,
    processes: int,
    socket: str = "",
) -> list[str]:
    """Return the command line that runs a command in a container that is gone afterwards.

    Args:
        program: What `find` found.
        command: What is run; the Python of Nexus is not in an image, which must have its own.
        places: Where it may look and write; only the root and what is kept of it apply.
        cwd: The folder that it runs in, below the root.
        scratch: The folder of the call, which becomes /tmp.
        env: Variables that it has; its PATH is that of the image.
        image: What the container is made of.
        name: Name of the container.
        memory_mb: Most memory of all processes together (MiB).
        processes: Most processes.
        socket: The socket of the proxy; empty for no network.
    """
    home, _ = own_folders(scratch)
    # Without root podman maps its users; files are to be made as the one who runs Nexus.
    mapped = ["--userns", "keep-id"] if Path(program).name == "podman" and os.geteuid() else []
    argv = [program, "run", *mapped, "--rm", "--init", "--name", name, "--network", "none", "--read-only"]
    argv += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{os.getuid()}:{os.getgid()}"]
    argv += ["--memory", f"{memory_mb}m", "--memory-swap", f"{memory_mb}m", "--pids-limit", str(processes)]
    argv += ["--mount", _mount(home, Path(HOME)), "--mount", _mount(places.root, places.root)]
    for place in places.kept:
        if place.exists() and not place.is_symlink():
            argv += ["--mount", _mount(place, place, read_only=True)]
    inner = ["python3" if part == sys.executable else part for part in command[:1]] + list(command[1:])
    if socket:
        argv += ["--mount", _mount(FORWARD, Path("/run/nexus/forward.py"), read_only=True)]
        argv += ["--mount", _mount(Path(socket), Path("/run/nexus/proxy"))]
        inner = ["python3", "-I", "-S", "/run/nexus/forward.py", "/run/nexus/proxy", str(PORT), *inner]
    for variable, value in {**env, "PATH": PATH}.items():
        argv += ["--env", f"{variable}={value}"]
    # The image may name a program of its own that it would start instead.
    return [*argv, "--workdir", str(cwd), "--entrypoint", inner[0], image, *inner[1:]]


def remove(program: str, name: str) -> list[str]:
    """Return the command that ends a container: what was asked to start it may be gone."""
    return [program, "rm", "--force", name]


def _mount(source: Path, target: Path, *, read_only: bool = False) -> str:
    # Read as a line of CSV: paths may hold commas.
    fields = ["type=bind", f"source={source}", f"target={target}", *(["readonly"] if read_only else [])]
    return ",".join('"' + field.replace('"', '""') + '"' if set(field) & set(',"') else field for field in fields)
