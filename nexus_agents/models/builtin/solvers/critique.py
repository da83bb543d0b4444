"""Reading another's answer: every step that can be checked is tried again with the critic's own evaluator."""

from __future__ import annotations

from dataclasses import dataclass

from nexus_agents.core.errors import NexusError
from nexus_agents.core.work import Answer, Critique
from nexus_agents.models.builtin.solvers.compare import compare, has_answer
from nexus_agents.models.builtin.solvers.exact import short
from nexus_agents.models.builtin.solvers.expression import Evaluator, check
from nexus_agents.models.builtin.solvers.tasks import Task

__all__ = ["Checks", "criticise", "recheck"]

_MOST_STEPS = 60


@dataclass(frozen=True)
class Checks:
    """What came of trying the steps of an answer again.

    Attributes:
        held: Steps that hold, by number from 1.
        failed: Steps that do not hold, or say something that has no value.
        untried: Steps whose check cannot be read, or is too large to be computed.
        notes: One line for each of them.
    """

    held: list[int]
    failed: list[int]
    untried: list[int]
    notes: list[str]


def recheck(answer: Answer, evaluator: Evaluator) -> Checks:
    """Try every checkable step of an answer again (the first 60)."""
    checks = Checks([], [], [], [])
    for place, step in enumerate(answer.steps[:_MOST_STEPS], 1):
        if not step.check:
            continue
        try:
            holds = check(step.check, evaluator)
        except NexusError as error:
            checks.untried.append(place)
            checks.notes.append(f"step {place} could not be tried: {error.message}")
            continue
        (checks.held if holds else checks.failed).append(place)
        word = "holds" if holds else "does not hold"
        checks.notes.append(f"step {place} {word}: {short(step.check, 160)}")
    return checks


def criticise(own: Answer, other: Answer, task: Task, evaluator: Evaluator) -> Critique:
    """Return what the author of `own` says of another's answer.

    Args:
        own: The critic's answer.
        other: The answer under review.
        task: What was asked.
        evaluator: The critic's way to evaluate steps.
    """
    if not has_answer(other):
        return Critique(agrees=False, summary=f"The other has no answer: {other.scope}", objections=["no answer"])
    checks = recheck(other, evaluator)
    objections = [f"step {place} does not hold: {other.steps[place - 1].claim}" for place in checks.failed]
    relation = compare(own, other) if has_answer(own) else None
    if relation == "differs":
        objections.append(f"the answers differ: I find '{short(own.answer, 200)}'")
    if relation == "fits" and "between" in own.answer and "between" not in other.answer:
        checks.notes.append("its value lies in my interval")
    if not other.certain:
        objections.append(f"it is not a proof: {other.scope or other.method}")
    tried = f"{len(checks.held)} of {len(checks.held) + len(checks.failed)} checkable steps hold"
    agrees = not checks.failed and (
        relation in {"same", "fits"} or (relation is None and other.certain and bool(checks.held))
    )
    judged = {"same": "same answer", "fits": "the answers fit", "differs": "other answer", None: "I have no answer"}
    summary = f"{task.kind}: {judged[relation]}; {tried}, tried with {evaluator.name}."
    return Critique(agrees=agrees, checked=checks.notes, objections=objections, summary=summary)
