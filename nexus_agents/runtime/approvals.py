"""Who may do what: tools by their risk, answers by people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from nexus_agents.core.errors import ConsentNeeded, NexusError
from nexus_agents.core.events import ApprovalAsked

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.core.runs import Run
    from nexus_agents.core.tool import ToolSpec

__all__ = ["Approvals", "Decision", "Effect", "ToolDenied", "answer_to"]

Effect = Literal["again", "done", "skip"]
"""What a person says of a call that was cut off: make it again, it took effect, leave it."""


class Decision(BaseModel):
    """A person's answer to an approval that was asked."""

    approve: bool
    reason: str = ""
    effect: Effect | None = None
    """The answer where it is asked whether a call took effect; by default `approve` says `again` or `skip`."""

    @property
    def outcome(self) -> Effect:
        """What to do with a call that was cut off."""
        return self.effect or ("again" if self.approve else "skip")


class _Answer(Decision):
    """A decision, and which question it answers."""

    call_id: str
    risk: str


class ToolDenied(NexusError):
    """A person, or agents.yaml, said no to a tool call; the model is told and adapts."""


class Approvals:
    """Decides before a tool runs; asks by interrupting the graph.

    Args:
        config: agents.yaml, whose `approvals` say what each risk class needs.
        run: The run, with the risk classes that were approved for all of it.
    """

    def __init__(self, config: Config, run: Run) -> None:
        self._config = config
        self._run = run

    async def check(self, spec: ToolSpec, arguments: Mapping[str, Any], *, call_id: str, agent: str) -> None:
        """Return where the call may go ahead.

        Raises:
            ToolDenied: It may not.
            langgraph.errors.GraphInterrupt: The run stops here until a person answers.
        """
        # Identity has no policy: the tool itself demands a recorded consent, which no setting can give.
        if spec.risk == "identity" or spec.risk in self._run.approved:
            return
        policy = getattr(self._config.approvals, spec.risk)
        if policy == "allow":
            return
        if policy == "never":
            raise ToolDenied(
                f"{spec.name} is not allowed here.", f"agents.yaml says approvals.{spec.risk}: never. Do without it."
            )
        decision = await self.ask(
            f"May {agent} run {spec.name}?",
            how=f"nexus resume {self._run.id} --yes",
            risk=spec.risk,
            tool=spec.name,
            arguments=arguments,
            call_id=call_id,
            agent=agent,
        )
        if not decision.approve:
            raise ToolDenied(f"A person said no to {spec.name}.", decision.reason or "Do without it, or ask why.")

    async def consent(
        self, error: ConsentNeeded, spec: ToolSpec, arguments: Mapping[str, Any], *, call_id: str, agent: str
    ) -> None:
        """Stop until the consent of a voice's owner is recorded; the arguments name the clip."""
        decision = await self.ask(
            error.message,
            how=error.hint,
            risk="identity",
            tool=spec.name,
            arguments=arguments,
            call_id=call_id,
            agent=agent,
        )
        if not decision.approve:
            raise ToolDenied(error.message, decision.reason or "No consent was given: do without this voice.")

    async def ask(
        self, question: str, *, how: str, risk: str, tool: str, arguments: Mapping[str, Any], call_id: str, agent: str
    ) -> Decision:
        """Ask a person: the graph is interrupted until the answer is there."""
        from langgraph.types import interrupt

        asked = ApprovalAsked(
            agent=agent, tool=tool, call_id=call_id, risk=risk, arguments=dict(arguments), question=question, how=how
        )
        posed = asked.model_dump(mode="json", exclude={"seq", "at", "approval_id"})
        # LangGraph hands answers out by their order within a node. A node that runs again may ask less than it did (a
        # call is done by now, a risk class is approved), and then the next answer is that to another question.
        while True:
            # The schema goes with the question: a client of another kind can show a form.
            answer = interrupt(posed, response_schema=_Answer)
            if (answer.call_id, answer.risk) == (call_id, risk):
                return answer


def answer_to(question: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Return a decision as the graph is given it, marked with the question that it answers.

    Args:
        question: What `Approvals.ask` interrupted with.
        decision: What the person said.
    """
    answer = _Answer(**decision.model_dump(), call_id=question["call_id"], risk=question["risk"])
    return answer.model_dump()
