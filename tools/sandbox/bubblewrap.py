"""The command line of bubblewrap that holds a command to its level."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.sandbox.places import ETC, SYSTEM, Places
from tools.sandbox.scratch import own_folders
from tools.sandbox.supervise import FILTER
from tools.sandbox.trying import why_not

__all__ = ["FORWARD", "HOME", "PORT", "find", "wrap"]

HOME = "/tmp"
"""Where a command in a view of its own finds its own folder."""

PORT = 3128
"""On loopback in the network of the command: where it finds the proxy."""

FORWARD = Path(__file__).with_name("forward.py")
"""Carries connections from that port to the socket of the proxy."""

PROGRAMS = ("/usr/local/bin", "/usr/bin", "/bin")


@functools.cache
def find() -> tuple[list[str], str]:
    """Find a bubblewrap that works here, by having it run something.

    Returns:
        The program with the options that this version and system take, and no reason; or no program, and why.
    """
    # From folders of the system only: one that lies in a workspace is somebody else's.
    program = shutil.which("bwrap", path=os.pathsep.join(PROGRAMS))
    if not sys.platform.startswith("linux") or program is None:
        return [], "it is not installed"
    why = ""
    with tempfile.TemporaryDirectory(prefix="nexus-") as place:
        folder = Path(place)
        places = Places(folder, (), ())
        for options in (["--disable-userns"], []):  # versions before 0.8 do not have it; the filter does it too
            tried = [program, *options]
            clean = {"PATH": "/usr/bin:/bin"}
            why = why_not(wrap(tried, ["true"], places, folder, folder, clean, filtered=False))
            if not why:
                return tried, ""
    return [], why


def wrap(
    program: Sequence[str],
    command: Sequence[str],
    places: Places,
    cwd: Path,
    scratch: Path,
    env: Mapping[str, str],
    *,
    socket: str = "",
    filtered: bool = True,
) -> list[str]:
    """Return the command line that runs a command in a view of the system of its own.

    Args:
        program: What `find` found.
        command: What is run.
        places: Where it may look and write.
        cwd: The folder that it runs in, below the root.
        scratch: The folder of the call, which becomes /tmp and /dev/shm.
        env: All variables that it has.
        socket: The socket of the proxy; empty for no network.
        filtered: Whether a seccomp filter comes on the file descriptor `FILTER`.
    """
    argv = [*program, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    argv += ["--unshare-cgroup-try", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--new-session"]
    argv += ["--die-with-parent", "--clearenv", "--hostname", "nexus"]
    for folder in SYSTEM:
        place = Path(folder)
        if place.is_symlink():
            argv += ["--symlink", str(place.readlink()), folder]
        elif place.is_dir():
            argv += ["--ro-bind", folder, folder]
    for name in ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    home, shared = own_folders(scratch)
    argv += ["--bind", str(home), HOME, "--bind", str(shared), "/dev/shm"]
    # After /tmp, below which any of these may lie.
    for place in places.readable:
        argv += ["--ro-bind-try", str(place.resolve()), str(place)]
    argv += ["--bind", str(places.root), str(places.root)]
    for place in places.kept:
        if not place.is_symlink():
            argv += ["--ro-bind-try", str(place), str(place)]
    inner = list(command)
    if socket:
        argv += ["--ro-bind", str(FORWARD), "/run/nexus/forward.py", "--bind", socket, "/run/nexus/proxy"]
        inner = [sys.executable, "-I", "-S", "/run/nexus/forward.py", "/run/nexus/proxy", str(PORT), *inner]
    for name, value in env.items():
        argv += ["--setenv", name, value]
    argv += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(cwd)]
    if filtered:
        argv += ["--seccomp", str(FILTER)]
    return [*argv, "--", *inner]
