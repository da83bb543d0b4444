from __future__ import annotations

from collections.abc import Callable

import pytest

from memory import SqlMemory
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ToolFinished, ToolStarted
from nexus_agents.core.runs import Run, RunError, ToolCall, now

MakeRun = Callable[..., Run]


@pytest.fixture(autouse=True)
async def _a_run(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run())


async def test_a_call_that_is_done_is_never_started_again(
    memory: SqlMemory, call: ToolCall, started: ToolStarted, finished: ToolFinished
) -> None:
    row, event = await memory.ledger.start(call, started)
    assert row == call
    assert isinstance(event, ToolStarted)
    assert (event.seq, event.attempt) == (1, 1)
    done = row.model_copy(update={"status": "done", "result": {"path": "é.py"}, "finished_at": now()})
    assert (await memory.ledger.finish(done, finished)).seq == 2
    assert await memory.ledger.find("run-1", "c-1") == done

    again, nothing = await memory.ledger.start(call, started)
    assert (again, nothing) == (done, None)
    assert [event.type for event in await memory.events.read("run-1")] == ["tool_started", "tool_finished"]


async def test_a_cut_or_failed_call_counts_its_attempts(
    memory: SqlMemory, call: ToolCall, started: ToolStarted, finished: ToolFinished
) -> None:
    await memory.ledger.start(call, started)
    row, event = await memory.ledger.start(call, started)
    assert (row.attempts, row.status) == (2, "started")
    assert isinstance(event, ToolStarted)
    assert event.attempt == 2
    failed = row.model_copy(update={"status": "failed", "error": RunError(message="boom")})
    await memory.ledger.finish(failed, finished)
    kept = await memory.ledger.find("run-1", "c-1")
    assert kept is not None
    assert kept.error == RunError(message="boom")
    assert kept.finished_at is not None, "the moment is filled in"

    edited = call.model_copy(update={"arguments": {"path": "other.py"}})
    row, _ = await memory.ledger.start(edited, started)
    assert (row.attempts, row.status, row.error, row.finished_at) == (3, "started", None, None)
    assert await memory.ledger.find("run-1", "c-1") == row
    assert row.arguments == {"path": "other.py"}


async def test_an_outcome_is_written_once(
    memory: SqlMemory, call: ToolCall, started: ToolStarted, finished: ToolFinished
) -> None:
    done = call.model_copy(update={"status": "done", "result": {"n": 1}})
    with pytest.raises(InputError, match="never started"):
        await memory.ledger.finish(done, finished)
    await memory.ledger.start(call, started)
    await memory.ledger.finish(done, finished)
    late = call.model_copy(update={"status": "failed", "error": RunError(message="cancelled")})
    with pytest.raises(InputError, match="done already"):
        await memory.ledger.finish(late, finished)
    assert (await memory.ledger.find("run-1", "c-1") or call).result == {"n": 1}
    assert len(await memory.events.read("run-1")) == 2


async def test_calls_are_listed_as_they_first_started(memory: SqlMemory, call: ToolCall, started: ToolStarted) -> None:
    for call_id in ("z", "a", "m", "z"):
        await memory.ledger.start(call.model_copy(update={"call_id": call_id}), started)
    assert [(row.call_id, row.attempts) for row in await memory.ledger.list("run-1")] == [
        ("z", 2),
        ("a", 1),
        ("m", 1),
    ]
    assert await memory.ledger.find("run-1", "nothing") is None


async def test_a_refused_event_takes_its_row_back(memory: SqlMemory, call: ToolCall, started: ToolStarted) -> None:
    with pytest.raises(InputError, match="no run nobody"):
        await memory.ledger.start(call.model_copy(update={"run_id": "nobody"}), started)
    bad = started.model_copy(update={"arguments": {"x": object()}})
    with pytest.raises(InputError, match="no JSON form"):
        await memory.ledger.start(call, bad)
    assert await memory.ledger.list("run-1") == []
    assert await memory.events.read("run-1") == []
