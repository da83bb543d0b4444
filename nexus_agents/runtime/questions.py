"""The questions of a run that wait for a person, and how each may be answered; the same in every face."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ApprovalAsked, RunResumed, RunRewound, RunStarted
from nexus_agents.core.tool import tool_spec

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.registry import Registry
    from nexus_agents.runtime.approvals import Decision

__all__ = [
    "ASKED_EACH_TIME",
    "RISKS",
    "UNKNOWN",
    "check_answers",
    "check_arguments",
    "commands_for",
    "open_questions",
    "read_arguments",
]

UNKNOWN = "unknown_outcome"
"""The risk that is asked about where a call was cut off and nobody knows whether it took effect."""

ASKED_EACH_TIME = ("identity", UNKNOWN)
"""Risks that have answers of their own: a recorded consent; made again, took effect, left as it is."""

MOST_WRONG = 3
"""Faults of arguments that are told at once."""

RISKS = ("read", "write", "execute", "spend")
"""Risks that a person may approve for a whole run."""


def open_questions(events: Iterable[AnyEvent]) -> list[ApprovalAsked]:
    """Return the questions that a run asked since it was last taken up, oldest first."""
    asked: dict[str, ApprovalAsked] = {}
    for event in events:
        if isinstance(event, RunStarted | RunResumed | RunRewound):
            asked.clear()
        elif isinstance(event, ApprovalAsked):
            asked[event.approval_id] = event
    return list(asked.values())


def commands_for(run_id: str, asked: Sequence[ApprovalAsked]) -> list[str]:
    """Return the commands that answer questions, the one that the first question names in front."""
    commands = [question.how for question in asked if question.risk in ASKED_EACH_TIME]
    for question in asked:
        if question.risk in ASKED_EACH_TIME:
            continue
        which = f" --question {question.approval_id}" if len(asked) > 1 else ""
        begins = f"nexus resume {run_id}{which} --answer"
        always = [f"{begins} always", f"{begins} never"] if question.kind else []
        commands += [question.how, f"{begins} yes", *always[:1], f"{begins} no --reason TEXT", *always[1:]]
        example = shlex.quote(json.dumps(question.arguments, ensure_ascii=False))
        # A call that writes a whole file is no line to be typed again.
        commands.append(f"{begins} yes --arguments {example if len(example) <= 120 else 'JSON'}")
    return list(dict.fromkeys(commands))


def read_arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call from JSON.

    Raises:
        InputError: It is no JSON, or no object.
    """
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        where = (
            f"line {error.lineno}, column {error.colno}: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        raise InputError(f"The arguments are no JSON: {where}.", 'Write them as {"name": value, ...}.') from error
    if not isinstance(found, dict):
        raise InputError("The arguments are no JSON object.", 'Write them as {"name": value, ...}.')
    return cast("dict[str, Any]", found)


def check_arguments(registry: Registry, tool: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that a tool does not take; what is asked about and is no tool checks its own.

    Args:
        registry: The tools by name.
        tool: The tool's name.
        arguments: What it shall be called with.

    Raises:
        InputError: It names the argument and what is wrong with it.
    """
    if tool not in registry:
        return
    spec = tool_spec(registry.load(tool))
    try:
        spec.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in error.errors()]
        raise InputError(
            f"{tool} cannot be called so: {'; '.join(wrong[:MOST_WRONG])}.",
            f"It takes: {', '.join(spec.arguments.model_fields)}.",
        ) from error


def check_answers(registry: Registry, run_id: str, events: Iterable[AnyEvent], answers: Mapping[str, Decision]) -> None:
    """Refuse answers that fit no question of a run, before it goes on with them.

    Args:
        registry: The tools by name.
        run_id: The run.
        events: What it has told.
        answers: What the person said, by the `approval_id` of the question.

    Raises:
        InputError: It never asked what is answered, or what is answered cannot be done.
    """
    asked = {event.approval_id: event for event in events if isinstance(event, ApprovalAsked)}
    if unknown := sorted(set(answers) - set(asked)):
        raise InputError(f"Run {run_id} never asked {unknown[0]!r}.", f"See what it asked with: nexus show {run_id}")
    for approval_id, decision in answers.items():
        _check_decision(registry, asked[approval_id], decision)


def _check_decision(registry: Registry, question: ApprovalAsked, decision: Decision) -> None:
    if decision.arguments is None:
        return
    if question.risk in ASKED_EACH_TIME:
        raise InputError(
            f"The arguments of this call of {question.tool} cannot be changed: it was begun with those that it has.",
            f"Answer without: {question.how}",
        )
    if not decision.approve or decision.always:
        raise InputError(
            "Arguments belong to one call that is made: no refusal and no answer for always has any.",
            "Approve this one call with them, or leave them out.",
        )
    check_arguments(registry, question.tool, decision.arguments)
