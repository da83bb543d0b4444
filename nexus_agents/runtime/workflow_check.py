"""Whether a workflow can run to its end, told before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.names import nearest
from nexus_agents.core.workflow import Step

if TYPE_CHECKING:
    from nexus_agents.core.reading import Location

__all__ = ["FINISH", "PLACEHOLDER", "check_workflow", "in_waves", "named", "wrongs"]

FINISH = "workflow-finish"
"""The node that ends a workflow."""

PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w-]*)\}")
"""A value of the shared context in an action."""


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
    for _, message, hint in wrongs(steps, agents, context):
        raise ConfigError(message, hint)
    try:
        json.dumps(dict(context))
    except TypeError as error:
        raise InputError(f"The initial context cannot be kept: {error}.", "Use values that JSON can hold.") from error
    return steps


def named(steps: Iterable[Step]) -> list[Step]:
    """Return steps that all have an id: that of the agent where none was given."""
    return [step if step.id else step.model_copy(update={"id": step.agent}) for step in steps]


def wrongs(
    steps: Sequence[Step],
    agents: Mapping[str, object],
    context: Mapping[str, Any],
    *,
    provide: str = "Put it into initial_context",
) -> Iterator[tuple[Location, str, str]]:
    """Yield where, what is wrong with a workflow, and what to do.

    Args:
        steps: The steps, all named.
        agents: Who there is.
        context: The initial context.
        provide: How a value that is missing can be given.
    """
    before = list(_wrong_names(steps, agents))
    yield from before
    circle = None if before else _circle(steps)
    if circle:
        place = next(number for number, step in enumerate(steps) if step.id == circle[0])
        told = " -> ".join(circle)
        yield (
            ("steps", place, "depends_on"),
            f"The steps wait for each other in a circle: {told}.",
            "Remove one `depends_on`.",
        )
    for place, step in enumerate(steps if not before and not circle else ()):
        known = {*context, *_ancestors(steps, step.id)}
        asked = {*PLACEHOLDER.findall(step.action), *getattr(agents[step.agent], "asks_for", ())}
        for missing in sorted(asked - known):
            close = nearest(missing, known)
            yield (
                ("steps", place, "action"),
                f"Step {step.id!r} needs {missing!r}, which nothing before it provides.",
                f"Did you mean {close!r}?" if close else f"{provide}, or let the step depend on the one that makes it.",
            )


def in_waves(steps: Sequence[Step]) -> list[list[str]]:
    """Return the ids of steps as they can run: those of one list side by side, one list after the other."""
    waves: list[list[str]] = []
    done: set[str] = set()
    while len(done) < len(steps):
        wave = [step.id for step in steps if step.id not in done and done.issuperset(step.depends_on)]
        waves.append(wave)
        done.update(wave)
    return waves


def _wrong_names(steps: Sequence[Step], agents: Mapping[str, object]) -> Iterator[tuple[Location, str, str]]:
    ids = [step.id for step in steps]
    for place, step in enumerate(steps):
        # LangGraph keeps these names and signs for itself.
        if step.id == FINISH or step.id.startswith("__") or re.search(r"[:|]", step.id):
            yield (
                ("steps", place, "id"),
                f"A step cannot be named {step.id!r}.",
                "Give it an `id` of letters, digits, hyphens and underscores.",
            )
        if step.agent not in agents:
            hint = f"Register it first: register_agent({step.agent!r}, ...), or give it a prompt in agents.yaml."
            yield ("steps", place, "agent"), *_unknown("agent", step.agent, agents, hint)
        for number, name in enumerate(step.depends_on):
            if name not in ids:
                hint = f"The steps are: {', '.join(ids)}."
                yield ("steps", place, "depends_on", number), *_unknown("step", name, ids, hint)
        if step.id in ids[:place]:
            yield ("steps", place, "id"), f"Two steps are named {step.id!r}.", "Give each its own `id`."


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
    return named(steps)


def _circle(steps: Sequence[Step]) -> list[str]:
    waits = {step.id: step.depends_on for step in steps}
    safe: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in safe:
            for other in waits[name]:
                if found := visit(other, (*path, name)):
                    return found
            safe.add(name)
        return []

    for step in steps:
        if found := visit(step.id, ()):
            return found
    return []


def _ancestors(steps: Sequence[Step], name: str) -> set[str]:
    waits = {step.id: step.depends_on for step in steps}
    found: set[str] = set()
    todo = [*waits[name]]
    while todo:
        other = todo.pop()
        if other not in found:
            found.add(other)
            todo += waits[other]
    return found


def _unknown(kind: str, name: str, known: Iterable[str], hint: str) -> tuple[str, str]:
    close = nearest(name, known)
    return f"There is no {kind} named {name!r}.", f"Did you mean {close!r}?" if close else hint
