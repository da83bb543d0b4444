"""Landlock: the kernel holds a process, and all that it starts, to the files that rules name (landlock(7)).

Rules can only give, and what a rule gives on a folder holds for all below it. Paths may still be looked up: whether a
file exists, its size and its times can be seen everywhere.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from tools.sandbox.syscalls import ARCHITECTURES, NUMBERS

__all__ = ["NEEDED", "READ", "WRITE", "Ruleset", "abi"]

NEEDED = 6
"""The first ABI that keeps signals and abstract sockets within the sandbox (Linux 6.12)."""

# LANDLOCK_ACCESS_FS_* of linux/landlock.h
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
EVERYTHING = (1 << 16) - 1
"""All rights on files that ABI 5 and later know."""

ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = EVERYTHING & ~IOCTL_DEV

TCP = 0b11
"""LANDLOCK_ACCESS_NET_BIND_TCP and CONNECT_TCP."""

SCOPES = 0b11
"""LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and SIGNAL."""

CREATE_VERSION = 1
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38


def abi() -> int:
    """Return the version of Landlock in this kernel; 0 where there is none."""
    if os.uname().sysname != "Linux" or os.uname().machine not in ARCHITECTURES:
        return 0
    return max(0, _call("landlock_create_ruleset", None, ctypes.c_size_t(0), CREATE_VERSION, check=False))


class Ruleset:
    """What a process is to be held to.

    Args:
        network: Whether the network is the process' own, so that TCP need not be held.

    Raises:
        OSError: The kernel has no Landlock, or an older one.
    """

    def __init__(self, *, network: bool) -> None:
        attributes = struct.pack("=QQQ", EVERYTHING, 0 if network else TCP, SCOPES)
        self._ruleset = _call(
            "landlock_create_ruleset",
            ctypes.create_string_buffer(attributes, len(attributes)),
            ctypes.c_size_t(len(attributes)),
            0,
        )

    def allow(self, paths: Iterable[str], rights: int) -> None:
        """Give rights on files and on folders with all below them; what is missing is passed over."""
        for path in paths:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            given = rights if stat.S_ISDIR(os.fstat(place).st_mode) else rights & ON_FILES
            rule = struct.pack("=Qi", given, place)
            _call(
                "landlock_add_rule", self._ruleset, RULE_PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0
            )
            os.close(place)

    def enforce(self) -> None:
        """Hold this process and all that it starts to it, for good."""
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _call("landlock_restrict_self", self._ruleset, 0)
        os.close(self._ruleset)


def _call(name: str, *arguments: object, check: bool = True) -> int:
    number = NUMBERS[name][ARCHITECTURES[os.uname().machine][1]]
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.syscall(number, *arguments)
    if check and answer < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return answer
