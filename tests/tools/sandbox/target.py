"""What attacks aim at, and what came of them, seen from outside the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import resource
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nexus_agents.core.errors import WorkspaceError
from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import Completed, run
from tools.sandbox.levels import FLOOR, Level, find_level
from tools.sandbox.prepare import Bounds

ATTACKS = Path(__file__).with_name("attacks.py")
BOUNDS = Bounds(memory_mb=320, processes=40, disk_mb=48, file_mb=16)
SIZE = 32
GIT = ("plant_hook", "change_settings", "replace_repository")
LISTENERS = {"connect_tcp": "tcp", "send_udp": "udp", "connect_path": "path", "connect_abstract": "abstract"}

VICTIM = """
import ctypes, os, sys, time
held = ctypes.create_string_buffer(os.environ["SECRET"].encode())
print(ctypes.addressof(held), flush=True)
time.sleep(120)
"""


def level_named(column: str) -> Level | None:
    """The level of a column of the table, or None where this machine has it not."""
    if column == "floor":
        return FLOOR
    if column == "landlock alone":
        found = find_level("landlock")[0]
        return Level("landlock", namespaces=False) if found else None
    found = find_level(column)[0]
    return None if column == "landlock" and found and not found.namespaces else found


class Target:
    """A workspace, and around it what nobody in it should reach.

    Args:
        base: An empty folder.
    """

    def __init__(self, base: Path) -> None:
        self.workspace = base / "workspace"
        self.outside = base / "outside"
        self.victim = self.outside / "victim"
        self.key = base / "home" / ".ssh" / "id_ed25519"
        self.secret = secrets.token_hex(SIZE // 2)
        for folder in (self.workspace, self.outside, self.key.parent):
            folder.mkdir(parents=True)
        self.victim.write_text("as it was")
        self.key.write_text(self.secret)
        self.key.chmod(0o600)
        shutil.copy(ATTACKS, self.workspace / "attacks.py")
        environment = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        subprocess.run(["git", "init", "-q", "--template="], cwd=self.workspace, check=True, env=environment)
        self._sockets: dict[str, list[socket.socket]] = {}
        self._listen(base)
        self._process: subprocess.Popen[str] | None = None
        self.shared = Path("/dev/shm", f"nexus-test-{secrets.token_hex(4)}")
        self.segment = -1

    @contextlib.contextmanager
    def lives(self) -> Iterator[Target]:
        """The victim process and the memory that it shares."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        self.segment = libc.shmget(0, SIZE, 0o1600)
        place = libc.shmat(self.segment, None, 0)
        ctypes.memmove(place, self.secret.encode(), SIZE)
        self.shared.write_text(self.secret)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", VICTIM],
            env={"SECRET": self.secret},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        self.address = int(self._process.stdout.readline())
        self.nice = os.getpriority(os.PRIO_PROCESS, self._process.pid)
        os.environ["NEXUS_TEST_KEY"] = self.secret
        try:
            yield self
        finally:
            del os.environ["NEXUS_TEST_KEY"]
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            libc.shmctl(self.segment, 0, None)
            self.shared.unlink(missing_ok=True)
            for sockets in self._sockets.values():
                for one in sockets:
                    one.close()

    def clear(self) -> None:
        """Take away what an attack has left in the workspace."""
        for path in self.workspace.iterdir():
            if path.name not in (".git", "attacks.py"):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    async def outcome(self, name: str, level: Level) -> str:
        """Have an attack made at a level and say what came of it: blocked, ended or open."""
        assert self._process is not None
        before = self._state()
        repository = (self.workspace / ".git").stat().st_ino
        try:
            done: Completed | None = await run(
                [sys.executable, "-I", "-S", "attacks.py", name, json.dumps(self._told())],
                self.workspace,
                timeout=0.6 if name == "use_time" else 25.0,
                bounds=BOUNDS,
                output_limit=100_000,
                policy=SandboxPolicy(trusted=True),
                level=level,
            )
        except WorkspaceError:
            if name not in GIT:
                raise
            done = None
        if name in GIT:
            same = (self.workspace / ".git").stat().st_ino == repository and before == self._state()
            return "open" if not same else "ended" if done is None else "blocked"
        assert done is not None
        assert "Traceback" not in done.stderr or name in ("fork_bomb", "fill_disk", "fill_unnamed"), done.stderr
        if await self._harmed(name, done, before):
            return "open"
        return "ended" if done.limit or done.timed_out else "blocked"

    async def _harmed(self, name: str, done: Completed, before: dict[str, Any]) -> bool:
        output = done.stdout + done.stderr
        assert self._process is not None
        if name == "read_shadow":
            return Path("/etc/shadow").read_bytes()[:20].decode() in output
        if name in LISTENERS:
            return any(_got(one) for one in self._sockets[LISTENERS[name]])
        if name == "send_signal":
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, 0.2)
            return self._process.poll() is not None
        if name in ("change_python", "gain_rights", "reach_kernel"):
            # Not tried on the machine itself: the attack says what the kernel answered.
            return any(word in output for word in ("opened", "entered", "changed", "reached"))
        if name == "outlive":
            alive = self.workspace / "alive"
            before_pause = alive.stat().st_size
            assert before_pause
            await asyncio.sleep(0.25)
            return alive.stat().st_size != before_pause
        if name == "flood_output":
            return not done.truncated or len(done.stdout) > 101_000
        if name in ("use_time", "fork_bomb", "memory_bomb", "fill_disk", "fill_unnamed"):
            return "done" in done.stdout and not done.limit
        return self.secret in output or self._state() != before

    def _state(self) -> dict[str, Any]:
        """Everything that must be as it was."""
        assert self._process is not None
        state: dict[str, Any] = {}
        for path in (self.outside, *sorted(self.outside.iterdir())):
            found = path.lstat()
            times = (found.st_mtime_ns,) if path == self.victim else ()
            state[str(path)] = (found.st_mode, found.st_uid, os.listxattr(path), *times)
        state["victim"] = self.victim.read_text() if self.victim.exists() else None
        git = self.workspace / ".git"
        for name in ("config", "config.worktree", "hooks/pre-commit"):
            state[name] = (git / name).read_bytes() if (git / name).exists() else None
        with contextlib.suppress(OSError):
            pid = self._process.pid
            state["limits"] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            state["priority"] = os.getpriority(os.PRIO_PROCESS, pid), os.sched_getscheduler(pid)
        return state

    def _told(self) -> dict[str, Any]:
        assert self._process is not None
        return {
            "outside": str(self.outside),
            "victim": str(self.victim),
            "key": str(self.key),
            "tcp": self._sockets["tcp"][0].getsockname()[1],
            "udp": self._sockets["udp"][0].getsockname()[1],
            "path": self._sockets["path"][0].getsockname(),
            "datagrams": self._sockets["path"][1].getsockname(),
            "abstract": self._sockets["abstract"][0].getsockname()[1:].decode(),
            "pid": self._process.pid,
            "address": self.address,
            "size": SIZE,
            "segment": self.segment,
            "shared": str(self.shared),
        }

    def _listen(self, base: Path) -> None:
        for name, family, kind, address in (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("path", socket.AF_UNIX, socket.SOCK_STREAM, str(base / "stream.sock")),
            ("path", socket.AF_UNIX, socket.SOCK_DGRAM, str(base / "datagram.sock")),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0nexus-test-{secrets.token_hex(4)}"),
        ):
            one = socket.socket(family, kind)
            one.bind(address)
            if kind == socket.SOCK_STREAM:
                one.listen()
            self._sockets.setdefault(name, []).append(one)


def _got(one: socket.socket) -> bool:
    return bool(select.select([one], [], [], 0)[0])


class Targets:
    """Targets, one after the other: what was hit is not aimed at again.

    Args:
        base: An empty folder.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._made = 0
        self._stack = contextlib.ExitStack()
        self._target: Target | None = None

    async def outcome(self, name: str, level: Level) -> str:
        """See `Target.outcome`."""
        if self._target is None:
            self._made += 1
            self._target = self._stack.enter_context(Target(self._base / str(self._made)).lives())
        outcome = await self._target.outcome(name, level)
        if outcome == "blocked" and name not in GIT:
            self._target.clear()
        else:
            self.close()
        return outcome

    def close(self) -> None:
        """End the victim."""
        self._target = None
        self._stack.close()


async def _all(base: Path, columns: list[str], names: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    targets = Targets(base)
    with contextlib.closing(targets):
        for column in columns:
            if level := level_named(column):
                found[column] = {name: await targets.outcome(name, level) for name in names}
    return found


if __name__ == "__main__":
    signal.alarm(120)
    print(json.dumps(asyncio.run(_all(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(",")))))  # noqa: T201
