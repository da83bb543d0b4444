from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import psutil
import pytest
from pydantic import BaseModel

from memory import SqlMemory
from nexus_agents.core.errors import InputError
from nexus_agents.core.runs import Owner, Run, RunError, now

MakeRun = Callable[..., Run]


async def test_a_run_comes_back_as_it_was_written(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run("parent"))
    run = make_run(
        "child",
        request="naïve 🎙 \x01 'quoted'; DROP TABLE runs",
        inputs={"n": 3, "deep": [{"a": None, "nul": "\x00"}], "big": 10**30},
        approved=["write", "execute"],
        parent_id="parent",
        model="ollama:qwen3",
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    )
    await memory.runs.create(run)
    assert await memory.runs.get("child") == run


async def test_a_nul_in_a_text_is_kept_or_refused_but_is_no_server_that_is_down(
    memory: SqlMemory, make_run: MakeRun
) -> None:
    if memory.database.dialect == "sqlite":
        await memory.runs.create(make_run(request="a\x00b"))
        assert [run.request for run in await memory.runs.list()] == ["a\x00b"]
    else:
        with pytest.raises(InputError, match="NUL") as caught:
            await memory.runs.create(make_run(request="a\x00b"))
        assert "NUL" in caught.value.hint


async def test_moments_come_back_in_utc_and_sort_as_they_happened(memory: SqlMemory, make_run: MakeRun) -> None:
    base = datetime(2026, 1, 1, 12, tzinfo=UTC)
    moments = [
        base,
        base + timedelta(microseconds=500_000),
        (base + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-8))),
    ]
    for number, moment in enumerate(moments):
        await memory.runs.create(make_run(f"r{number}", created_at=moment))
    listed = await memory.runs.list()
    assert [run.id for run in listed] == ["r2", "r1", "r0"]
    assert all(run.created_at.utcoffset() == timedelta(0) for run in listed)


async def test_get_takes_a_prefix_that_fits_only_one(memory: SqlMemory, make_run: MakeRun) -> None:
    for run_id in ("ab12", "ab34", "cd", "cd-2", "x_y", "xzy"):
        await memory.runs.create(make_run(run_id))
    assert (await memory.runs.get("ab1") or make_run()).id == "ab12"
    assert (await memory.runs.get("cd") or make_run()).id == "cd"
    assert (await memory.runs.get("x_") or make_run()).id == "x_y", "an underscore is no wildcard"
    assert await memory.runs.get("zz") is None
    assert await memory.runs.get("") is None
    assert await memory.runs.get("%") is None
    with pytest.raises(InputError, match="ab12, ab34"):
        await memory.runs.get("ab")


async def test_list_filters_and_limits(memory: SqlMemory, make_run: MakeRun) -> None:
    assert await memory.runs.list() == []
    await memory.runs.create(make_run("a", status="done"))
    await memory.runs.create(make_run("b", status="failed", thread_id="t2"))
    await memory.runs.create(make_run("c", status="queued", thread_id="t2"))
    assert [run.id for run in await memory.runs.list(limit=2)] == ["c", "b"]
    assert [run.id for run in await memory.runs.list(statuses=["done", "failed"])] == ["b", "a"]
    assert [run.id for run in await memory.runs.list(statuses=["queued"], thread_id="t2")] == ["c"]
    assert await memory.runs.count() == 3
    assert await memory.runs.count(statuses=["failed"]) == 1


async def test_a_taken_id_and_an_unknown_parent_are_refused(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run("a"))
    with pytest.raises(InputError, match="exists already"):
        await memory.runs.create(make_run("a", request="another"))
    with pytest.raises(InputError, match="parent nobody"):
        await memory.runs.create(make_run("b", parent_id="nobody"))
    assert [run.request for run in await memory.runs.list()] == ["what is 7 * 13?"]


async def test_claim_and_settle_move_the_fence(memory: SqlMemory, make_run: MakeRun, me: Owner) -> None:
    await memory.runs.create(make_run())
    first = await memory.runs.claim("run-1", me)
    assert (first.status, first.fence, first.owner) == ("running", 1, me)
    assert await memory.runs.get("run-1") == first
    second = await memory.runs.claim("run-1", me)
    assert second.fence == 2, "the same process may take its own run again"

    assert not await memory.runs.settle("run-1", first.fence, "failed")
    assert not await memory.runs.heartbeat("run-1", first.fence)
    assert await memory.runs.get("run-1") == second, "the loser of the fence has written nothing"

    assert await memory.runs.heartbeat("run-1", second.fence)
    error = RunError(message="no", hint="try", exit_code=4)
    assert await memory.runs.settle("run-1", second.fence, "failed", result={"partial": [1]}, error=error)
    settled = await memory.runs.get("run-1")
    assert settled is not None
    assert (settled.status, settled.result, settled.error, settled.owner) == (
        "failed",
        {"partial": [1]},
        error,
        None,
    )
    assert not await memory.runs.heartbeat("run-1", second.fence), "nobody owns it any more"
    with pytest.raises(InputError, match="no run nothing"):
        await memory.runs.claim("nothing", me)


async def test_results_may_hold_models_and_nothing_that_is_not_json(
    memory: SqlMemory, make_run: MakeRun, me: Owner
) -> None:
    class Found(BaseModel):
        at: datetime

    await memory.runs.create(make_run())
    run = await memory.runs.claim("run-1", me)
    with pytest.raises(InputError, match="no JSON form"):
        await memory.runs.settle("run-1", run.fence, "done", result={"x": object()})
    with pytest.raises(InputError, match="no JSON form"):
        await memory.runs.settle("run-1", run.fence, "done", result={"x": "broken \ud800"})
    assert (await memory.runs.get("run-1") or run).status == "running"
    assert await memory.runs.settle("run-1", run.fence, "done", result={"f": Found(at=now())})


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def until_zombie(pid: int) -> None:
    end = time.monotonic() + 10
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


async def test_a_living_owner_keeps_its_run_and_a_dead_one_loses_it(
    memory: SqlMemory, make_run: MakeRun, me: Owner, sleeper: subprocess.Popen[bytes]
) -> None:
    await memory.runs.create(make_run())
    other = Owner(host=me.host, pid=sleeper.pid, started=psutil.Process(sleeper.pid).create_time())
    await memory.runs.claim("run-1", other)
    with pytest.raises(InputError, match=f"worked on by process {sleeper.pid}"):
        await memory.runs.claim("run-1", me)
    sleeper.kill()
    await asyncio.to_thread(until_zombie, sleeper.pid)
    assert (await memory.runs.claim("run-1", me)).fence == 2

    reborn = other.model_copy(update={"pid": me.pid, "started": me.started - 3600})
    await memory.runs.create(make_run("run-2"))
    await memory.runs.claim("run-2", reborn)
    assert (await memory.runs.claim("run-2", me)).owner == me, "the pid lives, but it is another process"


async def test_an_owner_elsewhere_lives_as_long_as_its_sign_of_life(
    memory: SqlMemory, make_run: MakeRun, me: Owner
) -> None:
    far = Owner(host="far-away", pid=1, started=0)
    await memory.runs.create(make_run("fresh"))
    await memory.runs.claim("fresh", far)
    with pytest.raises(InputError, match="process 1 on far-away"):
        await memory.runs.claim("fresh", me)
    old = now() - timedelta(seconds=61)
    await memory.runs.create(make_run("stale", status="running", owner=far, fence=4, updated_at=old))
    assert (await memory.runs.claim("stale", me)).fence == 5
