"""The filter is read as the kernel reads it, for both machines; that the kernel takes it is what attacks show."""

from __future__ import annotations

import errno
import struct

import pytest

from tools.sandbox import seccomp
from tools.sandbox.syscalls import ARCHITECTURES, NUMBERS

ALLOWED = 0x7FFF0000
MACHINES = sorted(ARCHITECTURES)


def answer(code: bytes, machine: str, name: str | int, *arguments: int) -> int:
    """Run a filter on one call: 0 where it is let through, else the error that it is answered with; -1 for none."""
    architecture, place = ARCHITECTURES[machine]
    number = name if isinstance(name, int) else NUMBERS[name][place]
    data = struct.pack("=iIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    program = list(struct.iter_unpack("=HBBI", code))
    at, accumulator = 0, 0
    while True:
        operation, taken, otherwise, value = program[at]
        at += 1
        if operation == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == seccomp.AND:
            accumulator &= value
        elif operation == seccomp.RETURN:
            if value == ALLOWED:
                return 0
            return (value & 0xFFFF) or -1
        else:
            holds = {
                seccomp.JUMP_EQUAL: accumulator == value,
                seccomp.JUMP_AT_LEAST: accumulator >= value,
                seccomp.JUMP_ANY_BIT: bool(accumulator & value),
            }[operation]
            at += taken if holds else otherwise


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


def strict(machine: str) -> bytes:
    return seccomp.program(unix=False, network=False, metadata=False, machine=machine)


def loose(machine: str) -> bytes:
    return seccomp.program(unix=True, network=True, metadata=True, machine=machine)


def test_what_is_never_let_through(machine: str) -> None:
    place = ARCHITECTURES[machine][1]
    for code in (strict(machine), loose(machine)):
        for name in seccomp.NEVER:
            if NUMBERS[name][place] is not None:
                assert answer(code, machine, name) == errno.EPERM, name
        for name in ("clone3", "memfd_create"):
            assert answer(code, machine, name) == errno.ENOSYS


def test_calls_that_every_program_makes_pass(machine: str) -> None:
    # read, write, openat, execve, futex
    calls = {"x86_64": (0, 1, 257, 59, 202), "aarch64": (63, 64, 56, 221, 98)}[machine]
    for code in (strict(machine), loose(machine)):
        assert [answer(code, machine, number) for number in calls] == [0] * 5


def test_forks_pass_and_namespaces_do_not(machine: str) -> None:
    code = loose(machine)
    assert answer(code, machine, "clone", 0x11) == 0  # SIGCHLD
    assert answer(code, machine, "clone", 0x3D0F00) == 0  # a thread
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(code, machine, "clone", flag | 0x11) == errno.EPERM


def test_limits_are_those_of_oneself_alone(machine: str) -> None:
    code = loose(machine)
    assert answer(code, machine, "prlimit64", 0, 7) == 0
    assert answer(code, machine, "prlimit64", 4711, 7) == errno.EPERM
    assert answer(code, machine, "setpriority", 0, 0, 5) == 0
    assert answer(code, machine, "setpriority", 0, 4711, 5) == errno.EPERM


def test_sockets(machine: str) -> None:
    unix, inet, inet6, netlink, packet, vsock = 1, 2, 10, 16, 17, 40
    code = loose(machine)
    assert [answer(code, machine, "socket", family) for family in (unix, inet, inet6, netlink)] == [0] * 4
    assert [answer(code, machine, "socket", family) for family in (packet, vsock, 38)] == [errno.EPERM] * 3
    code = strict(machine)
    assert {answer(code, machine, "socket", family) for family in (unix, inet, inet6, netlink, vsock)} == {errno.EPERM}
    stream, datagram, sequence, close_on_exec = 1, 2, 5, 0o2000000
    assert answer(code, machine, "socketpair", unix, stream | close_on_exec) == 0
    assert answer(code, machine, "socketpair", unix, sequence) == 0
    assert answer(code, machine, "socketpair", unix, datagram | close_on_exec) == errno.EPERM
    assert answer(loose(machine), machine, "socketpair", unix, datagram) == 0


def test_terminals_cannot_be_typed_into(machine: str) -> None:
    for code in (strict(machine), loose(machine)):
        assert answer(code, machine, "ioctl", 1, 0x5412) == errno.EPERM
        assert answer(code, machine, "ioctl", 1, 0x541C) == errno.EPERM
        assert answer(code, machine, "ioctl", 1, 0x5413) == 0  # its size may be asked for


def test_modes_are_pretended_only_where_nothing_else_holds_them(machine: str) -> None:
    assert answer(strict(machine), machine, "fchmodat", 0) == -1
    assert answer(strict(machine), machine, "setxattr", 0) == errno.ENOTSUP
    assert answer(loose(machine), machine, "fchmodat", 0) == 0


def test_other_machines_and_other_ways_to_call_are_refused() -> None:
    code = loose("x86_64")
    assert answer(code, "aarch64", "clone") == errno.EPERM
    assert answer(code, "x86_64", 0x40000000 + 1) == errno.ENOSYS


def test_it_fits(machine: str) -> None:
    # BPF_MAXINSNS of linux/bpf_common.h, and one write into a pipe.
    assert len(strict(machine)) // 8 < 4096
    assert len(strict(machine)) < 4096
