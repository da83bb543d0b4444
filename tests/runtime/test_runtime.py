from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from probes import effects

from nexus_agents import Settings, open_runtime
from nexus_agents.core.config import AgentConfig
from nexus_agents.core.errors import ConfigError, ExitCode, InputError, WorkspaceError
from nexus_agents.core.events import (
    AnyEvent,
    ApprovalAsked,
    RunFinished,
    RunResumed,
    RunStarted,
    TextChunk,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    Usage,
)
from nexus_agents.core.voices import Consent
from nexus_agents.runtime.approvals import Decision

YES, NO = Decision(approve=True), Decision(approve=False, reason="not today")


def of(events: list[AnyEvent], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def end(events: list[AnyEvent]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


def sql(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "nexus.db")) as database, database:
        database.execute(statement, values)


@pytest.fixture
def spoken() -> str:
    pytest.importorskip("espeakng_loader")
    return "Bees dance.\n"


# -- events -----------------------------------------------------------------------------------------


async def test_events_are_numbered_and_kept_in_the_order_in_which_they_are_shown(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("note", {"text": "a"})], [("note", {"text": "b"})]))
        assert (await runtime.memory.runs.get(run.id)).status == "queued"
        shown = await work(runtime, run.id)
        kept = [event for event in shown if event.seq]
        assert [event.seq for event in kept] == list(range(1, len(kept) + 1))
        assert isinstance(kept[0], RunStarted)
        assert end(shown).status == "done"
        assert [type(event) for event in of(shown, ToolStarted | ToolFinished)] == [ToolStarted, ToolFinished] * 2
        assert await runtime.memory.events.read(run.id) == kept
        assert [usage.model for usage in of(kept, Usage)] == ["script:plain"] * 3
        assert [usage.input_tokens for usage in of(kept, Usage)] == [2, 4, 6]
        assert end(shown).seconds > 0
        assert (await runtime.memory.runs.get(run.id)).result["summary"] == end(shown).summary


async def test_pieces_of_text_and_progress_are_shown_and_not_kept(open_here, work):
    async with open_here(default_model="builtin:nexus", agents={}) as runtime:
        run = await runtime.start("list voices")
        shown = await work(runtime, run.id)
        said = "".join(chunk.text for chunk in of(shown, TextChunk))
        assert said == end(shown).summary
        assert len(of(shown, TextChunk)) > 5
        assert all(chunk.seq == 0 for chunk in of(shown, TextChunk))
        kept = await runtime.memory.events.read(run.id)
        assert not of(kept, TextChunk | ToolProgress)
        assert of(kept, Usage)[0].model == "builtin:nexus"


async def test_what_cannot_begin_is_refused_before_anything_is_written(open_here, home, tmp_path):
    async with open_here() as runtime:
        for wrong, kind in (
            ({"request": " "}, InputError),
            ({"request": "x", "graph": "debat"}, ConfigError),
            ({"request": "x", "model": "scrpt:plain"}, ConfigError),
            ({"request": "x", "workspace": home / "nexus.db"}, WorkspaceError),
        ):
            with pytest.raises(kind) as refused:
                await runtime.start(**wrong)
            assert refused.value.message
            assert refused.value.hint
        assert await runtime.memory.runs.list() == []
        with pytest.raises(InputError, match="There is no run nowhere"):
            await anext(runtime.stream("nowhere"))


# -- interrupted and resumed ------------------------------------------------------------------------


async def test_closing_the_stream_interrupts_the_run_and_it_goes_on_later(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("note", {"text": "a"})], [("send", {"text": "letter"})]))
        stream = runtime.stream(run.id)
        async for event in stream:
            if isinstance(event, ToolFinished):
                break
        await stream.aclose()
        stopped = await runtime.memory.runs.get(run.id)
        assert (stopped.status, stopped.owner) == ("interrupted", None)
        assert stopped.error.exit_code == ExitCode.INTERRUPTED
        assert (await runtime.unfinished()).id == run.id
    async with open_here() as runtime:
        events = await work(runtime, run.id)
        assert of(events, RunResumed)[0].finished_calls == 1
        assert [call.tool for call in of(events, ToolStarted)] == ["send"]
        assert end(events).status == "done"
        assert effects(Path(run.workspace)) == ["letter"]
        assert await runtime.unfinished() is None
        with pytest.raises(InputError, match="is done"):
            await work(runtime, run.id)
        with pytest.raises(InputError, match="is done"):
            await runtime.unfinished(run.id)


async def test_a_run_is_worked_by_one_at_a_time(open_here, script, nexus):
    async with open_here() as first, open_here() as second:
        run = await first.start(script([("send", {"text": "letter", "hang": True})]))
        stream = first.stream(run.id)
        async for event in stream:
            if isinstance(event, ToolStarted):
                break
        for runtime in (first, second):
            with pytest.raises(InputError, match="being worked on by this process"):
                await anext(runtime.stream(run.id))
        refused = await asyncio.to_thread(nexus, "resume", run.id, "--yes")
        assert refused.returncode == ExitCode.USAGE
        assert "is being worked on by process" in refused.stderr
        assert (await first.memory.runs.get(run.id)).status == "running"
        await stream.aclose()
        assert (await first.memory.runs.get(run.id)).status == "interrupted"


async def test_a_process_that_died_before_its_first_word_or_after_its_last(open_here, home, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "letter"})]))
        gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        await gone.wait()
        dead = json.dumps({"host": socket.gethostname(), "pid": gone.pid, "started": time.time()})
        taken = "UPDATE runs SET status = 'running', owner = ?, fence = fence + 1"
        sql(home, taken, dead)
        events = await work(runtime, run.id)
        # It had been taken and nothing was said: this is its start.
        assert isinstance(events[0], RunStarted)
        assert end(events).status == "done"
        sql(home, f"{taken}, result = NULL", dead)
        sql(home, "DELETE FROM events WHERE type = 'run_finished'")
        again = await work(runtime, run.id)
        assert [type(event) for event in again] == [RunResumed, RunFinished]
        assert end(again).summary == end(events).summary
        assert effects(Path(run.workspace)) == ["letter"]


async def test_cancelling_ends_a_run_for_good(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "letter", "hang": True})]))
        stream = runtime.stream(run.id)
        async for event in stream:
            if isinstance(event, ToolStarted):
                break
        assert (await runtime.cancel(run.id)).status == "cancelled"
        await stream.aclose()
        assert (await runtime.memory.runs.get(run.id)).status == "cancelled"
        assert end(await runtime.memory.events.read(run.id)).status == "cancelled"
        assert await runtime.unfinished() is None
        for refused in (runtime.unfinished(run.id), work(runtime, run.id), runtime.cancel(run.id)):
            with pytest.raises(InputError, match="is cancelled"):
                await refused
        done = await runtime.start(script())
        await work(runtime, done.id)
        with pytest.raises(InputError, match="is done"):
            await runtime.cancel(done.id)
        assert (await runtime.memory.runs.get(done.id)).status == "done"


# -- threads ----------------------------------------------------------------------------------------


async def test_the_next_request_of_a_thread_goes_on_with_the_conversation(open_here, work, spoken, tmp_path):
    async with open_here(default_model="builtin:nexus", agents={}) as runtime:
        first = await runtime.start("read this document aloud")
        events = await work(runtime, first.id)
        assert "What shall I say?" in end(events).summary
        assert not of(events, ToolStarted)
        (Path(first.workspace) / "notes.md").write_text(spoken)
        second = await runtime.start("notes.md", thread_id=first.thread_id)
        assert second.workspace == first.workspace
        events = await work(runtime, second.id)
        assert [(call.tool, call.arguments["path"]) for call in of(events, ToolStarted)] == [
            ("speak_document", "notes.md")
        ]
        assert end(events).status == "done"
        assert (Path(first.workspace) / "speech.wav").stat().st_size > 1000


async def test_a_thread_with_an_unfinished_run_takes_no_second_one(open_here, script, work):
    async with open_here() as runtime:
        first = await runtime.start(script([("launch", {"text": "a"})]))
        for expected in ("queued", "waiting"):
            assert (await runtime.memory.runs.get(first.id)).status == expected
            with pytest.raises(InputError, match="has an unfinished run") as refused:
                await runtime.start(script(), thread_id=first.thread_id)
            assert f"nexus resume {first.id}" in refused.value.hint
            await work(runtime, first.id)
        asked = of(await runtime.memory.events.read(first.id), ApprovalAsked)[-1]
        await work(runtime, first.id, answers={asked.approval_id: NO})
        # It has failed: the thread is free, and the new run does not take up what the old one left.
        second = await runtime.start(script([("send", {"text": "b"})]), thread_id=first.thread_id)
        assert end(await work(runtime, second.id)).status == "done"
        assert effects(Path(second.workspace)) == ["b"]


# -- approvals --------------------------------------------------------------------------------------


async def test_programs_are_asked_for_and_approved_once(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("launch", {"text": "a"})], [("launch", {"text": "b"})]))
        events = await work(runtime, run.id)
        assert end(events).status == "waiting"
        assert end(events).error.exit_code == ExitCode.PERSON
        (asked,) = of(events, ApprovalAsked)
        assert (asked.tool, asked.risk, asked.arguments) == ("launch", "execute", {"text": "a"})
        assert effects(Path(run.workspace)) == []
        events = await work(runtime, run.id, answers={asked.approval_id: YES})
        # Once is once: the second call asks anew.
        (asked,) = of(events, ApprovalAsked)
        assert asked.arguments == {"text": "b"}
        assert effects(Path(run.workspace)) == ["a"]
        assert end(await work(runtime, run.id, approved=("execute",))).status == "done"
        assert effects(Path(run.workspace)) == ["a", "b"]


@pytest.mark.parametrize("model", ["script:plain", "script:boaster"])
async def test_a_denied_run_does_not_claim_success(open_here, script, work, model):
    async with open_here(default_model=model) as runtime:
        run = await runtime.start(script([("launch", {"text": "a"})]))
        (asked,) = of(await work(runtime, run.id), ApprovalAsked)
        events = await work(runtime, run.id, answers={asked.approval_id: NO})
        assert end(events).status == "failed"
        assert end(events).error.message == "A person said no to launch."
        assert end(events).error.hint == "not today"
        assert effects(Path(run.workspace)) == []
        assert await runtime.memory.ledger.list(run.id) == []


async def test_an_answer_that_was_never_asked_for_is_refused_and_the_run_waits_on(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("launch", {"text": "a"})]))
        await work(runtime, run.id)
        with pytest.raises(InputError, match="never asked 'nonsense'"):
            await work(runtime, run.id, answers={"nonsense": YES})
        assert (await runtime.memory.runs.get(run.id)).status == "waiting"


async def test_what_agents_yaml_never_allows_is_not_even_asked(open_here, config, script, work):
    never = config.approvals.model_copy(update={"execute": "never"})
    async with open_here(approvals=never) as runtime:
        run = await runtime.start(script([("launch", {"text": "a"})]))
        events = await work(runtime, run.id)
        assert not of(events, ApprovalAsked)
        assert end(events).status == "failed"
        assert "approvals.execute: never" in end(events).error.hint


async def test_never_in_agents_yaml_goes_before_an_earlier_always_of_the_thread(open_here, config, script, work):
    async with open_here() as runtime:
        first = await runtime.start(script([("launch", {"text": "a"})]))
        (asked,) = of(await work(runtime, first.id), ApprovalAsked)
        always = Decision(approve=True, always=True)
        assert end(await work(runtime, first.id, answers={asked.approval_id: always})).status == "done"
    async with open_here(approvals=config.approvals.model_copy(update={"execute": "never"})) as runtime:
        second = await runtime.start(script([("launch", {"text": "b"})]), thread_id=first.thread_id)
        assert second.approved == ["launch"]
        assert end(await work(runtime, second.id)).status == "failed"
        # What a person approves for this one run goes before both.
        third = await runtime.start(script([("launch", {"text": "c"})]), thread_id=first.thread_id)
        assert end(await work(runtime, third.id, approved=("execute",))).status == "done"
        assert effects(Path(third.workspace)) == ["a", "c"]


async def test_identity_waits_for_a_consent_and_nothing_else(open_here, home, config, script, nexus, work):
    (home / "agents.yaml").write_text(config.model_dump_json(exclude={"folder"}))
    asked = await asyncio.to_thread(nexus, "run", script([("imitate", {"clip": "abc"})]), "--yes")
    assert asked.returncode == ExitCode.PERSON
    assert "No consent is recorded for this clip.\nnexus voices consent CLIP" in asked.stderr
    async with open_here() as runtime:
        waiting = await runtime.unfinished()
        # All risk classes are approved, and it still waits.
        everything = ("read", "write", "execute", "spend", "identity")
        (question,) = of(await work(runtime, waiting.id, approved=everything), ApprovalAsked)
        assert question.risk == "identity"
        # Saying yes is no consent either.
        events = await work(runtime, waiting.id, answers={question.approval_id: YES})
        assert end(events).status == "waiting"
        given = Consent(clip_sha256="abc", speaker="Ada", approved_by="Ada", statement="yes")
        await runtime.memory.voices.add_consent(given)
        assert end(await work(runtime, waiting.id)).status == "done"
        assert effects(Path(waiting.workspace)) == ["imitated"]


async def test_no_consent_ends_the_run(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("imitate", {"clip": "abc"})]))
        (question,) = of(await work(runtime, run.id), ApprovalAsked)
        events = await work(runtime, run.id, answers={question.approval_id: NO})
        assert end(events).status == "failed"
        assert end(events).error.message == "No consent is recorded for this clip."


# -- settings that changed in between ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tools": {}}, "There is no tool named 'note'"),
        ({"tools": {"note": "probes:gone"}, "agents": {"assistant": AgentConfig(tools=["note"])}}, "probes:gone"),
        ({"default_model": "scrpt:plain"}, "There is no model provider named 'scrpt'"),
        ({"agents": {"assistant": AgentConfig(prompt="gone.md")}}, "The prompt of the assistant agent cannot be read"),
    ],
)
async def test_settings_that_became_wrong_are_said_in_two_lines(open_here, script, work, changes, says):
    async with open_here() as runtime:
        run = await runtime.start(script([("launch", {"text": "a"})]))
        await work(runtime, run.id)
    async with open_here(**changes) as runtime:
        wrong = end(await work(runtime, run.id))
        assert wrong.status != "done"
        assert wrong.error.exit_code == ExitCode.USAGE
        assert says in wrong.error.message
        assert wrong.error.hint
    async with open_here() as runtime:
        # The settings were mended: nothing is lost.
        assert end(await work(runtime, run.id, approved=("execute",))).status == "done"
        assert effects(Path(run.workspace)) == ["a"]


async def test_a_workspace_that_is_gone_is_not_replaced_by_an_empty_one(open_here, script, work):
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "a"})], [("launch", {"text": "b"})]))
        await work(runtime, run.id)
        away = Path(run.workspace).rename(f"{run.workspace}-away")
        with pytest.raises(WorkspaceError, match=f"The workspace of run {run.id} is gone"):
            await work(runtime, run.id, approved=("execute",))
        assert (await runtime.memory.runs.get(run.id)).status == "waiting"
        away.rename(run.workspace)
        assert end(await work(runtime, run.id, approved=("execute",))).status == "done"
        assert effects(Path(run.workspace)) == ["a", "b"]


async def test_two_homes_in_one_process_keep_their_logs_apart(home, config, script, work, tmp_path):
    places = [home, tmp_path / "other"]
    async with contextlib.AsyncExitStack() as stack:
        for place in places:
            runtime = await stack.enter_async_context(open_runtime(Settings(place, config)))
            run = await runtime.start(script([("broken", {})]), workspace=tmp_path / place.name / "w")
            await work(runtime, run.id)
    assert all("ZeroDivisionError" in (place / "logs" / "nexus.log").read_text() for place in places)
