"""kill -9 and signals: of the face, of a worker, of the host, of the speech process; nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from face_parts import OpenFace, collect, effects, held, processes_of, release, request, until

from nexus_agents.core.events import RunFinished
from nexus_agents.core.runs import Run
from nexus_agents.runtime.consents import clip_facts, read_record
from nexus_agents.runtime.desk import Desk, ensure_host
from nexus_agents.runtime.live import host_path, socket_path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

FACE = """
import asyncio, sys
from nexus_agents.runtime.desk import open_desk
async def main():
    async with open_desk() as desk:
        run = await desk.start(sys.argv[1])
        print(run.id, flush=True)
        async for event in desk.watch(run.id):
            pass
asyncio.run(main())
"""


async def worker_of(desk: Desk, run: Run) -> psutil.Process:
    found = await desk.runtime.memory.runs.get(run.id)
    assert found
    assert found.owner
    return psutil.Process(found.owner.pid)


def kill(process: psutil.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_killed_face_leaves_the_run_at_work(home: Path, face: OpenFace) -> None:
    work = request([("mark", {"text": "once"})], [("hold", {"file": "go"})])
    process = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", FACE, work], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    run_id = (await asyncio.to_thread(process.stdout.readline)).strip()
    async with face() as desk:
        run = await desk.runtime.memory.runs.get(run_id)
        assert run
        await asyncio.to_thread(until, Path(run.workspace, "go-held").exists)
        process.kill()
        process.wait()
        assert await desk.unfinished() == []
        release(run)
        events = await collect(desk, run_id)
    assert events[-1].status == "done"
    assert effects(run.workspace) == ["once"]


async def test_a_killed_worker_is_noticed_and_its_run_goes_on(warm: Path, face: OpenFace) -> None:
    async with face() as desk:
        calls = [("run_command", {"command": "sh -c 'test -e again || { touch again; sleep 321; }'"})]
        run = await desk.start(request([("mark", {"text": "once"})], calls), approved=["execute"])
        worker = await worker_of(desk, run)
        await asyncio.to_thread(until, lambda: any("321" in child.cmdline() for child in worker.children(True)))
        children = worker.children(recursive=True)
        watching = asyncio.create_task(collect(desk, run.id))
        await asyncio.sleep(0.2)
        kill(worker)
        begun = time.monotonic()
        events = await watching
        assert time.monotonic() - begun < 2
        assert events[-1].type != "run_finished"
        assert [one.id for one in await desk.unfinished()] == [run.id]
        await asyncio.to_thread(until, lambda: all(is_gone(child) for child in children), 5)
        await desk.work(run.id)
        more = await collect(desk, run.id, after=events[-1].seq)
        assert more[-1].status == "done", more[-1]
        assert effects(run.workspace) == ["once"]


async def test_a_killed_host_leaves_its_runs_and_is_replaced(warm: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await held(desk)
        (host,) = [one for one in processes_of(warm) if is_host(one)]
        worker = await worker_of(desk, run)
        assert worker.ppid() == host.pid
        kill(host)
        await asyncio.to_thread(until, lambda: is_gone(host))
        after = await desk.start(request())
        assert (await collect(desk, after.id))[-1].status == "done"
        release(run)
        assert (await collect(desk, run.id))[-1].status == "done"
        # The next start is warm again.
        await asyncio.to_thread(until, lambda: any(is_host(one) for one in processes_of(warm)))


def is_host(process: psutil.Process) -> bool:
    try:
        return "nexus_agents.runtime.host" in process.cmdline() and process.ppid() == os.getpid()
    except psutil.Error:
        # It has ended since it was listed.
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_a_worker_leaves_a_run_that_goes_on(home: Path, face: OpenFace, number: int) -> None:
    async with face() as desk:
        run = await held(desk)
        worker = await worker_of(desk, run)
        os.kill(worker.pid, signal.SIGHUP)
        await asyncio.sleep(0.2)
        assert not is_gone(worker), "a hang-up is none of a worker's business"
        os.kill(worker.pid, number)
        events = await collect(desk, run.id)
        assert (events[-1].status, bool(events[-1].error.hint)) == ("interrupted", True)
        await asyncio.to_thread(until, lambda: is_gone(worker))
        release(run)
        await desk.work(run.id)
        assert (await collect(desk, run.id))[-1].status == "done"
        assert effects(run.workspace) == ["once"]


async def test_a_second_signal_ends_a_worker_at_once(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await held(desk)
        worker = await worker_of(desk, run)
        for _ in range(2):
            os.kill(worker.pid, signal.SIGTERM)
            await asyncio.sleep(0.05)
        await asyncio.to_thread(until, lambda: is_gone(worker), 3)
        await asyncio.wait_for(collect(desk, run.id), 5)
        assert [one.id for one in await desk.unfinished()] == [run.id]


async def test_a_killed_speech_process_does_not_lose_the_podcast(warm: Path, face: OpenFace) -> None:
    (warm / "agents.yaml").write_text("default_model: builtin:nexus\n")
    async with face() as desk:
        facts = clip_facts(EXAMPLES / "reference.wav")
        await desk.runtime.memory.voices.add_consent(read_record(EXAMPLES / "reference.consent.json", facts))
        what = f"clone this voice {EXAMPLES}/reference.wav and make a podcast about {EXAMPLES}/notes.md"
        run = await desk.start(what)
        worker = await worker_of(desk, run)
        killed: list[int] = []

        def strike() -> bool:
            speech = [one for one in worker.children(True) if "tools.speech.worker" in one.cmdline()]
            for process in speech:
                kill(process)
                killed.append(process.pid)
            return bool(killed)

        await asyncio.to_thread(until, strike)
        events = await collect(desk, run.id)
        if events[-1].status != "done":
            assert events[-1].error.message
            assert events[-1].error.hint
            await desk.work(run.id)
            events = await collect(desk, run.id)
        assert events[-1].status == "done", events[-1]
        assert killed
        (episode,) = [one for one in await desk.runtime.memory.artifacts.list(run.id) if one.path.endswith(".mp3")]
        assert Path(episode.path).stat().st_size == episode.bytes > 10_000


def test_the_host_ends_when_it_is_idle(home: Path) -> None:
    command = [sys.executable, "-P", "-m", "nexus_agents.runtime.host", "0.1"]
    with subprocess.Popen(command) as host:
        until(host_path(home).exists)
        assert host.wait(timeout=20) == 0
    assert not host_path(home).exists()


def test_of_two_hosts_one_stays(home: Path) -> None:
    command = [sys.executable, "-P", "-m", "nexus_agents.runtime.host"]
    both = [subprocess.Popen(command) for _ in range(2)]
    try:
        until(lambda: any(host.poll() is not None for host in both))
        assert host_path(home).exists()
        assert any(host.poll() is None for host in both)
    finally:
        host_path(home).unlink()
        assert [host.wait(timeout=20) for host in both] == [0, 0]


async def test_an_order_that_the_host_did_not_take_in_time_is_void(
    warm: Path, face: OpenFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host,) = [one for one in processes_of(warm) if is_host(one)]
    file = warm / "agents.yaml"
    before = file.read_text()
    async with face() as desk:
        # A run that has failed is worked again by whoever is told to.
        file.write_text(json.dumps({**json.loads(before), "providers": {}}))
        host.suspend()
        try:
            with monkeypatch.context() as hasty:
                hasty.setattr("nexus_agents.runtime.desk.ACCEPTED", 0.2)
                failed = await desk.start(request(say="some words"))
            assert (await collect(desk, failed.id))[-1].status == "failed"
        finally:
            host.resume()
        file.write_text(before)
        run = await desk.start(request(say="some words"))
        assert (await collect(desk, run.id))[-1].status == "done"
        await asyncio.to_thread(until, lambda: all(is_gone(one) for one in host.children()))
        assert sum(isinstance(one, RunFinished) for one in await collect(desk, failed.id)) == 1


async def test_sockets_that_nobody_listens_on_are_in_nobodys_way(home: Path, face: OpenFace) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(host_path(home)))
    async with face() as desk:
        run = await desk.runtime.start(request(say="some words"))
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(socket_path(home, run.id)))
        await desk.work(run.id)
        events = await collect(desk, run.id)
        assert events[-1].status == "done"
        # The stale socket of the host was replaced.
        await asyncio.to_thread(until, lambda: any(is_host(one) for one in processes_of(home)))


async def test_the_home_is_removed_under_a_face(home: Path, face: OpenFace) -> None:
    from nexus_agents.core.errors import NexusError

    async with face() as desk:
        shutil.rmtree(home)
        with pytest.raises(NexusError) as caught:
            await desk.start(request())
        assert caught.value.message
        assert caught.value.hint


def test_a_host_is_left_alone_where_one_listens(warm: Path) -> None:
    before = {one.pid for one in processes_of(warm)}
    for _ in range(3):
        ensure_host(warm)
    assert {one.pid for one in processes_of(warm)} == before


def test_code_that_has_changed_is_not_run_by_an_old_host() -> None:
    from nexus_agents.runtime import host

    assert not host._has_changed(time.time() + 1)
    assert host._has_changed(0.0)
