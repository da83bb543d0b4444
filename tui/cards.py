"""What a session shows, as plain values: no widget, no Textual, so that it is tested without a screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "AgentCard",
    "ApprovalCard",
    "Card",
    "EndCard",
    "MessageCard",
    "NoticeCard",
    "ToolCard",
    "UserCard",
]


@dataclass
class Card:
    """One block of the transcript.

    Attributes:
        key: Its identity: an event that changes a card finds it by this.
        version: Grows with each change, so that a widget knows when to draw itself anew.
    """

    key: str
    version: int = 0


@dataclass
class UserCard(Card):
    """What the user asked for, or said to a run at work."""

    text: str = ""
    run_id: str = ""
    mark: str = ""
    """Where it was said to a run at work: whether that is known to have been heard."""


@dataclass
class AgentCard(Card):
    """An agent began a turn."""

    agent: str = ""
    task: str = ""
    model: str = ""


@dataclass
class MessageCard(Card):
    """What an agent said, in Markdown; `live` while it is still saying it."""

    agent: str = ""
    text: str = ""
    live: bool = False
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class ToolCard(Card):
    """A tool call, from its start to its end."""

    agent: str = ""
    tool: str = ""
    call_id: str = ""
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    state: Literal["running", "waiting", "done", "failed", "cut off"] = "running"
    attempt: int = 1
    fraction: float | None = None
    progress: str = ""
    began: float = 0.0
    """When it started, seconds since the epoch: for rate and time left."""
    summary: str = ""
    hint: str = ""
    seconds: float = 0.0
    artifacts: list[str] = field(default_factory=list[str])


@dataclass
class ApprovalCard(Card):
    """The run waits for a person."""

    approval_id: str = ""
    agent: str = ""
    tool: str = ""
    risk: str = ""
    question: str = ""
    how: str = ""
    kind: str = ""
    """What an answer for always or never would be about; empty where there is no such answer."""
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    answered: str = ""


@dataclass
class NoticeCard(Card):
    """Something that happened to the run itself."""

    text: str = ""
    tone: Literal["quiet", "warning", "error"] = "quiet"


@dataclass
class EndCard(Card):
    """How a run ended, or why it stopped."""

    status: str = ""
    lines: list[str] = field(default_factory=list[str])
    commands: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
