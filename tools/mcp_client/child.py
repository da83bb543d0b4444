"""Becomes the program of an MCP server, and sees to it that this does not outlive Nexus.

Started as `python -I -S child.py PID COMMAND...`. A server ends when its standard input is closed, as the kernel does
when Nexus is killed; one that does not heed that is killed with Nexus, on Linux.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, command: list[str]) -> None:
    """Replace this process by a command; returns only where there is no such program."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
