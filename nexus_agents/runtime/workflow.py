"""Workflows as LangGraph graphs: each step a node, each node a checkpoint."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, Protocol, TypedDict, cast

from pydantic import BaseModel

from nexus_agents.agents.roster import Roster
from nexus_agents.core.errors import InputError
from nexus_agents.core.runs import Outcome
from nexus_agents.core.workflow import Step
from nexus_agents.runtime.workflow_check import FINISH, PLACEHOLDER, check_workflow
from nexus_agents.runtime.workflow_file import read_workflow

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

    from nexus_agents.core.ports import Kit

__all__ = ["WorkflowAgent", "build", "build_inside", "build_workflow"]

SHOWN = 4000
"""Characters of an answer that are shown where a workflow ends; the whole of it is kept."""


class WorkflowAgent(Protocol):
    """What a workflow calls: any function of an action and the shared context, plain or async."""

    def __call__(self, action: str, context: Mapping[str, Any]) -> object:
        """Do the action; the answer goes into the shared context under the step's id and must be JSON or pydantic."""
        ...


class State(TypedDict):
    """The shared context: the initial values, then the answer of each step under its id."""

    request: str
    context: Annotated[dict[str, Any], lambda old, new: {**old, **new}]  # type: ignore[type-arg]
    result: dict[str, Any]


class Inside(TypedDict):
    """A workflow file that another graph runs, what it is given, and what was read from it."""

    request: str
    path: str
    given: dict[str, str]
    steps: NotRequired[list[dict[str, Any]]]
    context: NotRequired[dict[str, Any]]
    result: NotRequired[dict[str, Any]]


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph of a workflow whose steps stand in the inputs of the run: no file is needed to go on with it.

    Raises:
        ConfigError: An agent is not there (any more).
    """
    inputs = kit.run.inputs
    roster = Roster(kit.config)
    return build_workflow(check_workflow(inputs, roster, inputs.get("context", {})), roster, kit)


def build_inside(kit: Kit) -> StateGraph[Inside]:
    """Return a graph that reads a workflow file and works it, for tools: a resume does not read the file again."""
    from langgraph.graph import END, START, StateGraph

    async def read(state: Inside) -> dict[str, Any]:
        found = read_workflow(Path(state["path"]), kit.config, state["given"])
        return {"steps": [step.model_dump(mode="json") for step in found.steps], "context": dict(found.context)}

    async def work(state: Inside) -> dict[str, Any]:
        steps = [Step.model_validate(raw) for raw in state.get("steps", [])]
        context = state.get("context", {})
        graph = build_workflow(steps, Roster(kit.config), kit).compile()
        ended = await graph.ainvoke(cast("Any", {"request": state["request"], "context": context}))
        return {"result": ended["result"]}

    graph = StateGraph(Inside)
    graph.add_node("read", read)
    graph.add_node("work", work)
    graph.add_edge(START, "read")
    graph.add_edge("read", "work")
    graph.add_edge("work", END)
    return graph


def build_workflow(steps: Sequence[Step], agents: Mapping[str, object], kit: Kit) -> StateGraph[State]:
    """Return one graph in which each step is a node; steps that wait for nothing in common run side by side."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    for step in steps:
        graph.add_node(step.id, cast("Any", _node(step, agents[step.agent], kit)))
    for step in steps:
        graph.add_edge(list(step.depends_on) if step.depends_on else START, step.id)
    last = [step.id for step in steps if not any(step.id in other.depends_on for other in steps)]

    async def finish(state: State) -> dict[str, Any]:
        made = {step.id: state["context"].get(step.id) for step in steps}
        told = [f"{len(steps)} steps are done: {', '.join(made)}.", *(_shown(made[name]) for name in last)]
        outcome = Outcome(summary="\n\n".join(part for part in told if part), data={"results": made})
        return {"result": outcome.model_dump(mode="json")}

    graph.add_node(FINISH, finish)
    graph.add_edge(last, FINISH)
    graph.add_edge(FINISH, END)
    return graph


def _node(step: Step, agent: object, kit: Kit) -> Callable[[State], Awaitable[dict[str, Any]]]:
    async def perform(state: State) -> dict[str, Any]:
        from nexus_agents.agents.retry import with_retries

        context = state["context"]
        action = PLACEHOLDER.sub(lambda match: _as_text(context[match.group(1)]), step.action)
        answer = await with_retries(
            lambda: _call(agent, kit, action, context), what=f"step {step.id}", kit=kit, attempts=step.retry
        )
        return {"context": {step.id: _as_json(answer, step)}}

    return perform


async def _call(agent: object, kit: Kit, action: str, context: Mapping[str, Any]) -> object:
    from nexus_agents.agents.base import Agent
    from nexus_agents.agents.custom import Words

    if isinstance(agent, Agent):
        from langchain_core.messages import HumanMessage

        # A message of its own, so that what is known is not taken for what is asked.
        shared = json.dumps(dict(context), indent=1, ensure_ascii=False)
        known = [HumanMessage(f"Shared context of the workflow:\n```json\n{shared}\n```")] if context else []
        answer = await cast("Agent[Any]", agent).run(kit, action, history=known)
        return answer.text if isinstance(answer, Words) else answer
    call = cast("WorkflowAgent", agent)
    if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None)):  # noqa: B004
        answer = call(action, context)
    else:
        # A plain function that waits for something must not hold up the steps beside it.
        answer = await asyncio.to_thread(call, action, context)
    return await answer if inspect.isawaitable(answer) else answer


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(answer: object) -> str:
    parts = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
    text = _as_text(parts.get("summary") or cast("object", answer))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."


def _as_json(answer: object, step: Step) -> object:
    plain = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
    try:
        return json.loads(json.dumps(plain))
    except TypeError as error:
        raise InputError(
            f"Step {step.id!r} answered with what cannot be kept: {error}.",
            "Let its agent return text, numbers, lists, dicts or a pydantic model.",
        ) from error
