"""A seccomp filter, written as the kernel reads it: a list of classic BPF instructions.

No library for it can be installed with pip everywhere, and what is needed is small: some calls never, a few by one of
their numbers. What a filter cannot see is memory: paths and addresses are the business of the levels themselves.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

from tools.sandbox.syscalls import ARCHITECTURES, NUMBERS

__all__ = ["install", "program", "supported"]

# linux/bpf_common.h
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
# linux/seccomp.h
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2

# struct seccomp_data: nr, arch, instruction_pointer, args[6]; the low half of each argument, both machines being
# little-endian.
NR, ARCH, ARGS = 0, 4, 16

X32 = 0x40000000
"""Set in the numbers of the x32 ABI, which would pass by every rule."""

NAMESPACES = 0x7E020000
"""CLONE_NEW* of linux/sched.h that clone(2) knows: cgroup, UTS, IPC, user, PID, network, mount."""

NEVER = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd"),
    *("migrate_pages", "move_pages", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "fanotify_init", "lookup_dcookie", "syslog", "acct"),
    *("quotactl", "quotactl_fd", "nfsservctl", "vhangup", "uselib", "modify_ldt", "iopl", "ioperm", "mount"),
    *("umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount"),
    *("fspick", "mount_setattr", "unshare", "setns", "name_to_handle_at", "open_by_handle_at", "init_module"),
    *("finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "settimeofday"),
    *("clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "shmget", "shmat", "shmctl"),
    *("semget", "semctl", "semop", "semtimedop", "msgget", "msgctl", "msgsnd", "msgrcv", "mq_open", "mq_unlink"),
)
"""Answered with EPERM."""

UNKNOWN = ("clone3", "memfd_create", "memfd_secret")
"""Answered as by a kernel that does not know them: then programs do without. Flags of clone3 lie in memory."""

OWN_ONLY = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
"""Their first argument is a pid; only 0, oneself, is let through."""

OWN_SECOND = ("setpriority", "ioprio_set")
"""The same by their second argument."""

CONTROLS = (0x5412, 0x541C, 0x40086602, 0x401C5820)
"""TIOCSTI and TIOCLINUX (asm-generic/ioctls.h) type for the person at the terminal; FS_IOC_SETFLAGS and
FS_IOC_FSSETXATTR (linux/fs.h) change files that were opened to be read."""

# linux/socket.h and linux/net.h; the module `socket` takes longer to import than all of this.
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_STREAM, SOCK_SEQPACKET = 1, 5

FAMILIES = (AF_INET, AF_INET6, AF_NETLINK)
"""With a network of their own programs may have these; netlink lists its interfaces."""

PRETENDED = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes"),
    *("futimesat", "utimensat"),
)
"""Where nothing but Landlock holds files these are answered as if they were done."""

LABELS = ("setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr")


def supported() -> bool:
    """Return whether the numbers of this machine are known."""
    return os.uname().machine in ARCHITECTURES and struct.pack("=H", 1) == b"\1\0"


def program(*, unix: bool, network: bool, metadata: bool, machine: str = "") -> bytes:
    """Return a filter as an array of `struct sock_filter`.

    Args:
        unix: Whether sockets by path are let through: only where no socket of the system can be seen.
        network: Whether internet sockets are: only where the network is the command's own.
        metadata: Whether modes, owners and times may be changed: only where the system is mounted read-only.
        machine: As `uname` says it; this one by default.
    """
    architecture, place = ARCHITECTURES[machine or os.uname().machine]
    denied = ERRNO | errno.EPERM
    code = [(LOAD, 0, 0, ARCH), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, denied), (LOAD, 0, 0, NR)]
    if place == 0:
        code += [(JUMP_AT_LEAST, 0, 1, X32), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]

    def number(name: str) -> int | None:
        return NUMBERS[name][place]

    def always(names: tuple[str, ...], answer: int) -> None:
        for name in names:
            if (call := number(name)) is not None:
                code.extend([(JUMP_EQUAL, 0, 1, call), (RETURN, 0, 0, answer)])

    def only(name: str, rule: list[tuple[int, int, int, int]]) -> None:
        # What belongs to one call ends with a return, so it can be stepped over as a whole.
        if (call := number(name)) is not None:
            code.extend([(JUMP_EQUAL, 0, len(rule), call), *rule])

    always(NEVER, denied)
    always(UNKNOWN, ERRNO | errno.ENOSYS)
    only("clone", [(LOAD, 0, 0, ARGS), (JUMP_ANY_BIT, 0, 1, NAMESPACES), (RETURN, 0, 0, denied), (RETURN, 0, 0, ALLOW)])
    for names, argument in ((OWN_ONLY, 0), (OWN_SECOND, 1)):
        for name in names:
            load = (LOAD, 0, 0, ARGS + 8 * argument)
            only(name, [load, (JUMP_EQUAL, 1, 0, 0), (RETURN, 0, 0, denied), (RETURN, 0, 0, ALLOW)])
    only("ioctl", [(LOAD, 0, 0, ARGS + 8), *_any(CONTROLS), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, denied)])
    families = [*([AF_UNIX] if unix else []), *(FAMILIES if network else [])]
    only("socket", [(LOAD, 0, 0, ARGS), *_any(families), (RETURN, 0, 0, denied), (RETURN, 0, 0, ALLOW)])
    if not unix:
        # One of a pair of datagram sockets can be connected anew, to any path.
        kinds = _any([SOCK_STREAM, SOCK_SEQPACKET])
        only(
            "socketpair",
            [(LOAD, 0, 0, ARGS + 8), (AND, 0, 0, 0xF), *kinds, (RETURN, 0, 0, denied), (RETURN, 0, 0, ALLOW)],
        )
    if not metadata:
        always(PRETENDED, ERRNO)
        always(LABELS, ERRNO | errno.ENOTSUP)
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def install(code: bytes) -> None:
    """Hold this process and all that it starts to a filter; `no_new_privs` is set.

    Raises:
        OSError: The kernel refuses it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    instructions = ctypes.create_string_buffer(code, len(code))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    described = Filter(len(code) // 8, ctypes.addressof(instructions))
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(described), 0, 0):
        raise OSError(ctypes.get_errno(), "the seccomp filter was refused")


def _any(values: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Jump over the next instruction where the value that was loaded is one of these."""
    return [(JUMP_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
