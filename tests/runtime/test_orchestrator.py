from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from team import STEPS, orchestrator

from nexus_agents import AgentOrchestrator, PlanningAgent, WorkflowFailed, open_runtime
from nexus_agents.core.errors import ConfigError, ExitCode, InputError
from nexus_agents.core.events import Retried

Context = Mapping[str, Any]


def steps(*made: dict[str, Any]) -> dict[str, Any]:
    return {"steps": list(made)}


@pytest.fixture
def team(home: Path) -> AgentOrchestrator:
    """An orchestrator with an agent that echoes its action."""
    made = AgentOrchestrator()
    made.register_agent("echo", lambda action, context: action)
    return made


def runs() -> list[Any]:
    async def read() -> list[Any]:
        async with open_runtime(checkpoints=False) as runtime:
            return await runtime.memory.runs.list()

    return asyncio.run(read())


def test_the_example_of_the_documentation(home):
    orchestrator = AgentOrchestrator()
    orchestrator.register_agent("greet", lambda action, context: f"Hello, {context['name']}!")
    workflow = {"steps": [{"agent": "greet", "action": "say hello"}]}
    result = orchestrator.execute_workflow(workflow, initial_context={"name": "Ada"})
    assert result.results == {"greet": "Hello, Ada!"}
    (run,) = runs()
    assert (run.id, run.status, run.graph) == (result.run_id, "done", "workflow")


def test_steps_that_wait_for_nothing_in_common_overlap(team):
    present, both = set[str](), asyncio.Event()

    async def meet(action: str, context: Context) -> str:
        present.add(action)
        if len(present) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        return action

    team.register_agent("meet", meet)
    result = team.execute_workflow(
        steps(
            {"agent": "meet", "id": "left", "action": "l"},
            {"agent": "meet", "id": "right", "action": "r"},
            {"agent": "echo", "id": "last", "action": "{left}{right}", "depends_on": ["left", "right"]},
        )
    )
    assert result.results == {"left": "l", "right": "r", "last": "lr"}


def test_plain_functions_side_by_side_overlap_too(team):
    # A plain function that waits must not hold up the others.
    barrier = threading.Barrier(2, timeout=10)

    def meet(action: str, context: Context) -> str:
        barrier.wait()
        return action

    team.register_agent("meet", meet)
    made = steps({"agent": "meet", "id": "a", "action": "1"}, {"agent": "meet", "id": "b", "action": "2"})
    assert team.execute_workflow(made).results == {"a": "1", "b": "2"}


def test_order_and_shared_context(team):
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(action: str, context: Context) -> dict[str, Any]:
        seen.append((action, dict(context)))
        return {"said": action}

    team.register_agent("note", note)
    result = team.execute_workflow(
        steps(
            {"agent": "note", "id": "c", "action": "third {b}", "depends_on": ["b"]},
            {"agent": "note", "id": "b", "action": "second {start}", "depends_on": ["a"]},
            {"agent": "note", "id": "a", "action": "first, {words}"},
        ),
        {"start": "now", "words": ["x", 1]},
    )
    assert [action for action, _ in seen] == ['first, ["x", 1]', "second now", 'third {"said": "second now"}']
    assert seen[2][1] == {
        "start": "now",
        "words": ["x", 1],
        "a": {"said": 'first, ["x", 1]'},
        "b": {"said": "second now"},
    }
    assert list(result.results) == ["c", "b", "a"]


class Order(BaseModel):
    item: str


@pytest.mark.parametrize(
    ("workflow", "context", "kind", "says"),
    [
        (steps({"agent": "ecko", "action": "x"}), {}, ConfigError, "There is no agent named 'ecko'"),
        (steps({"agent": "echo", "action": "{name}"}), {}, ConfigError, "needs 'name'"),
        (
            # What a step beside this one makes is not there in time.
            steps({"agent": "echo", "id": "a", "action": "x"}, {"agent": "echo", "id": "b", "action": "{a}"}),
            {},
            ConfigError,
            "Step 'b' needs 'a'",
        ),
        (
            steps(
                {"agent": "echo", "id": "a", "action": "x", "depends_on": ["b"]},
                {"agent": "echo", "id": "b", "action": "x", "depends_on": ["a"]},
            ),
            {},
            ConfigError,
            "in a circle: a -> b -> a",
        ),
        (steps({"agent": "echo", "action": "x"}, {"agent": "echo", "action": "y"}), {}, ConfigError, "named 'echo'"),
        (
            steps({"agent": "echo", "action": "x", "depends_on": ["ehco"]}),
            {},
            ConfigError,
            "There is no step named 'ehco'",
        ),
        (steps({"agent": "echo", "action": "x", "retires": 2}), {}, ConfigError, "retires: Extra inputs"),
        (steps({"agent": "echo"}), {}, ConfigError, "action: Field required"),
        (steps(), {}, ConfigError, "The workflow has no steps"),
        ({}, {}, ConfigError, "The workflow has no steps"),
        (steps({"agent": "echo", "id": "workflow-finish", "action": "x"}), {}, ConfigError, "workflow-finish"),
        (steps({"agent": "echo", "id": "a:b", "action": "x"}), {}, ConfigError, "a:b"),
        (steps({"agent": "echo", "action": "x"}), {"order": Order(item="y")}, InputError, "cannot be kept"),
        (steps({"agent": "echo", "id": "__start__", "action": "x"}), {}, ConfigError, "__start__"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(team, workflow, context, kind, says):
    with pytest.raises(kind) as refused:
        team.execute_workflow(workflow, context)
    assert says in refused.value.message
    assert refused.value.hint
    assert runs() == []


def test_what_is_no_agent_is_not_registered(team):
    with pytest.raises(TypeError, match="neither an Agent nor callable"):
        team.register_agent("wrong", 3)


def test_a_transient_fault_is_met_again(team):
    tried: list[float] = []

    def shaky(action: str, context: Context) -> str:
        tried.append(time.monotonic())
        if len(tried) < 3:
            raise ConnectionError("reset by peer")
        return "at last"

    team.register_agent("shaky", shaky)
    result = team.execute_workflow(steps({"agent": "shaky", "action": "x"}))
    assert result.results == {"shaky": "at last"}
    first, second = tried[1] - tried[0], tried[2] - tried[1]
    assert 0.5 <= first < second

    async def retried() -> list[Retried]:
        async with open_runtime(checkpoints=False) as runtime:
            events = await runtime.memory.events.read(result.run_id)
            return [event for event in events if isinstance(event, Retried)]

    assert [(event.what, event.attempt, event.reason) for event in asyncio.run(retried())] == [
        ("step shaky", 1, "ConnectionError: reset by peer"),
        ("step shaky", 2, "ConnectionError: reset by peer"),
    ]


def test_retries_end_and_the_run_can_go_on(team):
    tried: list[str] = []

    def down(action: str, context: Context) -> str:
        tried.append(action)
        if len(tried) < 3:
            raise ConnectionError("refused")
        return "up"

    team.register_agent("down", down)
    with pytest.raises(WorkflowFailed) as failed:
        team.execute_workflow(steps({"agent": "down", "action": "x", "retry": 2}))
    assert failed.value.exit_code == ExitCode.UNREACHABLE
    assert "step down does not answer: ConnectionError: refused" in failed.value.message
    assert f"resume({failed.value.run_id!r})" in failed.value.hint
    assert len(tried) == 2
    assert team.resume(failed.value.run_id).results == {"down": "up"}


@pytest.mark.parametrize("fault", [ValueError("wrong"), InputError("wrong", "Do better.")])
def test_any_other_fault_is_not_met_again(team, fault):
    tried: list[str] = []

    def wrong(action: str, context: Context) -> str:
        tried.append(action)
        raise fault

    team.register_agent("wrong", wrong)
    with pytest.raises(WorkflowFailed, match="wrong"):
        team.execute_workflow(steps({"agent": "wrong", "action": "x"}))
    assert tried == ["x"]


def test_a_new_process_goes_on_where_the_workflow_failed(home, tmp_path):
    witness = tmp_path / "witness.txt"
    with pytest.raises(WorkflowFailed, match="the wall fell") as failed:
        orchestrator(witness).execute_workflow(STEPS, {"colour": "red"})
    assert witness.read_text().splitlines() == ["lay red bricks", "paint", "break"]
    command = [sys.executable, str(Path(__file__).with_name("team.py")), failed.value.run_id, str(witness)]
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert again.returncode == 1
    assert "the wall fell" in again.stderr
    assert "Traceback" not in again.stderr
    witness.with_name("mended").touch()
    whole = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(whole.stdout)["results"] == {
        "one": "done: lay red bricks",
        "two": "done: paint",
        "three": "done: break",
        "four": "done: clean up after done: break",
    }
    assert witness.read_text().splitlines() == [
        *("lay red bricks", "paint", "break"),
        *("break",),
        *("break", "clean up after done: break"),
    ]


def test_a_run_is_not_resumed_without_its_agents(home, tmp_path):
    with pytest.raises(WorkflowFailed) as failed:
        orchestrator(tmp_path / "witness.txt").execute_workflow(STEPS, {"colour": "red"})
    with pytest.raises(ConfigError, match="There is no agent named 'worker'"):
        AgentOrchestrator().resume(failed.value.run_id)
    with pytest.raises(InputError, match="There is no run nowhere"):
        AgentOrchestrator().resume("nowhere")


def test_what_cannot_be_kept_is_refused(team):
    team.register_agent("odd", lambda action, context: {1, 2})
    with pytest.raises(WorkflowFailed, match="Step 'odd' answered with what cannot be kept") as failed:
        team.execute_workflow(steps({"agent": "odd", "action": "x"}))
    assert "JSON" in str(failed.value) or "pydantic" in str(failed.value)
    team.register_agent("order", lambda action, context: Order(item=action))
    assert team.execute_workflow(steps({"agent": "order", "action": "tea"})).results == {"order": {"item": "tea"}}


async def test_the_synchronous_call_works_from_within_a_running_loop(team):
    made: Callable[..., Any] = team.execute_workflow
    assert made(steps({"agent": "echo", "action": "x"})).results == {"echo": "x"}
    with pytest.raises(ConfigError):
        made(steps({"agent": "nobody", "action": "x"}))


async def test_the_asynchronous_call_leaves_the_loop_free(team):
    free = asyncio.Event()

    async def wait(action: str, context: Context) -> str:
        await asyncio.wait_for(free.wait(), 10)
        return "free"

    team.register_agent("wait", wait)
    work = asyncio.create_task(team.aexecute_workflow(steps({"agent": "wait", "action": "x"})))
    await asyncio.sleep(0.05)
    free.set()
    assert (await work).results == {"wait": "free"}


def test_an_agent_of_nexus_is_a_step(team):
    team.register_agent("planner", PlanningAgent())
    result = team.execute_workflow(
        steps(
            {"agent": "planner", "id": "plan", "action": "create an API for {thing} with title and author"},
            {"agent": "echo", "id": "said", "action": "{plan}", "depends_on": ["plan"]},
        ),
        {"thing": "books"},
    )
    plan = result.results["plan"]
    assert [entity["name"] for entity in plan["entities"]] == ["book"]
    assert {"title", "author"} <= {field["name"] for field in plan["entities"][0]["fields"]}
    assert json.loads(result.results["said"]) == plan
