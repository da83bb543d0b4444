"""Going on from an earlier step: forks, rewinds, replays, and what is refused."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probes import effects

from nexus_agents import NexusError
from nexus_agents.core.events import AnyEvent, RunFinished, RunForked, RunRewound, RunStarted, ToolStarted
from nexus_agents.core.history import CheckpointInfo
from nexus_agents.runtime.branch import find_step

Open = Callable[..., Any]
Work = Callable[..., Any]
Script = Callable[..., str]

REQUEST = "create an API for notes with text"


def step(steps: list[CheckpointInfo], does: str, *path: str) -> CheckpointInfo:
    """The last step that a node of that name led to."""
    return [one for one in steps if one.does == does and one.path[-len(path) :] == list(path) and not one.left][-1]


def ending(events: list[AnyEvent]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


def calls(events: list[AnyEvent]) -> list[str]:
    return [event.tool for event in events if isinstance(event, ToolStarted)]


def size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("nexus.db*") if "before" not in path.name)


def log(folder: Path) -> list[str]:
    done = subprocess.run(["git", "log", "--format=%s"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.parts and "__pycache__" not in path.parts
    }


async def refused(coroutine: Any, *words: str) -> NexusError:
    with pytest.raises(NexusError) as caught:
        await coroutine
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value), caught.value
    return caught.value


# -- a development run --------------------------------------------------------------------------------


@pytest.fixture
def builder(home: Path, open_here: Open) -> Open:
    """A runtime with the tools and the model that ship."""
    return lambda: open_here(default_model="builtin:nexus", providers={}, tools={}, agents={})


async def test_a_development_run_is_forked_in_the_middle(builder: Open, work: Work, home: Path) -> None:
    async with builder() as runtime:
        run = await runtime.start(REQUEST, graph="development", approved=["read", "write", "execute"])
        assert ending(await work(runtime, run.id, approved=["read", "write", "execute"])).status == "done"
        parent = await runtime.memory.runs.get(run.id)
        before = files(Path(run.workspace)), log(Path(run.workspace)), await runtime.history(run.id)
        await runtime.memory.cleaning.shrink()
        bytes_before = size(home)

        # The backend has written its files and not committed them; the frontend is at work beside it.
        middle = step(before[2], "tools", "backend")
        fork = await runtime.fork(run.id, middle.number)
        await runtime.memory.cleaning.shrink()
        assert size(home) - bytes_before < bytes_before * 0.5
        (first,) = await runtime.replay(fork.id)
        assert isinstance(first, RunForked)
        assert (first.parent_id, first.step) == (run.id, middle.number)
        assert "set back to commit" in first.files
        assert "written again" in first.files
        assert log(Path(fork.workspace))[-1].startswith("Plan:")
        assert (Path(fork.workspace) / "app" / "main.py").is_file()
        assert not (Path(fork.workspace) / "tests").exists()

        events = await work(runtime, fork.id, approved=["read", "write", "execute"])
        assert ending(events).status == "done", ending(events)
        assert isinstance(events[0], RunStarted)
        assert "commit" in calls(events)
        assert {event.agent for event in events if isinstance(event, ToolStarted)} >= {"testing", "review", "backend"}
        assert "planning" not in {event.agent for event in events if isinstance(event, ToolStarted)}
        assert files(Path(fork.workspace)).keys() == before[0].keys()

        assert await runtime.memory.runs.get(run.id) == parent
        assert (files(Path(run.workspace)), log(Path(run.workspace)), await runtime.history(run.id)) == before


@pytest.mark.slow
async def test_a_development_run_is_rewound(builder: Open, work: Work) -> None:
    async with builder() as runtime:
        run = await runtime.start(REQUEST, graph="development")
        await work(runtime, run.id, approved=["read", "write", "execute"])
        steps = await runtime.history(run.id)
        planned = step(steps, "begin")
        rewound = await runtime.rewind(run.id, planned.number)
        assert (rewound.status, rewound.rewinds, rewound.result) == ("interrupted", 1, None)
        event = (await runtime.replay(run.id))[-1]
        assert isinstance(event, RunRewound)
        assert event.left == len(steps) - planned.number
        ledger = await runtime.memory.ledger.list(run.id)
        assert {call.status for call in ledger} == {"done", "undone"}
        events = await work(runtime, run.id, approved=["read", "write", "execute"])
        assert ending(events).status == "done", ending(events)
        made = [event for event in events if isinstance(event, ToolStarted)]
        assert all(event.call_id.endswith("~1") for event in made)
        mark = run.id[-6:]
        assert {f"{mark}-commit-backend-0~1", f"{mark}-commit-testing-0~1"} <= {event.call_id for event in made}
        assert "write-planning-0~1" not in {event.call_id for event in made}, "it was done by then"


# -- calls --------------------------------------------------------------------------------------------


async def test_a_call_of_a_graph_is_made_again_after_a_rewind(open_here: Open, work: Work) -> None:
    inputs = {"tool": "send", "arguments": {"text": "one"}}
    async with open_here() as runtime:
        run = await runtime.start("send one", graph="call", inputs=inputs)
        await work(runtime, run.id)
        assert effects(Path(run.workspace)) == ["one"]
        await runtime.rewind(run.id, 2)
        events = await work(runtime, run.id)
        assert ending(events).status == "done"
        assert [event.call_id for event in events if isinstance(event, ToolStarted)] == [f"call-{run.id}~1"]
        assert effects(Path(run.workspace)) == ["one", "one"]
        assert [call.status for call in await runtime.memory.ledger.list(run.id)] == ["undone", "done"]

        await runtime.rewind(run.id, 2)
        await work(runtime, run.id)
        assert effects(Path(run.workspace)) == ["one"] * 3


async def test_a_rewind_to_the_end_does_nothing_again(open_here: Open, work: Work) -> None:
    async with open_here() as runtime:
        run = await runtime.start("send", graph="call", inputs={"tool": "send", "arguments": {"text": "one"}})
        await work(runtime, run.id)
        steps = await runtime.history(run.id)
        await runtime.rewind(run.id, steps[-1].checkpoint_id)
        assert ending(await work(runtime, run.id)).status == "done"
        assert effects(Path(run.workspace)) == ["one"]


async def test_calls_before_the_step_are_not_made_again(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        asked = script([("send", {"text": "one"})], [("send", {"text": "two"})])
        run = await runtime.start(asked)
        await work(runtime, run.id)
        assert effects(Path(run.workspace)) == ["one", "two"]
        steps = await runtime.history(run.id)
        sent_one = next(one for one in steps if one.does == "tools")
        await runtime.rewind(run.id, sent_one.number)
        assert ending(await work(runtime, run.id)).status == "done"
        assert effects(Path(run.workspace)) == ["one", "two", "two"]

        fork = await runtime.fork(run.id, sent_one.number)
        assert ending(await work(runtime, fork.id)).status == "done"
        assert effects(Path(fork.workspace)) == ["one", "two", "two", "two"], "without git, files as they are"
        assert effects(Path(run.workspace)) == ["one", "two", "two"]


async def test_a_call_that_was_cut_off_is_not_asked_about_after_a_rewind(
    open_here: Open, work: Work, script: Script
) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "one", "hang": True})]))
        async for event in runtime.stream(run.id):
            if isinstance(event, ToolStarted):
                await asyncio.sleep(0.2)
                runtime.interrupt(run.id)
        assert effects(Path(run.workspace)) == ["one"]
        steps = await runtime.history(run.id)
        await runtime.rewind(run.id, steps[-1].number)
        stream = runtime.stream(run.id)
        async for event in stream:
            if isinstance(event, ToolStarted):
                await asyncio.sleep(0.2)
                runtime.interrupt(run.id)
        assert effects(Path(run.workspace)) == ["one", "one"], "a call with a folder of its own, made anew"


async def test_a_question_is_asked_again_in_a_fork(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("launch", {"text": "one"})]))
        assert ending(await work(runtime, run.id)).status == "waiting"
        steps = await runtime.history(run.id)
        fork = await runtime.fork(run.id, steps[-1].number)
        assert ending(await work(runtime, fork.id)).status == "waiting"
        assert ending(await work(runtime, fork.id, approved=["execute"])).status == "done"
        assert effects(Path(fork.workspace)) == ["one"]
        assert effects(Path(run.workspace)) == []


async def test_a_fork_may_ask_for_something_else(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("note", {"text": "one"})]))
        await work(runtime, run.id)
        inside = [one for one in await runtime.history(run.id) if one.path][-1]
        fork = await runtime.fork(run.id, inside.number, request=script([("note", {"text": "other"})]))
        events = await work(runtime, fork.id)
        assert (ending(events).status, ending(events).summary) == ("done", '{"summary":"other"}')
        await refused(runtime.fork(run.id, 1, request="  "), "empty")


async def test_a_fork_of_a_fork_and_a_rewound_fork(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("note", {"text": "one"})]))
        await work(runtime, run.id)
        steps = await runtime.history(run.id)
        fork = await runtime.fork(run.id, 4)
        await work(runtime, fork.id)
        await runtime.rewind(fork.id, 3)
        again = await runtime.fork(fork.id, 4)
        for one in (fork, again):
            assert ending(await work(runtime, one.id)).status == "done"
        assert await runtime.history(run.id) == steps
        (branch,) = await runtime.memory.history.branches(run.id)
        assert (branch.run_id, branch.status) == (fork.id, "done")
        assert [one.run_id for one in await runtime.memory.history.branches(fork.id)] == [again.id]


# -- workspaces ---------------------------------------------------------------------------------------


async def test_a_folder_that_is_named(open_here: Open, work: Work, script: Script, tmp_path: Path) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "one"})]))
        await work(runtime, run.id)
        full = tmp_path / "full"
        full.mkdir()
        (full / "mine.txt").write_text("mine")
        fork = await runtime.fork(run.id, 4, workspace=full)
        assert files(full) == {"mine.txt": b"mine"}
        assert Path(fork.workspace) == full
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "empty", tmp_path / "new" / "er"):
            fork = await runtime.fork(run.id, 4, workspace=folder)
            assert effects(Path(fork.workspace)) == ["one"]
        inside = Path(run.workspace) / "inside"
        await refused(runtime.fork(run.id, 4, workspace=inside), "lies in the workspace")
        (tmp_path / "file").touch()
        await refused(runtime.fork(run.id, 4, workspace=tmp_path / "file"))
        assert not inside.exists()


async def test_what_is_not_committed_is_copied(open_here: Open, work: Work, script: Script, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    (folder / "draft.txt").write_text("draft")
    (folder / "link").symlink_to("draft.txt")
    async with open_here() as runtime:
        run = await runtime.start(script([("note", {"text": "one"})]), workspace=folder)
        await work(runtime, run.id)
        steps = await runtime.history(run.id)
        fork = await runtime.fork(run.id, steps[-1].number)
        assert files(Path(fork.workspace)) == files(folder)
        assert (Path(fork.workspace) / "link").is_symlink()


# -- refusals -----------------------------------------------------------------------------------------


async def test_what_cannot_be_gone_on_from_is_refused(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        queued = await runtime.start(script([("note", {"text": "one"})]))
        run = await runtime.start(script([("note", {"text": "one"})]))
        await work(runtime, run.id)
        runs = len(await runtime.memory.runs.list())
        for change in (runtime.fork, runtime.rewind):
            await refused(change("nobody", 1), "There is no run nobody", "nexus runs")
            await refused(change(queued.id, 1), "has no steps yet", f"nexus resume {queued.id}")
            await refused(change(run.id, 99), "has no step 99: they go from 1 to", f"nexus history {run.id}")
            await refused(change(run.id, 0), "has no step 0")
            await refused(change(run.id, "planning"), "has no step or checkpoint 'planning'")
            await refused(change(run.id, ""), "has no step or checkpoint")
            await refused(change(run.id, "1f"), "fits ")
        shutil.rmtree(run.workspace)
        await refused(runtime.fork(run.id, 4), "gone", "--workspace")
        await refused(runtime.rewind(run.id, 4), "gone", "Put it back")
        assert len(await runtime.memory.runs.list()) == runs
        assert await runtime.memory.runs.get(run.id) is not None
        assert [one.left for one in await runtime.history(run.id) if one.left] == []


async def test_a_run_at_work_is_refused(open_here: Open, script: Script) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "one", "hang": True})]))
        async for event in runtime.stream(run.id):
            if isinstance(event, ToolStarted):
                await refused(runtime.fork(run.id, 1), "is at work", "interrupt it first")
                await refused(runtime.rewind(run.id, 1), "being worked on", "interrupt it first")
                runtime.interrupt(run.id)
        assert (await runtime.memory.runs.get(run.id)).status == "interrupted"


async def test_a_thread_that_has_gone_on_is_not_rewound(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        first = await runtime.start(script([("note", {"text": "one"})]))
        await work(runtime, first.id)
        second = await runtime.start(script([("note", {"text": "two"})]), thread_id=first.id)
        await work(runtime, second.id)
        await refused(runtime.rewind(first.id, 3), f"Run {second.id} has gone on", f"nexus fork {first.id} --at 3")
        steps = await runtime.history(second.id)
        await runtime.rewind(second.id, steps[0].number)
        assert ending(await work(runtime, second.id)).summary == '{"summary":"two"}'
        fork = await runtime.fork(first.id, len(await runtime.history(first.id)))
        assert ending(await work(runtime, fork.id)).summary == '{"summary":"one"}'


async def test_replay_shows_what_was_shown(open_here: Open, work: Work, script: Script) -> None:
    async with open_here() as runtime:
        run = await runtime.start(script([("send", {"text": "one"})]))
        events = [event for event in await work(runtime, run.id) if event.seq]
        assert await runtime.replay(run.id[:12]) == events
        assert effects(Path(run.workspace)) == ["one"]
        await refused(runtime.replay("nobody"), "There is no run nobody")


def test_steps_are_found_by_number_and_by_either_end_of_an_id() -> None:
    steps = [
        CheckpointInfo(
            number=number, checkpoint_id=f"1f1eb949-{number}000-6000-8000-00000000000{number}", thread_id="t"
        )
        for number in (1, 2)
    ]
    assert find_step(steps, 2, "r").number == 2
    assert find_step(steps, " 2 ", "r").number == 2
    assert find_step(steps, "00000001", "r").number == 1
    assert find_step(steps, steps[1].checkpoint_id, "r").number == 2
    assert find_step(steps, "1f1eb949-2", "r").number == 2
