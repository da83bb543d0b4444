"""A view of the system of its own for a command, where the kernel gives one: read-only, and without a network.

Landlock cannot take a folder out of one that it gives, and does not hold modes and times of files. A mount can.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Sequence

from tools.sandbox.syscalls import ARCHITECTURES, NUMBERS

__all__ = ["drop_capabilities", "enter", "isolate_files"]

# linux/sched.h
NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_NETWORK = 0x00020000, 0x08000000, 0x10000000, 0x40000000
# linux/mount.h
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
ATTR_READ_ONLY, AT_RECURSIVE, AT_FDCWD = 1, 0x8000, -100
# linux/sockios.h, linux/if.h
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# linux/prctl.h, linux/capability.h
PR_CAPBSET_DROP, CAPABILITY_VERSION_3 = 24, 0x20080522


def enter() -> None:
    """Give this process mounts, IPC and a network of its own, the network with loopback alone.

    Root needs no user namespace for it, and keeps its files' owners that way.

    Raises:
        OSError: The system does not let it.
    """
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    wanted = NEW_MOUNTS | NEW_IPC | NEW_NETWORK
    if user != 0 or libc.unshare(wanted):
        _check(libc.unshare(wanted | NEW_USER))
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    _set_loopback_up()


def isolate_files(writable: Sequence[str], kept: Sequence[str], shared_memory: str) -> None:
    """Make all mounts read-only but some folders, and these without what must be kept.

    Args:
        writable: Folders that stay as they are.
        kept: Files and folders below them that are read-only all the same.
        shared_memory: The folder that takes the place of /dev/shm.

    Raises:
        OSError: The system does not let it.
    """
    _mount(None, "/", MS_REC | MS_PRIVATE)
    for folder in writable:
        _mount(folder, folder, MS_BIND | MS_REC)
    if os.path.isdir("/dev/shm"):  # noqa: PTH112 - pathlib alone takes longer to import than all of this
        _mount(shared_memory, "/dev/shm", MS_BIND)
    for path in kept:
        _mount(path, path, MS_BIND | MS_REC)
    _set_read_only("/", True)
    for folder in (*writable, "/dev/shm"):
        if os.path.isdir(folder):  # noqa: PTH112
            _set_read_only(folder, False)
    for path in kept:
        _set_read_only(path, True)


def drop_capabilities() -> None:
    """Give up every capability, for the program that is executed next too, even where this is root."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # EINVAL past the last one
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION_3, 0), 8)
    _check(libc.syscall(_number("capset"), header, ctypes.create_string_buffer(24)))


def _set_loopback_up() -> None:
    import _socket  # without `socket`, which takes longer to import than all of this

    control = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    request = struct.pack("16sH22x", b"lo", 0)
    (flags,) = struct.unpack_from("H", fcntl.ioctl(control.fileno(), SIOCGIFFLAGS, request), 16)
    fcntl.ioctl(control.fileno(), SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))
    control.close()


def _mount(source: str | None, target: str, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    where = None if source is None else os.fsencode(source)
    _check(libc.mount(where, os.fsencode(target), None, ctypes.c_ulong(flags), None))


def _set_read_only(path: str, wanted: bool) -> None:
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attributes = struct.pack("=QQQQ", ATTR_READ_ONLY if wanted else 0, 0 if wanted else ATTR_READ_ONLY, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    _check(
        libc.syscall(
            _number("mount_setattr"),
            AT_FDCWD,
            os.fsencode(path),
            AT_RECURSIVE,
            ctypes.create_string_buffer(attributes, len(attributes)),
            ctypes.c_size_t(len(attributes)),
        )
    )


def _number(name: str) -> int | None:
    return NUMBERS[name][ARCHITECTURES[os.uname().machine][1]]


def _write(path: str, text: str) -> None:
    place = os.open(path, os.O_WRONLY)
    try:
        os.write(place, text.encode())
    finally:
        os.close(place)


def _check(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
