from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import level, run, run_for, short_level
from tools.sandbox.prepare import Bounds

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of this system lacks it")


async def gone(pid: int, seconds: float = 3.0) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)
                continue
        return True
    return False


async def appears(file: Path, seconds: float = 5.0) -> int:
    """The pid that a command writes into a file."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text().strip()):
            return int(text)
        await asyncio.sleep(0.02)
    raise AssertionError(f"{file} was not written")


async def test_what_a_command_says_and_how_it_ends(tmp_path: Path) -> None:
    done = await run(["sh", "-c", "echo out; echo err >&2; pwd; exit 3"], tmp_path)
    assert (done.returncode, done.stderr) == (3, "err\n")
    assert done.stdout == f"out\n{tmp_path.resolve()}\n"
    assert not done.timed_out
    assert not done.truncated
    assert done.level == level("floor")
    assert done.command == "sh -c 'echo out; echo err >&2; pwd; exit 3'"


async def test_a_command_that_dies_of_a_signal_says_which(tmp_path: Path) -> None:
    assert (await run(["sh", "-c", "kill -SEGV $$"], tmp_path)).returncode == -signal.SIGSEGV


async def test_environment_is_clean_and_home_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    code = "import os, json; print(json.dumps(dict(os.environ))); open(os.environ['HOME'] + '/x', 'w').close()"
    done = await run(["python", "-c", code], tmp_path, env={"MORE": "1"})
    seen = json.loads(done.stdout)
    assert "sk-secret" not in done.stdout
    assert seen["MORE"] == "1"
    assert seen["PATH"].startswith(str(Path(sys.executable).parent))
    assert not Path(seen["HOME"]).exists()
    assert seen["HOME"] == seen["TMPDIR"]


async def test_standard_input_is_empty(tmp_path: Path) -> None:
    assert (await run(["cat"], tmp_path, timeout=5)).returncode == 0


async def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    pieces: list[str] = []
    code = "print('a' * 3_000_000 + 'end')"
    done = await run(["python", "-c", code], tmp_path, output_limit=1000, on_output=pieces.append)
    assert done.truncated
    assert done.stdout.endswith("aend\n")
    assert done.stdout.startswith("[2999004 bytes left out]")
    assert sum(map(len, pieces)) == 3_000_004


async def test_timeout_kills_grandchildren_that_ignore_term(tmp_path: Path) -> None:
    script = (
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 5; done' & while :; do sleep 5; done"
    )
    started = time.monotonic()
    done = await run(["sh", "-c", script], tmp_path, timeout=0.5)
    assert done.timed_out
    assert time.monotonic() - started < 4
    assert await gone(await appears(tmp_path / "pid"))


@linux
async def test_what_left_the_process_group_is_ended_too(tmp_path: Path) -> None:
    script = "setsid sh -c 'echo $$ > pid; exec sleep 60' & sleep 0.3"
    done = await run(["sh", "-c", script], tmp_path, timeout=10)
    assert done.returncode == 0
    assert await gone(await appears(tmp_path / "pid"), 0.5)


async def test_cancel_kills_the_group(tmp_path: Path) -> None:
    work = asyncio.create_task(run(["sh", "-c", "sleep 60 & echo $! > pid; wait"], tmp_path))
    pid = await appears(tmp_path / "pid")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await gone(pid)


async def test_a_cancelled_job_ends_its_command(tmp_path: Path, job) -> None:
    job.policy = SandboxPolicy(level="floor", trusted=True)  # where a pid is that of the system
    work = asyncio.create_task(run_for(job, ["sh", "-c", "echo $$ > pid; exec sleep 60"], tmp_path))
    pid = await appears(tmp_path / "pid")
    job.cancelled = True
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await gone(pid)


async def test_the_command_dies_with_nexus(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib; from tools.sandbox import run\n"
        "asyncio.run(run(['sh', '-c', 'echo $HOME > home; sleep 60 & echo $! > pid; wait'], pathlib.Path('.')))"
    )
    nexus = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=tmp_path)
    pid = await appears(tmp_path / "pid")
    nexus.kill()
    await nexus.wait()
    assert await gone(pid)
    home = Path((tmp_path / "home").read_text().strip())
    for _ in range(50):
        if not home.exists():
            break
        await asyncio.sleep(0.05)
    assert not home.exists()


@linux
async def test_memory_is_bounded(tmp_path: Path) -> None:
    done = await run(["python", "-c", "print('up'); bytearray(1 << 30)"], tmp_path, bounds=Bounds(memory_mb=512))
    assert done.stdout == "up\n"
    assert "MemoryError" in done.stderr


async def test_files_and_cores_are_bounded(tmp_path: Path) -> None:
    code = "import resource as r; print(*(r.getrlimit(n)[1] for n in (r.RLIMIT_FSIZE, r.RLIMIT_CORE, r.RLIMIT_NOFILE)))"
    size, core, files = map(int, (await run(["python", "-c", code], tmp_path)).stdout.split())
    assert (size, core) == (512 << 20, 0)
    assert 0 < files <= 1024


async def test_numpy_works_under_the_default_limits(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    code = "import numpy as n; a = n.ones((300, 300)); print(int((a @ a).sum()))"
    assert (await run([sys.executable, "-c", code], tmp_path)).stdout == "27000000\n"


async def test_no_program_and_no_folder_are_refused(tmp_path: Path) -> None:
    for argv in ([], [" "], ["no-such-program"], ["./no-such-script"], ["sh", "a\0b"]):
        with pytest.raises(ToolInputError) as caught:
            await run(argv, tmp_path)
        assert caught.value.hint
    with pytest.raises(WorkspaceError):
        await run(["true"], tmp_path / "missing")


async def test_a_file_that_is_no_program_is_reported(tmp_path: Path) -> None:
    script = tmp_path / "odd"
    script.write_bytes(b"\x00\x01")
    script.chmod(0o755)
    done = await run(["./odd"], tmp_path)
    assert done.returncode == 126
    assert "odd" in done.stderr


async def test_many_at_once_do_not_mix(tmp_path: Path) -> None:
    dones = await asyncio.gather(*(run(["sh", "-c", f"echo {n}"], tmp_path) for n in range(8)))
    assert [done.stdout for done in dones] == [f"{n}\n" for n in range(8)]


async def test_an_error_of_the_listener_is_raised_and_the_command_ended(tmp_path: Path) -> None:
    def fail(piece: str) -> None:
        raise RuntimeError(piece)

    started = time.monotonic()
    with pytest.raises(RuntimeError, match="hello"):
        await run(["sh", "-c", "echo hello; sleep 30"], tmp_path, on_output=fail)
    assert time.monotonic() - started < 5


async def test_it_works_where_the_event_loop_is_not_in_the_main_thread(tmp_path: Path) -> None:
    def in_thread() -> str:
        return asyncio.run(run(["sh", "-c", "sleep 0.2; echo alive"], tmp_path)).stdout

    assert await asyncio.to_thread(in_thread) == "alive\n"


def test_the_floor_says_what_it_does_not_hold() -> None:
    assert "no isolation of files or network" in level("floor")


@linux
async def test_two_commands_in_one_workspace_do_not_disturb_each_other(tmp_path: Path) -> None:
    policy = SandboxPolicy(trusted=True)
    short = [run(["true"], tmp_path, policy=policy) for _ in range(3)]
    long = run(["sh", "-c", "sleep 0.6; mkdir .git/hooks; ls -A"], tmp_path, policy=policy)
    *_, last = await asyncio.gather(*short, long)
    if short_level() == "bubblewrap":
        assert last.stdout == ".git\n"
    assert list(tmp_path.iterdir()) == []
