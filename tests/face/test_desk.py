"""Runs through the desk: started, watched, answered and interrupted, by one face or two, warm and cold."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from face_parts import OpenFace, collect, effects, held, kept, release, request, until

from nexus_agents.core.budget import Limits
from nexus_agents.core.errors import ExitCode, InputError
from nexus_agents.core.events import AnyEvent, ApprovalAsked, RunFinished, TextChunk, UserSaid
from nexus_agents.runtime.approvals import Decision
from nexus_agents.runtime.desk import Desk

MARK = [("mark", {"text": "once"})]


async def test_a_run_from_its_start_to_its_end(started: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await desk.start(request(MARK, say="one two three four", pause=0.02))
        events = await collect(desk, run.id)
        assert kept(events) == list(range(1, len(kept(events)) + 1))
        assert kept(events) == [event.seq for event in await desk.runtime.memory.events.read(run.id)]
        assert isinstance(events[-1], RunFinished)
        assert events[-1].status == "done"
        assert [event.text for event in events if isinstance(event, TextChunk)] == ["one ", "two ", "three ", "four "]
        assert effects(run.workspace) == ["once"]
        assert await desk.unfinished() == []


async def test_approval_is_asked_and_answered(warm: Path, face: OpenFace) -> None:
    async with face() as desk:
        for approve in (True, False):
            run = await desk.start(request([("launch", {"text": "up"})]))
            events = await collect(desk, run.id)
            assert (events[-1].type, events[-1].status) == ("run_finished", "waiting")
            (asked,) = [event for event in events if isinstance(event, ApprovalAsked)]
            assert [one.id for one in await desk.unfinished()] == [run.id]
            await desk.work(run.id, answers={asked.approval_id: Decision(approve=approve, reason="not now")})
            more = await collect(desk, run.id, after=events[-1].seq)
            # A call that was not allowed is told as such, whatever the model says.
            assert more[-1].status == ("done" if approve else "failed"), more[-1]
            assert kept(more)[0] == events[-1].seq + 1
            assert Path(run.workspace, "launched.txt").exists() == approve


async def test_interrupt_and_go_on(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await held(desk)
        assert await desk.interrupt(run.id)
        events = await collect(desk, run.id)
        assert events[-1].status == "interrupted"
        assert events[-1].error.message
        assert events[-1].error.hint
        assert not await desk.interrupt(run.id)
        release(run)
        await desk.work(run.id)
        assert (await collect(desk, run.id, after=events[-1].seq))[-1].status == "done"
        assert effects(run.workspace) == ["once"]


async def test_start_through_the_host_is_fast(warm: Path, face: OpenFace) -> None:
    async with face() as desk:
        claimed: list[float] = []
        cold: list[float] = []
        for number in range(7):
            if number % 3 == 0:
                begun = time.monotonic()
                imports = "import langgraph.graph, langchain.agents, nexus_agents.runtime.runtime, graphs.assistant"
                process = await asyncio.create_subprocess_exec(sys.executable, "-c", imports)
                assert await process.wait() == 0
                cold.append(time.monotonic() - begun)
            begun = time.monotonic()
            run = await desk.start(request())
            async for event in desk.watch(run.id):
                assert event.type == "run_started"
                break
            claimed.append(time.monotonic() - begun)
            await collect(desk, run.id)
        # Measured at 70 to 90 ms on two quiet cores, where a new process imports for more than a second. Both are
        # measured in turn, since others may be at work.
        assert statistics.median(claimed) < statistics.median(cold) / 3


async def test_closing_the_face_leaves_the_run_at_work(warm: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await held(desk)
    async with face() as desk:
        assert await desk.unfinished() == []
        release(run)
        assert (await collect(desk, run.id))[-1].status == "done"


async def test_a_face_that_comes_in_the_middle_misses_nothing(home: Path, face: OpenFace) -> None:
    async with face() as first:
        run = await held(first, say="and now we say it all in some words")
        watching = asyncio.create_task(collect(first, run.id))
        async with face() as second:
            attached = asyncio.create_task(collect(second, run.id))
            await asyncio.sleep(0.3)
            release(run)
            both = await asyncio.gather(watching, attached)
    for events in both:
        assert kept(events) == list(range(1, len(kept(events)) + 1))
        assert events[-1].status == "done"
        chunks = [event.text for event in events if isinstance(event, TextChunk)]
        assert "".join(chunks).strip() == "and now we say it all in some words"


async def test_chunks_of_a_message_that_was_read_already_are_not_shown_after_it(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await desk.start(request(say=" ".join(["word"] * 60), pause=0.02))
        while not await desk.runtime.memory.runs.list(statuses=("done",)):
            events = await collect(desk, run.id)
            message = next(place for place, event in enumerate(events) if event.type == "message")
            assert not any(isinstance(event, TextChunk) for event in events[message:])


async def test_what_is_said_to_a_run_is_seen_at_once_and_in_its_place(home: Path, face: OpenFace) -> None:
    async with face() as desk, face() as other:
        run = await held(desk)
        seen: list[list[AnyEvent]] = [[], []]

        async def watch(watcher: Desk, events: list[AnyEvent]) -> None:
            async for event in watcher.watch(run.id):
                events.append(event)

        watching = [asyncio.create_task(watch(one, events)) for one, events in zip((desk, other), seen, strict=True)]
        said = await other.say(run.id, "  use the small one ")
        # No event of the worker comes meanwhile: the run is held.
        await asyncio.to_thread(until, lambda: all(said in events for events in seen))
        release(run)
        await asyncio.gather(*watching)
        for events in seen:
            assert kept(events) == list(range(1, len(kept(events)) + 1))
            assert [event.text for event in events if isinstance(event, UserSaid)] == ["use the small one"]
            assert events[-1].status == "done"


async def test_what_is_said_to_a_run_that_waits_does_not_keep_a_watcher(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await desk.start(request([("launch", {"text": "up"})]))
        assert (await collect(desk, run.id))[-1].status == "waiting"
        await desk.say(run.id, "be quick")
        events = await asyncio.wait_for(collect(desk, run.id), 20)
        assert [event.type for event in events[-2:]] == ["run_finished", "user_said"]
        with pytest.raises(InputError, match="no run nobody"):
            await desk.say("nobody", "hello")


async def test_a_budget_reaches_the_worker_and_can_be_raised(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await desk.start(request(MARK, say="all done"), budget=Limits(turns=1))
        stopped = (await collect(desk, run.id))[-1]
        assert (stopped.status, stopped.error.exit_code) == ("interrupted", int(ExitCode.LIMIT))
        await desk.work(run.id, budget=Limits(turns=5))
        assert (await collect(desk, run.id, after=stopped.seq))[-1].status == "done"
        assert effects(run.workspace) == ["once"]


RESUME = """
import asyncio, sys
from nexus_agents.core.errors import NexusError
from nexus_agents.runtime.desk import open_desk
async def main():
    async with open_desk() as desk:
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            await desk.work(sys.argv[1])
            print("won")
        except NexusError as error:
            print(type(error).__name__, error.message, error.hint, sep="\\n")
asyncio.run(main())
"""


async def test_of_two_that_resume_one_run_one_wins_and_the_other_is_told(home: Path, face: OpenFace) -> None:
    async with face() as desk:
        run = await held(desk)
        await desk.interrupt(run.id)
        await collect(desk, run.id)
        command = [sys.executable, "-c", RESUME, run.id]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        both = [await asyncio.to_thread(subprocess.Popen, command, **pipes) for _ in range(2)]
        for process in both:
            assert process.stdout
            assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        for process in both:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        said = sorted([(await asyncio.to_thread(process.communicate))[0].splitlines() for process in both], key=len)
        assert said[0] == ["won"]
        assert said[1][0] == "InputError"
        assert "is being worked on by" in said[1][1]
        assert said[1][2]
        release(run)
        events = await collect(desk, run.id)
        assert events[-1].status == "done"
        assert [event.type for event in events].count("run_resumed") == 1
        assert effects(run.workspace) == ["once"]
