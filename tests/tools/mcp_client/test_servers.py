"""MCP servers in processes of their own: started when needed, once, with a clean environment, and ended for sure."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from nexus_agents.core.config import McpServerConfig
from nexus_agents.core.errors import BackendDown, ConfigError, ExitCode, NexusError
from nexus_agents.core.tool import Job
from tools.mcp_client.servers import McpAnswer, McpServers, tool_name

SERVER = Path(__file__).with_name("notes_server.py")
NO_JOB = cast("Job", None)
Make = Callable[..., McpServers]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the servers did."""
    return tmp_path / "notes.log"


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def pids(log: Path) -> list[int]:
    return [int(line.split()[1]) for line in lines(log) if line.startswith("start ")]


@pytest.fixture
async def make(tmp_path: Path, log: Path) -> AsyncIterator[Make]:
    """Make servers; all are ended after the test."""
    made: list[McpServers] = []

    def servers(how: str = "", name: str = "notes", **settings: Any) -> McpServers:
        env = {"NOTES_LOG": str(log), **settings.pop("env", {})}
        config = McpServerConfig(command=sys.executable, args=[str(SERVER), how], env=env, **settings)
        made.append(McpServers({name: config}, folder=tmp_path, logs=tmp_path / "logs", taken={"read_file"}))
        return made[-1]

    yield servers
    for each in made:
        await each.aclose()


async def call(servers: McpServers, tool: str, **arguments: Any) -> McpAnswer:
    await servers.prepare([tool])
    spec = servers.spec(tool)
    assert spec is not None
    checked = spec.arguments.model_validate(arguments)
    given = {field: getattr(checked, field) for field in type(checked).model_fields}
    return cast("McpAnswer", await spec.function(NO_JOB, **given))


async def comes(holds: Callable[[], bool]) -> bool:
    """Wait, for as long as a loaded machine may need, until something holds."""
    for _ in range(3000):
        if holds():
            return True
        await asyncio.sleep(0.02)
    return False


async def gone(pid: int) -> bool:
    return await comes(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_tools_are_found_called_and_described(make: Make, log: Path) -> None:
    servers = make(risk="write")
    assert pids(log) == []
    await servers.prepare(["read_file", "other_tool", "probes:note"])
    assert pids(log) == []
    # Many may ask at once: one is started.
    await asyncio.gather(*(servers.prepare(["notes.*"]) for _ in range(3)))
    names = ["notes_add", "notes_keep", "notes_fail_now", "notes_environment", "notes_hang", "notes_die"]
    assert servers.expand(["read_file", "notes.*", "notes.add"]) == ["read_file", *names]
    assert servers.expand(["notes.fail.now"]) == ["notes_fail_now"]
    spec = servers.spec("notes_add")
    assert spec is not None
    assert spec == servers.spec("notes.add")
    assert (spec.name, spec.risk, spec.resumable, spec.timeout) == ("notes_add", "write", False, 130.0)
    assert spec.description == "Write a note down."
    assert spec.arguments.model_json_schema()["properties"]["text"]["description"] == "What is noted."
    answer = await call(servers, "notes.add", text="tea")
    assert answer.for_model() == answer.summary == "noted tea"
    kept = await call(servers, "notes_keep", note={"title": "t", "tags": ["a"]}, json_=True)
    assert kept.data == {"title": "t", "tags": ["a"]}
    assert lines(log) == [f"start {pids(log)[0]}", "add tea 1", "keep t True"]
    assert servers.spec("read_file") is None
    assert servers.spec("nobodys_tool") is None


async def test_what_goes_wrong_in_a_call_is_told(make: Make) -> None:
    servers = make()
    with pytest.raises(NexusError, match=r"notes_fail_now: .*the paper tore"):
        await call(servers, "notes.fail.now")
    with pytest.raises(ValueError, match="is too long"):
        await call(servers, "notes.add", text="x" * 21)
    with pytest.raises(ConfigError, match=r"no tool named 'notes.ad'.\nDid you mean 'notes_add'"):
        await call(servers, "notes.ad")


async def test_the_environment_is_clean(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("GIVEN", "value")
    servers = make(env={"ONE": "$GIVEN", "TWO": "a${GIVEN}b", "THREE": "$$5"})
    told = cast("dict[str, str]", (await call(servers, "notes.environment")).data)
    assert (told["ONE"], told["TWO"], told["THREE"]) == ("value", "avalueb", "$5")
    assert not {"OPENAI_API_KEY", "GIVEN", "NEXUS_HOME", "PYTHONPATH"} & set(told)
    with pytest.raises(ConfigError, match=r"mcp_servers.notes.env.ONE names \$NOT_THERE"):
        await make(env={"ONE": "$NOT_THERE"}).prepare(["notes.*"])


async def test_a_server_that_ended_is_started_anew_and_its_call_is_not_made_again(make: Make, log: Path) -> None:
    servers = make()
    with pytest.raises(NexusError, match="notes ended during the call") as failed:
        await call(servers, "notes.die")
    assert "Nobody knows" in failed.value.hint
    assert (await call(servers, "notes.add", text="again")).summary == "noted again"
    assert len(pids(log)) == 2
    assert lines(log).count("die") == 1


async def test_a_call_that_takes_too_long_is_given_up_and_the_model_is_told(make: Make, log: Path) -> None:
    servers = make()
    await servers.prepare(["notes.*"])
    connection = servers.connection("notes")
    connection.config = connection.config.model_copy(update={"timeout": 0.5})
    with pytest.raises(NexusError, match=r"did not answer hang within 0\.5 s") as failed:
        await call(servers, "notes.hang")
    # A limit would interrupt the run, and a resume would make the call a second time.
    assert failed.value.exit_code == ExitCode.FAILED
    assert "Nobody knows" in failed.value.hint
    assert len(pids(log)) == 1


@pytest.mark.parametrize(
    ("how", "settings", "kind", "says"),
    [
        ("broken", {}, BackendDown, "notes does not start: no notes here: the file is gone"),
        ("deaf", {"timeout": 1.0}, BackendDown, "notes did not answer within 1 s"),
    ],
)
async def test_a_server_that_does_not_start_is_named(
    make: Make, log: Path, how: str, settings: dict[str, Any], kind: type[NexusError], says: str
) -> None:
    servers = make(how, **settings)
    with pytest.raises(kind, match=says) as failed:
        await servers.prepare(["notes.*"])
    assert "agents.yaml" in failed.value.hint
    assert all([await gone(pid) for pid in pids(log)])


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    for command in ("no-such-program", "./no/such/program"):
        servers = McpServers({"notes": McpServerConfig(command=command)}, folder=tmp_path, logs=tmp_path)
        with pytest.raises(ConfigError, match=f"there is no program '{command}'"):
            await servers.prepare(["notes.add"])


async def test_a_name_that_is_taken_is_refused(make: Make, tmp_path: Path, log: Path) -> None:
    config = McpServerConfig(command=sys.executable, args=[str(SERVER)], env={"NOTES_LOG": str(log)})
    servers = McpServers({"notes": config}, folder=tmp_path, logs=tmp_path, taken={"notes_add"})
    try:
        assert servers.spec("notes_add") is None
        with pytest.raises(ConfigError, match="would be named notes_add"):
            await servers.prepare(["notes.*"])
    finally:
        await servers.aclose()


def test_names_fit_what_servers_of_models_take() -> None:
    assert tool_name("notes", "a.b/c d") == "notes_a_b_c_d"
    long = tool_name("notes", "x" * 80)
    assert len(long) == 64
    assert long != tool_name("notes", "x" * 81)


async def test_closing_ends_even_a_server_that_hangs_and_does_not_listen(make: Make, log: Path) -> None:
    servers = make("stubborn")
    await servers.prepare(["notes.*"])
    hanging = asyncio.create_task(call(servers, "notes.hang"))
    assert await comes(lambda: "hang" in lines(log))
    hanging.cancel()
    await servers.aclose()
    assert await gone(pids(log)[0])


KILLED = """
import asyncio, sys
from pathlib import Path
from nexus_agents.core.config import McpServerConfig
from tools.mcp_client.servers import McpServers

async def main():
    server, log, folder = sys.argv[1:]
    config = McpServerConfig(command=sys.executable, args=[server, "stubborn"], env={"NOTES_LOG": log})
    await McpServers({"notes": config}, folder=Path(folder), logs=Path(folder)).prepare(["notes.*"])
    print("ready", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a server must heed the end of its input")
async def test_no_server_outlives_a_killed_nexus(tmp_path: Path, log: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    order = [sys.executable, "-c", KILLED, str(SERVER), str(log), str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*order, stdout=asyncio.subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    (pid,) = pids(log)
    assert psutil.pid_exists(pid)
    process.kill()
    await process.wait()
    assert await gone(pid)


async def test_a_server_by_its_address(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = McpServerConfig(url=f"http://127.0.0.1:{port}/mcp", headers={"Authorization": "Bearer $GIVEN"})
    servers = McpServers({"far": config}, folder=tmp_path, logs=tmp_path)
    monkeypatch.setenv("GIVEN", "value")
    with pytest.raises(BackendDown, match="far does not start"):
        await servers.prepare(["far.*"])
    environment = {**os.environ, "NOTES_LOG": str(log)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), f"http:{port}", stderr=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        assert await comes(lambda: listens(port))
        assert (await call(servers, "far.add", text="tea")).summary == "noted tea"
    finally:
        await servers.aclose()
        process.kill()
        await process.wait()
