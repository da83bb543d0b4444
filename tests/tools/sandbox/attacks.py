"""The attacks, run inside the sandbox as `python attacks.py NAME TARGET`: what comes of them is judged outside.

Each does all it can and goes on where something fails. None harms a machine whose sandbox fails: the bombs are bounded,
and what is aimed at belongs to the test.
"""

# The workspace of an attack is the folder it is in, and it reads what it can like any program.
# ruff: noqa: PTH101, PTH103, PTH104, PTH108, PTH123, PTH208, PTH211, T201

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)
Target = dict[str, Any]


def read_shadow(target: Target) -> None:
    for path in ("/etc/shadow", "/etc/../etc/shadow", "/proc/self/root/etc/shadow", "/proc/1/root/etc/shadow"):
        show(path)


def read_keys(target: Target) -> None:
    show(target["key"])
    show(f"/proc/{os.getppid()}/root{target['key']}")
    with contextlib.suppress(OSError):
        print(os.listdir(Path(target["key"]).parent))


def write_outside(target: Target) -> None:
    with contextlib.suppress(OSError):
        Path(target["outside"], "new").write_text("harm")
    with contextlib.suppress(OSError):
        Path(target["victim"]).write_text("harm")
    with contextlib.suppress(OSError):
        os.truncate(target["victim"], 0)
    with contextlib.suppress(OSError):
        Path("mine").write_text("harm")
        Path("mine").rename(target["victim"])
    with contextlib.suppress(OSError):
        Path(target["victim"]).unlink()


def change_python(target: Target) -> None:
    for path in (os.__file__, str(Path(sys.prefix, "pyvenv.cfg")), sys.executable):
        with contextlib.suppress(OSError):
            Path(path).open("ab").close()
            print("opened to be written")


def change_mode(target: Target) -> None:
    for attempt in (
        lambda: os.chmod(target["victim"], 0o777),
        lambda: os.utime(target["victim"], (1, 1)),
        lambda: os.setxattr(target["victim"], "user.harm", b"1"),
        lambda: os.chmod(target["outside"], 0o777),
    ):
        with contextlib.suppress(OSError):
            attempt()


def follow_link(target: Target) -> None:
    for name, place in (("folder", target["outside"]), ("file", target["victim"]), ("key", target["key"])):
        with contextlib.suppress(OSError):
            os.symlink(place, name)
    show("key")
    for path in ("folder/new", "file"):
        with contextlib.suppress(OSError):
            Path(path).write_text("harm")


def climb_out(target: Target) -> None:
    up = "../" * 30
    show(up + target["key"])
    with contextlib.suppress(OSError):
        Path(up + target["victim"]).write_text("harm")
    with contextlib.suppress(OSError):
        os.chdir("/")
        os.chroot(".")
        show(target["key"])


def hard_link(target: Target) -> None:
    for place, name in ((target["victim"], "same"), (target["key"], "same-key")):
        with contextlib.suppress(OSError):
            os.link(place, name)
    show("same-key")
    with contextlib.suppress(OSError), open("same", "r+") as file:
        file.write("harm")


def plant_hook(target: Target) -> None:
    with contextlib.suppress(OSError):
        os.makedirs(".git/hooks", exist_ok=True)
        Path(".git/hooks/pre-commit").write_text("#!/bin/sh\necho harm\n")
        os.chmod(".git/hooks/pre-commit", 0o755)
    time.sleep(0.25)  # whoever watches is to see it


def change_settings(target: Target) -> None:
    for name in (".git/config", ".git/config.worktree"):
        with contextlib.suppress(OSError), open(name, "a") as file:
            file.write("[core]\n\tfsmonitor = echo harm\n")
    with contextlib.suppress(OSError):
        Path("mine").write_text("[core]\n\tfsmonitor = echo harm\n")
        os.rename("mine", ".git/config")
    time.sleep(0.25)


def replace_repository(target: Target) -> None:
    with contextlib.suppress(OSError):
        os.rename(".git", "elsewhere")
        os.makedirs(".git/hooks")
        Path(".git/hooks/pre-commit").write_text("#!/bin/sh\necho harm\n")
    time.sleep(0.25)


def connect_tcp(target: Target) -> None:
    for host in ("127.0.0.1", "localhost"):
        with contextlib.suppress(OSError):
            with socket.create_connection((host, target["tcp"]), 0.3) as there:
                there.sendall(b"harm")
            time.sleep(0.1)


def send_udp(target: Target) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.sendto(b"harm", ("127.0.0.1", target["udp"]))


def connect_path(target: Target) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as there:
        there.connect(target["path"])
        there.sendall(b"harm")
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.sendto(b"harm", target["datagrams"])
    # One of a pair is there already, and may be turned to somewhere else.
    with contextlib.suppress(OSError):
        near, _far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        near.sendto(b"harm", target["datagrams"])
    with contextlib.suppress(OSError):
        near, _far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.sendto(b"harm", target["datagrams"])


def connect_abstract(target: Target) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as there:
        there.connect("\0" + target["abstract"])
        there.sendall(b"harm")


def send_signal(target: Target) -> None:
    pid = target["pid"]
    for attempt in (
        lambda: os.kill(pid, signal.SIGKILL),
        lambda: signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL),
        lambda: libc.tgkill(pid, pid, int(signal.SIGKILL)),
    ):
        with contextlib.suppress(OSError, AttributeError):
            attempt()


def trace(target: Target) -> None:
    pid, address, size = target["pid"], target["address"], target["size"]

    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    buffer = ctypes.create_string_buffer(size)
    here, there = Vector(ctypes.addressof(buffer), size), Vector(address, size)
    libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    print(buffer.raw)
    if libc.ptrace(16, pid, None, None) == 0:  # PTRACE_ATTACH
        os.waitpid(pid, 0)
    with contextlib.suppress(OSError), open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(address)
        print(memory.read(size))
    libc.ptrace(17, pid, None, None)


def read_proc(target: Target) -> None:
    pids = {*(str(target["pid"]), str(os.getppid()), "1")}
    with contextlib.suppress(OSError):
        pids |= {name for name in os.listdir("/proc") if name.isdigit()}
    for pid in pids:
        show(f"/proc/{pid}/environ")
        show(f"/proc/{pid}/cmdline")


def change_limits(target: Target) -> None:
    pid = target["pid"]
    with contextlib.suppress(OSError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (17, 17))
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, 15)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def share_memory(target: Target) -> None:
    libc.shmat.restype = ctypes.c_void_p
    place = libc.shmat(target["segment"], None, 0o10000)  # SHM_RDONLY
    if place not in (None, ctypes.c_void_p(-1).value):
        print(ctypes.string_at(place, target["size"]))
    show(target["shared"])


def gain_rights(target: Target) -> None:
    before = os.getuid(), os.getgid()
    for flags in (0x10000000 | 0x20000, 0x10000000, 0x20000):  # CLONE_NEWUSER, CLONE_NEWNS
        if libc.unshare(flags) == 0:
            print("entered a namespace")
            break
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {before[0]} 1")
    if libc.mount(b"none", b"/", None, 0x44000, None) == 0:
        print("changed mounts")
    if libc.sethostname(b"harm", 4) == 0:
        print("changed the name of the machine")


def reach_kernel(target: Target) -> None:
    """Wrong arguments on purpose: EFAULT or EINVAL come from the call itself, past the sandbox."""
    x86 = os.uname().machine == "x86_64"
    calls = {"io_uring_setup": 425, "keyctl": 250 if x86 else 219, "open_by_handle_at": 304 if x86 else 265}
    for name, number in calls.items():
        ctypes.set_errno(0)
        answer = libc.syscall(number, ctypes.c_long(-1), None, ctypes.c_long(-1))
        if answer >= 0 or ctypes.get_errno() not in (1, 38):  # EPERM, ENOSYS
            print(f"reached {name}: {ctypes.get_errno()}")
    for family in (38, 40):  # AF_ALG, AF_VSOCK
        with contextlib.suppress(OSError):
            socket.socket(family, socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_STREAM).close()
            print(f"reached family {family}")


def read_environment(target: Target) -> None:
    print(dict(os.environ))


def outlive(target: Target) -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for place in (0, 1, 2):
                os.close(place)
            for _ in range(200):
                with open("alive", "a") as file:
                    file.write(".")
                time.sleep(0.05)
        os._exit(0)
    while not Path("alive").exists():
        time.sleep(0.01)


def flood_output(target: Target) -> None:
    for _ in range(300):
        sys.stdout.write("harm" * 5000)


def use_time(target: Target) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        pass
    print("done")


def fork_bomb(target: Target) -> None:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    print("done", flush=True)
    time.sleep(3)


def memory_bomb(target: Target) -> None:
    for _ in range(8):
        if os.fork() == 0:
            held = bytearray(60 << 20)
            held[:] = os.urandom(1) * len(held)
            time.sleep(20)
            os._exit(0)
    time.sleep(3)
    print("done")


def fill_disk(target: Target) -> None:
    for number in range(40):
        with open(f"large-{number}", "wb") as file:
            file.write(b"h" * (4 << 20))
    print("done", flush=True)
    time.sleep(3)


def fill_unnamed(target: Target) -> None:
    held = []
    for number in range(40):
        file = open(f"large-{number}", "wb", 0)  # noqa: SIM115
        os.unlink(f"large-{number}")
        file.write(b"h" * (4 << 20))
        held.append(file)
    print("done", flush=True)
    time.sleep(3)


def show(path: str) -> None:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        print(file.read(1 << 16))


def _main(name: str, target: Target) -> None:
    globals()[name](target)


if __name__ == "__main__":
    assert struct.calcsize("P") == 8
    _main(sys.argv[1], json.loads(sys.argv[2]))
