"""A person reads the plan before anything is built, and may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from nexus_agents.core.errors import RunFailed
from nexus_agents.core.events import ApprovalAsked
from nexus_agents.core.work import Plan

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["confirm_plan"]


async def confirm_plan(kit: Kit, request: str, plan: Plan, *, call_id: str) -> Plan:
    """Return the plan as the person wants it; as it is where nobody is to be asked.

    It is asked about where `graphs.development.confirm_plan` says so and the run was not started with `--yes`. The
    question holds the plan as its arguments, which any face lets the person edit.

    Args:
        kit: What wiring put together for this run.
        request: What was asked for.
        plan: What the planning agent handed over.
        call_id: The same after a crash, so that an answer finds its question.

    Raises:
        RunFailed: The person does not want it.
        langgraph.errors.GraphInterrupt: The run stops here until the person answers.
    """
    if not kit.config.graphs.development.confirm_plan or "write" in kit.run.approved:
        return plan
    from langgraph.types import interrupt

    question = f"Shall the team build this: {plan.title}?"
    arguments = plan.model_dump(mode="json", exclude_defaults=True)
    while True:
        asked = ApprovalAsked(
            agent="planning",
            tool="plan",
            call_id=call_id,
            risk="plan",
            arguments=arguments,
            question=question,
            how=f"nexus resume {kit.run.id} --answer yes",
        )
        answer = interrupt(asked.model_dump(mode="json", exclude={"seq", "at", "approval_id"}))
        if not answer["approve"]:
            raise RunFailed(
                f"The plan for {request[:80]!r} was not accepted{': ' if answer['reason'] else ''}{answer['reason']}.",
                "Ask again in the same thread, and say what should be otherwise.",
            )
        if answer.get("arguments") is None:
            return Plan.model_validate(arguments)
        arguments = answer["arguments"]
        try:
            return Plan.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            question = f"The plan as it was changed does not hold: {where}: {first['msg']}. Shall the team build this?"
