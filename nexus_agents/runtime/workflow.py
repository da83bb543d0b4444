"""A workflow as data: checked before anything runs, then compiled to one LangGraph graph."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypedDict, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.names import nearest
from nexus_agents.core.runs import Outcome

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

    from nexus_agents.core.ports import Kit

__all__ = ["Step", "WorkflowAgent", "build_workflow", "check_workflow"]

FINISH = "workflow-finish"
PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w-]*)\}")


class WorkflowAgent(Protocol):
    """What a workflow calls: any function of an action and the shared context, plain or async."""

    def __call__(self, action: str, context: Mapping[str, Any]) -> object:
        """Do the action; the answer goes into the shared context under the step's id and must be JSON or pydantic."""
        ...


class Step(BaseModel):
    """One step of a workflow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: str
    action: str
    """What to do; `{name}` stands for a value of the shared context."""
    id: str = ""
    """Name of the step in `depends_on` and in the shared context; the agent's name by default."""
    depends_on: tuple[str, ...] = ()
    retry: int = Field(default=3, ge=1, le=20)
    """Attempts where a transient fault is met."""


class State(TypedDict):
    """The shared context: the initial values, then the answer of each step under its id."""

    request: str
    context: Annotated[dict[str, Any], lambda old, new: {**old, **new}]  # type: ignore[type-arg]
    result: dict[str, Any]


def check_workflow(workflow: Mapping[str, Any], agents: Mapping[str, object], context: Mapping[str, Any]) -> list[Step]:
    """Return the steps of a workflow that can run to its end.

    Args:
        workflow: `{"steps": [{"agent", "action", "id"?, "depends_on"?, "retry"?}]}`.
        agents: What is registered.
        context: The initial context.

    Raises:
        ConfigError: An unknown agent or step, a cycle, a step that is named twice or as it cannot be, or context
            that nobody provides.
        InputError: The initial context cannot be kept as JSON.
    """
    steps = _read(workflow)
    ids = [step.id for step in steps]
    for step in steps:
        # LangGraph keeps these names and signs for itself.
        if step.id == FINISH or step.id.startswith("__") or re.search(r"[:|]", step.id):
            raise ConfigError(
                f"A step cannot be named {step.id!r}.", "Give it an `id` of letters, digits, hyphens and underscores."
            )
        _refuse_unknown("agent", step.agent, agents, f"Register it first: register_agent({step.agent!r}, ...).")
        for name in step.depends_on:
            _refuse_unknown("step", name, ids, f"The steps are: {', '.join(ids)}.")
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise ConfigError(f"Two steps are named {twice!r}.", "Give each its own `id`.")
    for step, known in zip(steps, _ancestors(steps), strict=True):
        asked = {*PLACEHOLDER.findall(step.action), *getattr(agents[step.agent], "asks_for", ())}
        missing = sorted(asked - set(context) - known)
        if missing:
            raise ConfigError(
                f"Step {step.id!r} needs {missing[0]!r}, which nothing before it provides.",
                "Put it into initial_context, or let the step depend on the one that makes it.",
            )
    try:
        json.dumps(dict(context))
    except TypeError as error:
        raise InputError(f"The initial context cannot be kept: {error}.", "Use values that JSON can hold.") from error
    return steps


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
        outcome = Outcome(summary=f"{len(steps)} steps are done: {', '.join(made)}.", data={"results": made})
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

    if isinstance(agent, Agent):
        from langchain_core.messages import HumanMessage

        # A message of its own, so that what is known is not taken for what is asked.
        shared = json.dumps(dict(context), indent=1, ensure_ascii=False)
        known = [HumanMessage(f"Shared context of the workflow:\n```json\n{shared}\n```")] if context else []
        return await cast("Agent[Any]", agent).run(kit, action, history=known)
    call = cast("WorkflowAgent", agent)
    if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None)):  # noqa: B004
        answer = call(action, context)
    else:
        # A plain function that waits for something must not hold up the steps beside it.
        answer = await asyncio.to_thread(call, action, context)
    return await answer if inspect.isawaitable(answer) else answer


def _read(workflow: Mapping[str, Any]) -> list[Step]:
    try:
        steps = [Step.model_validate(raw) for raw in workflow["steps"]]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"A step of the workflow is wrong: {where}: {first['msg']}.",
            "A step is {'agent', 'action', 'id'?, 'depends_on'?, 'retry'?}.",
        ) from error
    except (KeyError, TypeError) as error:
        raise ConfigError(
            "The workflow has no steps.", 'Write it as {"steps": [{"agent": ..., "action": ...}]}.'
        ) from error
    if not steps:
        raise ConfigError("The workflow has no steps.", "Give it at least one.")
    return [step if step.id else step.model_copy(update={"id": step.agent}) for step in steps]


def _ancestors(steps: Sequence[Step]) -> list[set[str]]:
    by_id = {step.id: step for step in steps}
    known: dict[str, set[str]] = {}

    def visit(name: str, path: tuple[str, ...]) -> set[str]:
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise ConfigError(f"The steps wait for each other in a circle: {circle}.", "Remove one `depends_on`.")
        if name not in known:
            before = by_id[name].depends_on
            known[name] = {*before}.union(*(visit(other, (*path, name)) for other in before))
        return known[name]

    return [visit(step.id, ()) for step in steps]


def _refuse_unknown(kind: str, name: str, known: Mapping[str, object] | Sequence[str], hint: str) -> None:
    if name not in known:
        close = nearest(name, known)
        raise ConfigError(f"There is no {kind} named {name!r}.", f"Did you mean {close!r}?" if close else hint)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_json(answer: object, step: Step) -> object:
    plain = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
    try:
        return json.loads(json.dumps(plain))
    except TypeError as error:
        raise InputError(
            f"Step {step.id!r} answered with what cannot be kept: {error}.",
            "Let its agent return text, numbers, lists, dicts or a pydantic model.",
        ) from error
