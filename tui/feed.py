"""Turns the events of a session into cards, agents, plan and usage: the only place where events are understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from nexus_agents.core import events as ev
from nexus_agents.core.budget import Limits
from nexus_agents.core.telling import notice
from nexus_agents.runtime.tally import Tally
from tui.cards import AgentCard, ApprovalCard, Card, EndCard, MessageCard, NoticeCard, ToolCard, UserCard

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.runs import RunStatus

__all__ = ["AgentState", "Feed"]


@dataclass
class AgentState:
    """One agent in the side panel."""

    name: str
    state: Literal["working", "paused", "done"] = "working"
    doing: str = ""
    model: str = ""
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class Feed:
    """A session as it stands after the events seen so far.

    Attributes:
        cards: The transcript, oldest first.
        agents: By name, in order of appearance: rows never move.
        plan: The newest plan, as the planning agent handed it over.
        status: Of the newest run.
        seq: Number of the newest kept event of that run.
        tally: What all runs of the session used.
        used: What the newest run used.
        limits: What the newest run may use up.
    """

    cards: list[Card] = field(default_factory=list[Card])
    agents: dict[str, AgentState] = field(default_factory=dict[str, AgentState])
    plan: dict[str, Any] = field(default_factory=dict[str, Any])
    run_id: str = ""
    status: RunStatus | Literal["idle"] = "idle"
    seq: int = 0
    model: str = ""
    model_reason: str = ""
    workspace: str = ""
    tally: Tally = field(default_factory=Tally)
    used: Tally = field(default_factory=Tally)
    limits: Limits = field(default_factory=Limits)
    _by_key: dict[str, Card] = field(default_factory=dict[str, Card], repr=False)
    _asked: list[ApprovalCard] = field(default_factory=list[ApprovalCard], repr=False)
    _unheard: list[tuple[UserCard, ev.UserSaid]] = field(default_factory=list[tuple[UserCard, ev.UserSaid]], repr=False)

    def begin(self, run_id: str) -> None:
        """Turn to another run of the same session."""
        self.run_id, self.seq, self.status = run_id, 0, "queued"
        self.used, self._unheard = Tally(), []

    def take(self, event: AnyEvent) -> list[Card]:
        """Take one event and return the cards that are new or changed."""
        if event.seq:
            if event.seq <= self.seq:
                return []
            self.seq = event.seq
            self.tally.take(event)
            self.used.take(event)
        handler: Callable[[AnyEvent], list[Card]] | None = getattr(self, f"_{event.type}", None)
        return handler(event) if handler else []

    def cut_off(self) -> list[Card]:
        """Say that nobody works on the run any more although it has not ended."""
        changed = self._settle_tools()
        self.status = "interrupted"
        self._rest()
        text = f"The process that worked on run {self.run_id} is gone. What was finished is kept; F5 goes on."
        return [*changed, self._put(NoticeCard(f"{self.run_id}/cut-{self.seq}", text=text, tone="warning"))]

    def ask_again(self) -> None:
        """Look for open questions anew: answers were taken back."""
        self._asked = [card for card in self.cards if isinstance(card, ApprovalCard) and not card.answered]

    @property
    def waiting(self) -> list[ApprovalCard]:
        """Questions that nobody has answered yet."""
        self._asked = [card for card in self._asked if not card.answered]
        return list(self._asked)

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens that went into models and came out of them."""
        agents = self.agents.values()
        return sum(agent.input_tokens for agent in agents), sum(agent.output_tokens for agent in agents)

    # -- one method for each kind of event ----------------------------------------------------------

    def _run_started(self, event: ev.RunStarted) -> list[Card]:
        self.status, self.model, self.model_reason = "running", event.model, event.model_reason
        self.workspace = event.workspace
        return [self._put(UserCard(f"{event.run_id}/request", text=event.request, run_id=event.run_id))]

    def _run_resumed(self, event: ev.RunResumed) -> list[Card]:
        self.status = "running"
        changed = self._settle_tools()
        changed += [self._answer(card, "answered") for card in self.waiting]
        text = f"Goes on; {event.finished_calls} finished tool calls are kept and not made again."
        return [*changed, self._put(NoticeCard(f"{event.run_id}/resumed-{event.seq}", text=text))]

    def _run_forked(self, event: ev.RunForked) -> list[Card]:
        text = f"A fork of run {event.parent_id} at step {event.step} ({event.does}). {event.files}"
        return [self._put(NoticeCard(f"{event.run_id}/forked", text=text))]

    def _run_rewound(self, event: ev.RunRewound) -> list[Card]:
        self.status = "interrupted"
        changed = self._settle_tools()
        changed += [self._answer(card, "left behind") for card in self.waiting]
        self._rest()
        text = f"Rewound to step {event.step} ({event.does}); {event.left} steps are left behind. {event.files}"
        return [*changed, self._put(NoticeCard(f"{event.run_id}/rewound-{event.seq}", text=text, tone="warning"))]

    def _agent_started(self, event: ev.AgentStarted) -> list[Card]:
        agent = self.agents.setdefault(event.agent, AgentState(event.agent))
        agent.state, agent.doing, agent.model = "working", event.task, event.model
        agent.turns += 1
        key = f"{self.run_id}/agent-{event.seq}"
        return [self._put(AgentCard(key, agent=event.agent, task=event.task, model=event.model))]

    def _agent_finished(self, event: ev.AgentFinished) -> list[Card]:
        agent = self.agents.setdefault(event.agent, AgentState(event.agent))
        agent.state, agent.doing = "done", event.summary
        return []

    def _text_chunk(self, event: ev.TextChunk) -> list[Card]:
        card = self._live(event.agent)
        if card is None:
            card = MessageCard(f"{self.run_id}/live-{event.agent}-{len(self.cards)}", agent=event.agent, live=True)
            self._put(card)
        card.text += event.text
        card.version += 1
        return [card]

    def _message(self, event: ev.Message) -> list[Card]:
        if event.agent == "planning" and event.data:
            self.plan = event.data
        card = self._live(event.agent)
        if card is None:
            card = MessageCard(f"{self.run_id}/message-{event.seq}", agent=event.agent)
            self._put(card)
        card.text, card.data, card.live = event.text, event.data, False
        card.version += 1
        return [card]

    def _tool_started(self, event: ev.ToolStarted) -> list[Card]:
        key = f"{self.run_id}/tool-{event.call_id}"
        card = self._by_key.get(key)
        if not isinstance(card, ToolCard):
            card = ToolCard(key, agent=event.agent, tool=event.tool, call_id=event.call_id)
            self._put(card)
        card.arguments, card.attempt, card.state = event.arguments, event.attempt, "running"
        card.began, card.fraction, card.summary, card.hint = event.at.timestamp(), None, "", ""
        card.version += 1
        return [card]

    def _tool_progress(self, event: ev.ToolProgress) -> list[Card]:
        card = self._by_key.get(f"{self.run_id}/tool-{event.call_id}")
        if not isinstance(card, ToolCard) or card.state != "running":
            return []
        card.fraction, card.progress = event.fraction, event.text
        card.version += 1
        return [card]

    def _tool_finished(self, event: ev.ToolFinished) -> list[Card]:
        card = self._by_key.get(f"{self.run_id}/tool-{event.call_id}")
        if not isinstance(card, ToolCard):
            return []
        card.state = "done" if event.ok else "failed"
        card.summary, card.seconds, card.fraction = event.summary, event.seconds, None
        card.hint = event.error.hint if event.error else ""
        card.version += 1
        return [card]

    def _artifact_made(self, event: ev.ArtifactMade) -> list[Card]:
        card = self._by_key.get(f"{self.run_id}/tool-{event.call_id}")
        if not isinstance(card, ToolCard):
            # A graph made it, and not one call of a tool.
            key = f"{self.run_id}/made-{event.call_id or event.path}"
            card = self._put(ToolCard(key, tool="made", state="done", summary=event.title))
        assert isinstance(card, ToolCard)
        if event.path not in card.artifacts:
            card.artifacts.append(event.path)
            card.version += 1
        return [card]

    def _approval_asked(self, event: ev.ApprovalAsked) -> list[Card]:
        self.status = "waiting"
        card = ApprovalCard(
            f"{self.run_id}/approval-{event.approval_id}-{event.seq}",
            approval_id=event.approval_id,
            agent=event.agent,
            tool=event.tool,
            risk=event.risk,
            question=event.question,
            how=event.how,
            kind=event.kind,
            arguments=event.arguments,
        )
        self._asked.append(card)
        return [self._put(card)]

    def _usage(self, event: ev.Usage) -> list[Card]:
        agent = self.agents.setdefault(event.agent, AgentState(event.agent, model=event.model))
        agent.input_tokens += event.input_tokens
        agent.output_tokens += event.output_tokens
        # A call that began after something was said was made with it.
        asked = event.at - timedelta(seconds=event.seconds)
        heard = [(card, said) for card, said in self._unheard if asked >= said.at]
        self._unheard = [pair for pair in self._unheard if pair not in heard]
        for card, _ in heard:
            card.mark = f"heard by {event.agent}"
            card.version += 1
        return [card for card, _ in heard]

    def _user_said(self, event: ev.UserSaid) -> list[Card]:
        card = UserCard(f"{self.run_id}/said-{event.seq}", text=event.text, run_id=self.run_id)
        card.mark = "heard at the next turn"
        self._unheard.append((card, event))
        return [self._put(card)]

    def _compacted(self, event: ev.Compacted) -> list[Card]:
        return [self._put(NoticeCard(f"{self.run_id}/compacted-{event.seq}", text=notice(event)))]

    def _repaired(self, event: ev.Repaired) -> list[Card]:
        return [self._put(NoticeCard(f"{self.run_id}/repaired-{event.seq}", text=notice(event), tone="warning"))]

    def _fell_back(self, event: ev.FellBack) -> list[Card]:
        return [self._put(NoticeCard(f"{self.run_id}/fell-back-{event.seq}", text=notice(event), tone="warning"))]

    def _retried(self, event: ev.Retried) -> list[Card]:
        text = f"{event.what}: {event.reason}; attempt {event.attempt + 1} in {event.wait:.1f} s"
        return [self._put(NoticeCard(f"{self.run_id}/retry-{event.seq}", text=text, tone="warning"))]

    def _run_finished(self, event: ev.RunFinished) -> list[Card]:
        self.status = event.status
        changed = self._settle_tools("waiting" if event.status == "waiting" else "cut off")
        self._rest()
        if event.status == "waiting":
            # The question stands in the transcript already.
            return changed
        lines = [event.error.message, event.error.hint] if event.error else []
        card = EndCard(
            f"{event.run_id}/end-{event.seq}",
            status=event.status,
            lines=[line for line in lines if line],
            commands=list(event.next),
            seconds=event.seconds,
        )
        return [*changed, self._put(card)]

    # -- helpers ------------------------------------------------------------------------------------

    def _put(self, card: Card) -> Card:
        if card.key not in self._by_key:
            self._by_key[card.key] = card
            self.cards.append(card)
        return self._by_key[card.key]

    def _live(self, agent: str) -> MessageCard | None:
        for card in reversed(self.cards[-50:]):
            if isinstance(card, MessageCard) and card.live and card.agent == agent:
                return card
        return None

    def _settle_tools(self, state: Literal["waiting", "cut off"] = "cut off") -> list[Card]:
        cut: list[Card] = []
        for card in self.cards:
            if isinstance(card, ToolCard) and card.state == "running":
                card.state, card.fraction = state, None
                card.version += 1
                cut.append(card)
            if isinstance(card, MessageCard) and card.live:
                card.live = False
                card.version += 1
        return cut

    def _rest(self) -> None:
        for agent in self.agents.values():
            if agent.state == "working" and self.status != "done":
                agent.state = "paused"
            elif agent.state == "working":
                agent.state = "done"

    def _answer(self, card: ApprovalCard, answer: str) -> Card:
        card.answered = answer
        card.version += 1
        return card
