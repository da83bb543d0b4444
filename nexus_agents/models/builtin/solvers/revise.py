"""After the critiques: an author holds its answer or concedes, and says why."""

from __future__ import annotations

from nexus_agents.core.work import Answer, Critique
from nexus_agents.models.builtin.solvers.compare import compare, has_answer
from nexus_agents.models.builtin.solvers.critique import recheck
from nexus_agents.models.builtin.solvers.expression import Evaluator
from nexus_agents.models.builtin.solvers.tasks import Task

__all__ = ["revise"]


def revise(
    own: Answer,
    other: Answer,
    critique_of_own: Critique,
    critique_of_other: Critique,
    task: Task,
    evaluator: Evaluator | None = None,
) -> Answer:
    """Return the author's answer after a round of critique.

    It concedes to an answer none of whose steps failed in its own hands, where it had no answer, where a step of
    its own really fails, or where the other proves what it only estimated. An objection alone moves nobody.

    Args:
        own: The author's answer.
        other: The other's answer.
        critique_of_own: What the other said.
        critique_of_other: What the author found in the other's answer.
        task: What was asked.
        evaluator: With it, steps that the other disputes are tried again before the author gives way.
    """
    if not has_answer(other) or _disputed(critique_of_other):
        return own
    held = sum(" holds: " in line for line in critique_of_other.checked)
    if not has_answer(own):
        # Nothing of it was seen to hold: to repeat it would only look like agreement.
        reason = f"I had no answer ({own.scope.rstrip('.')}), and {held} steps of the other's hold in my hands"
        return _concede(own, other, reason) if held and other.certain else own
    relation = compare(own, other)
    if relation == "same":
        return own
    if relation == "fits":
        exact = other.certain and (not own.certain or ("about" in own.answer and "sqrt" in other.answer))
        reason = f"the exact value fits what I found, and {held} of its steps hold in my hands"
        return _concede(own, other, reason) if exact else own
    if _disputed(critique_of_own) and (evaluator is None or recheck(own, evaluator).failed):
        return _concede(own, other, f"a step of mine does not hold: {critique_of_own.objections[0]}")
    if not own.certain and other.certain and held:
        reason = f"mine was not a proof ({own.scope}); {held} steps of the other's hold in my hands"
        return _concede(own, other, reason)
    if not own.certain and other.certain and task.kind == "prime":
        return _concede(own, other, f"mine was not a proof ({own.scope}); the other's method, {other.method}, is one")
    return own


def _disputed(critique: Critique) -> bool:
    return any("does not hold" in one for one in critique.objections)


def _concede(own: Answer, other: Answer, reason: str) -> Answer:
    return other.model_copy(
        update={"method": f"{own.method}, then conceded to: {other.method}", "changed_because": reason}
    )
