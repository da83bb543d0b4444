"""What else can happen to a run while a face is open: clocks, folders, settings, model servers, sockets."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from face_parts import OpenFace, collect, effects, end_all, held, kept, release, request, until

from nexus_agents.core.errors import InputError, NexusError, WorkspaceError
from nexus_agents.core.events import RunFinished
from nexus_agents.core.runs import Run, now
from nexus_agents.runtime import live
from nexus_agents.runtime.desk import Desk
from nexus_agents.runtime.live import LiveServer, socket_path


async def cut_off(desk: Desk) -> Run:
    """Start a run and kill the process that works on it."""
    run = await held(desk)
    found = await desk.runtime.memory.runs.get(run.id)
    assert found
    assert found.owner
    os.kill(found.owner.pid, signal.SIGKILL)
    await collect(desk, run.id)
    return run


def two_lines(error: NexusError) -> None:
    assert error.message
    assert error.hint
    assert len(str(error).splitlines()) == 2


# -- clocks -----------------------------------------------------------------------------------------


async def test_the_clock_of_a_worker_is_set_back(home: Path, face: OpenFace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with face() as desk:
        first = await desk.start(request())
        await collect(desk, first.id)
        monkeypatch.setenv("CLOCK_SET_BACK", "1")
        run = await held(desk)
        watching = asyncio.create_task(collect(desk, run.id))
        release(run)
        events = await asyncio.wait_for(watching, 20)
        numbered = [event for event in events if event.seq]
        assert kept(events) == list(range(1, len(numbered) + 1))
        assert numbered[-1].at < numbered[0].at
        assert events[-1].status == "done"
        assert [one.id for one in await desk.runtime.memory.runs.list()] == [run.id, first.id]
        assert await desk.unfinished() == []


async def test_the_clock_of_the_face_is_set_back(home: Path, face: OpenFace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with face() as desk:
        run = await held(desk)
        begun = psutil.boot_time()
        # The kernel counts the start of processes from the start of the machine, which moves with the clock.
        monkeypatch.setattr(psutil, "boot_time", lambda: begun - 3600)
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: begun - 3600)
        monkeypatch.setattr("nexus_agents.runtime.desk.now", lambda: now() - timedelta(hours=1))
        assert await desk.unfinished() == []
        with pytest.raises(InputError, match="is being worked on by") as caught:
            await desk.work(run.id)
        two_lines(caught.value)
        release(run)
        assert (await asyncio.wait_for(collect(desk, run.id), 20))[-1].status == "done"
        assert effects(run.workspace) == ["once"]
        # A run that was queued in the future, as it seems, is not watched for ever.
        queued = await desk.runtime.start(request())
        assert await asyncio.wait_for(collect(desk, queued.id), 5) == []


# -- folders and settings ---------------------------------------------------------------------------


async def test_a_workspace_that_is_gone_is_told_and_the_run_is_kept(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await cut_off(desk)
        moved = Path(run.workspace).with_name("moved")
        shutil.move(run.workspace, moved)
        with pytest.raises(NexusError, match=r"workspace of run .* is gone") as caught:
            await desk.work(run.id)
        two_lines(caught.value)
        assert caught.value.exit_code == WorkspaceError.exit_code
        assert not Path(run.workspace).exists()
        assert [one.id for one in await desk.unfinished()] == [run.id]
        shutil.move(moved, run.workspace)
        release(run)
        await desk.work(run.id)
        assert (await collect(desk, run.id))[-1].status == "done"
        assert effects(run.workspace) == ["once"]


def broken(settings: dict[str, Any]) -> str:
    return "default_model: [\n"


def wrong_key(settings: dict[str, Any]) -> str:
    return json.dumps({**settings, "retry": 3})


def provider_gone(settings: dict[str, Any]) -> str:
    return json.dumps({**settings, "providers": {}})


def agent_renamed(settings: dict[str, Any]) -> str:
    return json.dumps({**settings, "agents": {"assistent": settings["agents"]["assistant"]}})


def tool_gone(settings: dict[str, Any]) -> str:
    return json.dumps({**settings, "tools": {"mark": "acts:mark"}})


@pytest.mark.parametrize("change", [broken, wrong_key, provider_gone, agent_renamed, tool_gone])
async def test_settings_that_changed_are_told(
    home: Path, face: OpenFace, change: Callable[[dict[str, Any]], str]
) -> None:
    file = home / "agents.yaml"
    before = file.read_text()
    async with face() as desk:
        run = await cut_off(desk)
        seen = (await collect(desk, run.id))[-1].seq
        file.write_text(change(json.loads(before)))
        release(run)
        refused = None
        try:
            await desk.work(run.id)
        except NexusError as error:
            refused = error
        if refused:
            two_lines(refused)
        else:
            (last,) = [one for one in await collect(desk, run.id, after=seen) if isinstance(one, RunFinished)]
            assert last.status == "done" or (last.error and last.error.message)
            assert not last.error or "fault of its own" not in last.error.message
        for log in (home / "logs").iterdir():
            assert "Traceback" not in log.read_text()
        file.write_text(before)
        # Under another name the agent has its usual tools: its model is told so, and the run has ended by that.
        if change is not agent_renamed:
            await desk.work(run.id)
            assert (await collect(desk, run.id))[-1].status == "done"
        assert effects(run.workspace) == ["once"]


# -- sockets ----------------------------------------------------------------------------------------


async def test_without_a_private_folder_a_run_is_watched_by_way_of_the_database(
    home: Path, face: OpenFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_is_private", lambda folder: False)
    async with face() as desk:
        run = await held(desk)
        release(run)
        events = await collect(desk, run.id)
        assert events[-1].status == "done"
        assert kept(events) == list(range(1, len(events) + 1))


async def test_a_home_with_a_long_path(
    home: Path, face: OpenFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long " * 20).strip() / ("名" * 30)
    shutil.copytree(home, long)
    monkeypatch.setenv("NEXUS_HOME", str(long))
    async with face() as desk:
        run = await desk.start(request(say="live words", pause=0.05))
        events = await collect(desk, run.id)
        assert [event.text for event in events if event.type == "text_chunk"] == ["live ", "words "]
        assert run.workspace.startswith(str(long))
    end_all(long)


@pytest.mark.parametrize("runtime_dir", [None, "/proc/nowhere", "/dev/null"])
def test_a_runtime_folder_that_cannot_be_used_is_passed_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, runtime_dir: str | None
) -> None:
    if runtime_dir:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime_dir)
    else:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    folder = socket_path(home, "x").parent
    assert folder.name == f"nexus-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_sockets_lie_in_no_folder_that_another_user_may_enter(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / f"nexus-{os.getuid()}"
    assert socket_path(Path("/h"), "x").parent == folder
    folder.chmod(0o777)
    assert socket_path(Path("/h"), "x").parent != folder
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert socket_path(Path("/h"), "x").parent != folder
    if os.getuid() == 0:
        folder.unlink()
        folder.mkdir(mode=0o700)
        os.chown(folder, 12345, 12345)
        assert socket_path(Path("/h"), "x").parent != folder


async def test_a_server_that_cannot_listen_is_in_nobodys_way(tmp_path: Path) -> None:
    async with LiveServer(tmp_path / ("x" * 150)) as server:
        server.show(RunFinished(run_id="r", status="done"))
        assert await live.connect(tmp_path / ("x" * 150)) is None


async def test_the_server_of_a_run_does_not_take_away_that_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with LiveServer(path):
        second = LiveServer(path)
        await second.__aenter__()
    found = await live.connect(path)
    assert found
    found.close()
    await second.__aexit__()


# -- model servers ----------------------------------------------------------------------------------


class Rude(BaseHTTPRequestHandler):
    """Answers as `mode` says."""

    mode = "healthy"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if Rude.mode == "hang":
            until(lambda: Rude.mode != "hang", 60)
        frame = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
        chunks = [{**frame, "choices": [{"index": 0, "delta": {"content": word}}]} for word in ("Well, ", "hello")]
        chunks.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        body = {"dies": lines[: lines.index("hello")], "nonsense": "data: {oops\n\n"}.get(Rude.mode, lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body) + (1000 if Rude.mode == "dies" else 0)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = Rude.mode == "dies"

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests to the tests."""


@pytest.fixture
def server(home: Path) -> Iterator[type[Rude]]:
    """A model server that stands for a paid service, and settings that name it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as http:
        http.daemon_threads = True
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{http.server_port}/v1"
        model = {"model": "openai:fake", "base_url": url, "timeout": 1}
        (home / "agents.yaml").write_text(json.dumps({"default_model": "m", "models": {"m": model}, "retries": 2}))
        yield Rude
        Rude.mode = "healthy"
        http.shutdown()


@pytest.mark.parametrize(
    "mode", ["hang", pytest.param("dies", marks=pytest.mark.slow), pytest.param("nonsense", marks=pytest.mark.slow)]
)
async def test_a_faulty_model_server(server: type[Rude], face: OpenFace, mode: str) -> None:
    async with face() as desk:
        server.mode = mode
        run = await desk.start("hello")
        events = await collect(desk, run.id)
        assert events[-1].status == "interrupted", events[-1]
        two_lines(NexusError(events[-1].error.message, events[-1].error.hint))
        assert [one.id for one in await desk.unfinished()] == [run.id]
        server.mode = "healthy"
        await desk.work(run.id)
        more = await collect(desk, run.id, after=events[-1].seq)
        assert more[-1].status == "done"
        assert [event.text for event in more if event.type == "message" and event.agent == "assistant"] == [
            "Well, hello"
        ]


async def test_a_server_that_hangs_can_be_left_by_an_interrupt(server: type[Rude], face: OpenFace) -> None:
    async with face() as desk:
        server.mode = "hang"
        run = await desk.start("hello")
        watching = asyncio.create_task(collect(desk, run.id))
        await asyncio.sleep(0.3)
        assert await desk.interrupt(run.id)
        assert (await asyncio.wait_for(watching, 5))[-1].status == "interrupted"
