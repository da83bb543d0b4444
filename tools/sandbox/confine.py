"""Holds the process that is about to become a command to the Landlock level."""

from __future__ import annotations

import os

from tools.sandbox.landlock import READ, WRITE, Ruleset
from tools.sandbox.namespaces import drop_capabilities, enter, isolate_files
from tools.sandbox.seccomp import install, program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tools.sandbox.orders import Confinement

__all__ = ["confine"]

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def confine(order: Confinement) -> None:
    """Hold this process, and all that it starts, to what an order gives.

    Raises:
        OSError: The system does not let it; then nothing may be executed.
    """
    cwd = os.getcwd()  # noqa: PTH109 - pathlib alone takes longer to import than all of this
    shared: list[str] = []
    if order["namespaces"]:
        enter()
        if order["socket"]:
            _forward(order["port"], order["socket"])
        isolate_files(order["writable"], order["kept"], order["shared_memory"])
        # The folder that this process is in lies on the mount that is read-only now.
        os.chdir(cwd)
        shared.append("/dev/shm")
    own = order["namespaces"]
    rules = Ruleset(network=own)
    rules.allow(order["readable"], READ)
    rules.allow(DEVICES, WRITE)
    rules.allow([*order["writable"], *shared], WRITE)
    drop_capabilities()
    rules.enforce()
    install(program(unix=False, network=own, metadata=own))


def _forward(port: int, path: str) -> None:
    """Leave a process behind that carries connections out of the network of this one."""
    from tools.sandbox.forward import listen, serve

    listener = listen(port)
    between = os.fork()
    if between == 0:
        # Twice forked, it is no child of the command, which may wait for all of its own.
        if os.fork() == 0:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for place in (0, 1, 2):
                os.dup2(nowhere, place)
            serve(listener, path)
        os._exit(0)
    os.waitpid(between, 0)
    listener.close()
