from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from probes import effects

from nexus_agents import Runtime, Settings, open_runtime
from nexus_agents.core.config import AgentConfig, Config
from nexus_agents.core.errors import ExitCode
from nexus_agents.core.events import AnyEvent, ApprovalAsked, RunFinished, ToolFinished, ToolStarted
from nexus_agents.core.ports import Kit
from nexus_agents.core.runs import Outcome, Run
from nexus_agents.runtime.approvals import Decision

YES, NO = Decision(approve=True), Decision(approve=False, reason="not twice")


@pytest.fixture
async def runtime(open_here: Any) -> AsyncIterator[Runtime]:
    async with open_here() as opened:
        yield opened


def finished(events: list[AnyEvent]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


def of(events: list[AnyEvent], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def cut_at_work(runtime: Runtime, run: Run, **how: Any) -> None:
    """Close the stream as soon as the tool has had its effect."""
    stream = runtime.stream(run.id, **how)
    before = len(effects(Path(run.workspace)))
    async for event in stream:
        if isinstance(event, ToolStarted):
            while len(effects(Path(run.workspace))) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            break
    await stream.aclose()


async def test_arguments_that_do_not_fit_are_told_to_the_model_and_nothing_runs(runtime, script, work):
    run = await runtime.start(
        script([("note", {"text": "a", "times": "often"})], [("note", {"text": "b", "times": 2})])
    )
    events = await work(runtime, run.id)
    assert "note: times: Input should be a valid integer" in finished(events).summary
    assert "It takes: text, times." in finished(events).summary
    # The model tried again, and that worked.
    assert finished(events).status == "done"
    assert [call.arguments for call in await runtime.memory.ledger.list(run.id)] == [{"text": "b", "times": 2}]


@pytest.mark.parametrize(
    ("calls", "says"),
    [
        ([("note", {"text": "a", "loud": True})], "note: loud: Extra inputs are not permitted."),
        ([("note", {})], "note: text: Field required."),
        ([("nothing", {})], "nothing is not a valid tool"),
    ],
)
async def test_a_run_whose_last_call_was_refused_has_failed(runtime, script, work, calls, says):
    run = await runtime.start(script(calls))
    end = finished(await work(runtime, run.id))
    assert end.status == "failed"
    assert end.error is not None
    assert says in end.error.message
    assert await runtime.memory.ledger.list(run.id) == []


async def test_a_call_that_takes_too_long_is_stopped_and_the_run_can_go_on(runtime, script, work):
    run = await runtime.start(script([("slow", {})]))
    begun = time.monotonic()
    events = await work(runtime, run.id)
    assert time.monotonic() - begun < 5
    end = finished(events)
    assert (end.status, end.error.exit_code) == ("interrupted", ExitCode.LIMIT)
    assert end.error.message == "slow took longer than 0.3 s and was stopped."
    assert end.next == [f"nexus resume {run.id}"]
    (call,) = await runtime.memory.ledger.list(run.id)
    assert (call.status, call.attempts) == ("failed", 1)
    await work(runtime, run.id)
    (call,) = await runtime.memory.ledger.list(run.id)
    assert (call.status, call.attempts) == ("failed", 2)


async def test_a_fault_of_the_tool_is_two_lines_and_the_traceback_is_in_the_log(runtime, script, work):
    run = await runtime.start(script([("broken", {})]))
    events = await work(runtime, run.id)
    (end,) = of(events, ToolFinished)
    assert not end.ok
    assert "calling the tool broken: ZeroDivisionError: division by zero" in end.error.message
    assert end.error.hint == f"The log has the details: {runtime.settings.log_file}"
    assert "Traceback" not in json.dumps([event.model_dump(mode="json") for event in events])
    log = runtime.settings.log_file.read_text()
    assert "Traceback" in log
    assert "probes.py" in log
    assert finished(events).status == "failed"


async def test_one_failure_among_calls_side_by_side_is_not_passed_over(runtime, script, work):
    run = await runtime.start(script([("mend", {"text": "whole"}), ("note", {"text": "once"})]))
    assert finished(await work(runtime, run.id)).status == "failed"
    # The graph came to its end: resuming says the same again and calls nothing.
    again = await work(runtime, run.id)
    assert finished(again).status == "failed"
    assert not of(again, ToolStarted)


async def test_calls_of_one_message_run_side_by_side(runtime, script, work):
    meeting = [("meet", {"name": "a", "other": "b"}), ("meet", {"name": "b", "other": "a"})]
    run = await runtime.start(script(meeting))
    events = await work(runtime, run.id)
    assert finished(events).status == "done"
    kinds = [type(event) for event in events if isinstance(event, ToolStarted | ToolFinished)]
    assert kinds == [ToolStarted, ToolStarted, ToolFinished, ToolFinished]
    # What came first does not change what the model reads first.
    assert finished(events).summary == '{"summary":"a met b"}\n{"summary":"b met a"}'


async def test_a_node_that_runs_again_gets_what_the_ledger_has_as_done(home, config, work):
    class State(TypedDict):
        request: str
        result: dict[str, Any]

    def build(kit: Kit) -> StateGraph[State]:
        async def both(state: State) -> dict[str, Any]:
            first = await kit.tools.call("send", {"text": "letter"}, call_id="first", agent="test")
            await kit.tools.call("mend", {"text": "x"}, call_id="second", agent="test")
            return {"result": Outcome(summary=first.model_dump()["summary"]).model_dump(mode="json")}

        graph = StateGraph(State)
        graph.add_node("both", both)
        graph.add_edge(START, "both")
        graph.add_edge("both", END)
        return graph

    async with open_runtime(Settings(home, config), builders={"both": build}) as runtime:
        run = await runtime.start("both", graph="both")
        for _ in range(2):
            assert finished(await work(runtime, run.id)).status == "failed"
        (Path(run.workspace) / "mended").touch()
        events = await work(runtime, run.id)
        assert (finished(events).status, finished(events).summary) == ("done", "sent letter")
        assert [(call.call_id, call.attempts) for call in await runtime.memory.ledger.list(run.id)] == [
            ("first", 1),
            ("second", 3),
        ]
        assert effects(Path(run.workspace)) == ["letter"]


async def test_a_call_that_cannot_be_taken_back_asks_after_a_cut(runtime, script, work):
    run = await runtime.start(
        script([("send", {"text": "letter", "hang": True})]), approved=("read", "write", "execute")
    )
    await cut_at_work(runtime, run)
    for _ in range(2):
        # However often it is resumed, and with everything approved: nobody but a person settles this.
        events = await work(runtime, run.id, approved=("read", "write", "execute", "spend"))
        assert finished(events).status == "waiting"
        assert finished(events).error.exit_code == ExitCode.PERSON
        (asked,) = of(events, ApprovalAsked)
        assert asked.risk == "unknown_outcome"
        assert "nobody knows whether it took effect" in asked.question
    assert effects(Path(run.workspace)) == ["letter"]
    events = await work(runtime, run.id, answers={asked.approval_id: YES})
    assert finished(events).status == "done"
    assert effects(Path(run.workspace)) == ["letter", "letter"]
    assert of(events, ToolStarted)[0].attempt == 2


async def test_no_means_that_it_is_not_run_again(runtime, script, work):
    run = await runtime.start(script([("send", {"text": "letter", "hang": True})]))
    await cut_at_work(runtime, run)
    (asked,) = of(await work(runtime, run.id), ApprovalAsked)
    events = await work(runtime, run.id, answers={asked.approval_id: NO})
    assert effects(Path(run.workspace)) == ["letter"]
    assert finished(events).status == "failed"
    assert finished(events).error.message == "send was cut off and is not run again."
    assert finished(events).error.hint == "not twice"


async def test_a_person_may_say_that_a_cut_call_took_effect(runtime, script, work):
    run = await runtime.start(script([("send", {"text": "letter", "hang": True})], [("note", {"text": "and on"})]))
    await cut_at_work(runtime, run)
    (asked,) = of(await work(runtime, run.id), ApprovalAsked)
    events = await work(runtime, run.id, answers={asked.approval_id: Decision(approve=False, effect="done")})
    assert effects(Path(run.workspace)) == ["letter"]
    assert [(event.ok, event.summary) for event in of(events, ToolFinished)] == [
        (True, "a person says that it took effect"),
        (True, "and on"),
    ]
    (letter, _) = await runtime.memory.ledger.list(run.id)
    assert (letter.status, letter.result, letter.attempts) == ("done", None, 1)
    assert "its result is lost" in finished(events).summary


@pytest.mark.parametrize("decision", [NO, Decision(approve=True, effect="skip")])
async def test_a_skipped_call_is_never_made_again(runtime, script, work, decision):
    run = await runtime.start(script([("send", {"text": "letter", "hang": True}), ("mend", {"text": "x"})]))
    await cut_at_work(runtime, run)
    (asked,) = of(await work(runtime, run.id), ApprovalAsked)
    await work(runtime, run.id, answers={asked.approval_id: decision})
    for _ in range(2):
        await work(runtime, run.id)
    calls = {call.tool: call.status for call in await runtime.memory.ledger.list(run.id)}
    assert calls["send"] == "skipped"
    assert effects(Path(run.workspace)) == ["letter"]


async def test_calls_that_a_server_numbers_from_the_start_in_each_turn_are_all_made(open_here, script, work):
    async with open_here(default_model="script:numbered") as runtime:
        run = await runtime.start(script([("send", {"text": "one"})], [("send", {"text": "two"})]))
        assert finished(await work(runtime, run.id)).status == "done"
        assert effects(Path(run.workspace)) == ["one", "two"]


async def test_a_process_that_lost_its_run_writes_nothing_more(runtime, script, work):
    from nexus_agents.runtime.runtime import owner

    run = await runtime.start(script([("send", {"text": "letter", "hang": True})]))
    stream = runtime.stream(run.id)
    async for event in stream:
        if isinstance(event, ToolStarted):
            break
    # As another process does when it takes this one for dead.
    taken = await runtime.memory.runs.claim(run.id, owner())
    before = len(await runtime.memory.events.read(run.id))
    await stream.aclose()
    assert len(await runtime.memory.events.read(run.id)) == before
    found = await runtime.memory.runs.get(run.id)
    assert (found.status, found.fence) == ("running", taken.fence)


async def test_an_approval_of_one_question_is_no_answer_to_another(runtime, script, work):
    run = await runtime.start(script([("launch_once", {"text": "rocket"})]))
    (may,) = of(await work(runtime, run.id), ApprovalAsked)
    await cut_at_work(runtime, run, answers={may.approval_id: YES})
    (may,) = of(await work(runtime, run.id), ApprovalAsked)
    assert may.risk == "execute"
    (unknown,) = of(await work(runtime, run.id, answers={may.approval_id: YES}), ApprovalAsked)
    assert unknown.risk == "unknown_outcome"
    # Now the first question is not asked any more; its answer must not be taken for that to the second.
    events = await work(runtime, run.id, approved=("execute",))
    (unknown,) = of(events, ApprovalAsked)
    assert unknown.risk == "unknown_outcome"
    assert effects(Path(run.workspace)) == ["rocket"]
    assert finished(await work(runtime, run.id, answers={unknown.approval_id: YES})).status == "done"
    assert effects(Path(run.workspace)) == ["rocket", "rocket"]


async def test_an_answer_counts_for_its_own_call(open_here, config, script, work):
    ask = config.approvals.model_copy(update={"write": "ask"})
    async with open_here(approvals=ask) as runtime:
        run = await runtime.start(script([("send", {"text": "a"}), ("send", {"text": "b"})]))
        asked = {question.arguments["text"]: question for question in of(await work(runtime, run.id), ApprovalAsked)}
        assert set(asked) == {"a", "b"}
        # One answer now, the other later: what is done by then is not asked again.
        events = await work(runtime, run.id, answers={asked["a"].approval_id: YES})
        (left,) = of(events, ApprovalAsked)
        assert left.arguments["text"] == "b"
        events = await work(runtime, run.id, answers={left.approval_id: NO})
        assert finished(events).status == "failed"
        assert effects(Path(run.workspace)) == ["a"]


@pytest.fixture
def begun(home: Path, config: Config, script: Any, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a call that cannot be taken back."""
    (home / "agents.yaml").write_text(config.model_dump_json(exclude={"folder"}))
    request = script([("send", {"text": "letter", "hang": True})])
    with subprocess.Popen(
        [sys.executable, "-m", "nexus_agents", "run", request, "--yes", "--workspace", str(tmp_path / "work")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 30
        while not effects(tmp_path / "work") and time.monotonic() < deadline:
            time.sleep(0.02)
        yield process
        process.kill()


def test_a_killed_process_leaves_the_question_and_not_a_second_effect(begun, nexus, tmp_path):
    begun.kill()
    begun.wait()
    resumed = nexus("resume", "--yes")
    assert resumed.returncode == ExitCode.PERSON, resumed.stderr
    assert "nobody knows whether it took effect" in resumed.stderr
    assert effects(tmp_path / "work") == ["letter"]


def test_a_process_that_is_told_to_end_leaves_a_run_to_resume(begun, home):
    begun.terminate()
    _, told = begun.communicate(timeout=20)
    assert begun.returncode == ExitCode.INTERRUPTED
    assert "was interrupted." in told
    assert "nexus resume" in told
    with closing(sqlite3.connect(home / "nexus.db")) as database:
        assert database.execute("SELECT status, owner FROM runs").fetchall() == [("interrupted", None)]


async def test_edits_of_one_file_in_one_answer_are_all_there_and_in_order(open_here, script, work):
    agents = {"assistant": AgentConfig(tools=["write_file", "edit_file"])}
    first = ("write_file", {"path": "a.txt", "content": "0\n"})
    edits = [
        ("edit_file", {"path": "a.txt", "old": f"{number}\n", "new": f"{number}\n{number + 1}\n"})
        for number in range(8)
    ]
    async with open_here(agents=agents) as runtime:
        run = await runtime.start(script([first, *edits]))
        events = await work(runtime, run.id)
    assert all(event.ok for event in of(events, ToolFinished))
    assert Path(run.workspace, "a.txt").read_text().split() == [str(number) for number in range(9)]
