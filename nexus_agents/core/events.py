"""The one event stream that every face renders: typed, ordered by `seq` within a run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from nexus_agents.core.runs import RunError, RunStatus, now

__all__ = [
    "EVENT",
    "AgentFinished",
    "AgentStarted",
    "AnyEvent",
    "ApprovalAsked",
    "ArtifactMade",
    "Compacted",
    "FellBack",
    "Message",
    "Repaired",
    "Retried",
    "RunFinished",
    "RunForked",
    "RunResumed",
    "RunRewound",
    "RunStarted",
    "TextChunk",
    "ToolFinished",
    "ToolProgress",
    "ToolStarted",
    "Usage",
    "UserSaid",
]


class _Event(BaseModel):
    seq: int = 0
    """Place in the run; 0 for events that are shown and not kept."""
    at: datetime = Field(default_factory=now)


class RunStarted(_Event):
    """A run began."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    graph: str
    request: str
    workspace: str
    model: str
    model_reason: str
    """Why this model: named, a key in the environment, a local server, or built in."""


class RunResumed(_Event):
    """A process took the run up again."""

    type: Literal["run_resumed"] = "run_resumed"
    run_id: str
    finished_calls: int
    """Tool calls that the ledger has as finished: none of them runs again."""


class RunForked(_Event):
    """A run was made that goes on from a checkpoint of another one."""

    type: Literal["run_forked"] = "run_forked"
    run_id: str
    parent_id: str
    checkpoint_id: str
    step: int
    """The number of that checkpoint in the history of the parent."""
    does: str
    """What had happened there, in words."""
    finished_calls: int
    """Tool calls that were taken over as finished: none of them runs again."""
    files: str
    """Where the workspace came from, in a sentence or two."""


class RunRewound(_Event):
    """A run goes on from an earlier checkpoint of its own."""

    type: Literal["run_rewound"] = "run_rewound"
    run_id: str
    checkpoint_id: str
    step: int
    """The number of that checkpoint in the history of the run."""
    does: str
    """What had happened there, in words."""
    left: int
    """Steps that are left behind; they stay in the history."""
    files: str
    """What became of the workspace, in a sentence or two."""


class AgentStarted(_Event):
    """An agent began a turn."""

    type: Literal["agent_started"] = "agent_started"
    agent: str
    task: str
    model: str


class AgentFinished(_Event):
    """An agent ended a turn."""

    type: Literal["agent_finished"] = "agent_finished"
    agent: str
    summary: str


class TextChunk(_Event):
    """A piece of text as the model says it; not kept (the whole text follows as a `Message`)."""

    type: Literal["text_chunk"] = "text_chunk"
    agent: str
    text: str


class Message(_Event):
    """A whole message of an agent or of the user, in Markdown."""

    type: Literal["message"] = "message"
    agent: str
    text: str
    data: dict[str, Any] = Field(default_factory=dict)
    """The typed form, where there is one (a plan, a review, a verdict)."""


class ToolStarted(_Event):
    """A tool call is written in the ledger and begins."""

    type: Literal["tool_started"] = "tool_started"
    agent: str
    tool: str
    call_id: str
    arguments: dict[str, Any]
    attempt: int = 1


class ToolProgress(_Event):
    """How far a tool is; not kept."""

    type: Literal["tool_progress"] = "tool_progress"
    tool: str
    call_id: str
    fraction: float
    text: str = ""


class ToolFinished(_Event):
    """A tool call ended; the ledger has the whole result."""

    type: Literal["tool_finished"] = "tool_finished"
    agent: str
    tool: str
    call_id: str
    ok: bool
    summary: str
    seconds: float
    error: RunError | None = None


class ApprovalAsked(_Event):
    """The run waits for a person."""

    type: Literal["approval_asked"] = "approval_asked"
    approval_id: str = ""
    """What an answer refers to."""
    agent: str
    tool: str
    call_id: str
    risk: str
    arguments: dict[str, Any]
    question: str
    how: str
    """The command that answers."""
    kind: str = ""
    """What an answer for always would be about, such as run_command(git status)."""


class ArtifactMade(_Event):
    """A file was made for the user."""

    type: Literal["artifact_made"] = "artifact_made"
    call_id: str = ""
    """The tool call that made it."""
    path: str
    kind: str
    title: str
    bytes: int


class Usage(_Event):
    """What one model call used."""

    type: Literal["usage"] = "usage"
    agent: str
    model: str
    input_tokens: int
    output_tokens: int
    cost: float | None = None
    """US dollars; None where nobody knows the price, which is not 0."""
    seconds: float = 0.0
    """How long the call took."""
    estimated: bool = False
    """Whether the tokens were estimated, since the server did not count them."""


class UserSaid(_Event):
    """A person said something to a run that is at work; its agents hear it at their next turn."""

    type: Literal["user_said"] = "user_said"
    text: str


class Compacted(_Event):
    """Old tool output was left out of a model call, so that it fits."""

    type: Literal["compacted"] = "compacted"
    agent: str
    model: str
    before: int
    """Tokens, estimated."""
    after: int
    context: int
    """Tokens that the model takes."""


class Repaired(_Event):
    """An answer of a model could not be used as it was, and the model was told why."""

    type: Literal["repaired"] = "repaired"
    agent: str
    what: str


class FellBack(_Event):
    """A model could not be reached, and another one is asked instead."""

    type: Literal["fell_back"] = "fell_back"
    agent: str
    model: str
    to: str
    reason: str


class Retried(_Event):
    """A transient fault was met and the call is made again."""

    type: Literal["retried"] = "retried"
    what: str
    attempt: int
    wait: float
    """Seconds until the next attempt."""
    reason: str


class RunFinished(_Event):
    """A run ended, or stopped to wait."""

    type: Literal["run_finished"] = "run_finished"
    run_id: str
    status: RunStatus
    summary: str = ""
    next: list[str] = Field(default_factory=list)
    """Commands that start, open or continue what was made."""
    error: RunError | None = None
    seconds: float = 0.0


AnyEvent = Annotated[
    RunStarted
    | RunResumed
    | RunForked
    | RunRewound
    | AgentStarted
    | AgentFinished
    | TextChunk
    | Message
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | ApprovalAsked
    | ArtifactMade
    | Usage
    | UserSaid
    | Compacted
    | Repaired
    | FellBack
    | Retried
    | RunFinished,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
"""Reads an event back from JSON."""
