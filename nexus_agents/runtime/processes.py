"""This process and others, as the runs table names them."""

from __future__ import annotations

import os

from nexus_agents.core.runs import Owner

__all__ = ["is_alive", "owner"]


def owner() -> Owner:
    """Return this process, as the runs table names it."""
    import socket

    import psutil

    started = psutil.Process().create_time()
    return Owner(host=socket.gethostname(), pid=os.getpid(), started=started, since_boot=started - psutil.boot_time())


def is_alive(owner: Owner) -> bool:
    """Return whether a process of this machine is still there, and not another one under its number."""
    import psutil

    try:
        process = psutil.Process(owner.pid)
        started = process.create_time()
        # Linux counts from the start of the machine and macOS from the epoch: setting the clock moves one of the two.
        same = abs(started - owner.started) <= 1.0 or (
            owner.since_boot is not None and abs(started - psutil.boot_time() - owner.since_boot) <= 0.1
        )
        # A zombie has ended; only its parent has not looked yet.
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
