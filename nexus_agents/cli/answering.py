"""Answers that are given on the command line, where nobody is to be asked: `nexus resume RUN --answer ...`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nexus_agents.core.errors import InputError
from nexus_agents.runtime.questions import ASKED_EACH_TIME, open_questions, read_arguments

if TYPE_CHECKING:
    from nexus_agents.core.events import ApprovalAsked
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.approvals import Decision
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["Answer", "Given"]


class Answer(StrEnum):
    """What a person says of a call that waits."""

    YES = "yes"
    ALWAYS = "always"
    NO = "no"
    NEVER = "never"


@dataclass(frozen=True)
class Given:
    """An answer to the questions of a run.

    Attributes:
        answer: What is said.
        arguments: JSON to call with instead; for one question.
        reason: Why; the agent is told.
        question: The question that is meant, or the beginning of its id; all that are open by default.
    """

    answer: Answer
    arguments: str | None = None
    reason: str = ""
    question: str | None = None

    async def decisions(self, runtime: Runtime, run: Run) -> dict[str, Decision]:
        """Return the decision on each question that is meant.

        Raises:
            InputError: The run asks nothing of the kind, or the answer does not fit.
        """
        from nexus_agents.runtime.approvals import Decision

        if run.status != "waiting":
            raise InputError(
                f"Run {run.id} waits for no answer: it is {run.status}.", f"See how it stands: nexus show {run.id}"
            )
        chosen = self._chosen(run, open_questions(await runtime.memory.events.read(run.id)))
        lasting = self.answer in (Answer.ALWAYS, Answer.NEVER)
        if lasting and (without := next((one for one in chosen if not one.kind), None)):
            raise InputError(
                f"This is asked each time: {without.question}", "Answer it with --answer yes, or --answer no."
            )
        if self.arguments is not None and len(chosen) > 1:
            raise InputError(
                f"Arguments belong to one call, and run {run.id} asks about {len(chosen)}: {_named(chosen)}.",
                "Choose one with --question ID; the others are asked about again.",
            )
        decision = Decision(
            approve=self.answer in (Answer.YES, Answer.ALWAYS),
            always=lasting,
            reason=self.reason,
            arguments=None if self.arguments is None else read_arguments(self.arguments),
        )
        return {question.approval_id: decision for question in chosen}

    def _chosen(self, run: Run, asked: list[ApprovalAsked]) -> list[ApprovalAsked]:
        if self.question is not None:
            wanted = self.question
            asked = [one for one in asked if one.approval_id.startswith(wanted)]
            if len(asked) != 1:
                what = f"fits several questions: {_named(asked)}" if asked else "is no question that is open"
                raise InputError(f"{wanted!r} {what}.", f"See the questions with: nexus show {run.id}")
        meant = [one for one in asked if one.risk not in ASKED_EACH_TIME]
        if not meant:
            if not asked:
                raise InputError(f"Run {run.id} asks nothing.", f"Go on with: nexus resume {run.id}")
            raise InputError(f"This takes another answer: {asked[0].question}", asked[0].how)
        return meant


def _named(asked: list[ApprovalAsked]) -> str:
    return ", ".join(f"{one.approval_id} ({one.kind or one.tool})" for one in asked)
