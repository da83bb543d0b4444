"""What a run is, and the rows that memory keeps about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from nexus_agents.core.budget import Limits

__all__ = [
    "UNFINISHED",
    "Artifact",
    "CallStatus",
    "Outcome",
    "Owner",
    "Run",
    "RunError",
    "RunStatus",
    "ToolCall",
    "now",
]

RunStatus = Literal["queued", "running", "waiting", "done", "failed", "cancelled", "interrupted"]
UNFINISHED: tuple[RunStatus, ...] = ("queued", "running", "waiting", "interrupted")
"""States that `resume` goes on from; a failed run is resumed only by its id."""

CallStatus = Literal["started", "done", "failed", "skipped", "undone"]
"""`done` and `skipped` are final; a `failed` call that is made again starts again; `undone` is what a rewind left."""


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class Owner(BaseModel):
    """The process that works on a run; a start time beside the pid, since pids are used again."""

    host: str
    pid: int
    started: float
    """Start time of the process, seconds since the epoch, as psutil gives it."""
    since_boot: float | None = None
    """The same in seconds since the machine was started: it stays when the clock is set."""


class RunError(BaseModel):
    """Why a run ended without its result: two lines, and the exit code of the command."""

    message: str
    hint: str = ""
    exit_code: int = 1


class Run(BaseModel):
    """One request worked by one graph on one thread."""

    id: str
    thread_id: str
    graph: str
    request: str
    status: RunStatus = "queued"
    workspace: str
    """Folder that tools write in, absolute."""
    origin: str
    """Folder that the request came from, absolute: where relative paths in it are looked up."""
    model: str | None = None
    """Model named for this run; None leaves it to agents.yaml and `auto`."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """What the graph is given besides the request."""
    approved: list[str] = Field(default_factory=list)
    """Risk classes approved for the whole run (`--yes`), and `unsafe` where code may run outside a full sandbox."""
    budget: Limits = Limits()
    """What this run may use up, where that differs from agents.yaml."""
    parent_id: str | None = None
    owner: Owner | None = None
    fence: int = 0
    """Grows by one each time a process takes the run: a writer with an older number has lost it."""
    rewinds: int = 0
    """How often it was rewound: a part of the ids of its later tool calls."""
    result: dict[str, Any] | None = None
    error: RunError | None = None
    title: str | None = None
    """A name that a person gave it."""
    deleted_at: datetime | None = None
    """When a person deleted it: it is listed no more, and can be brought back."""
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)


class ToolCall(BaseModel):
    """One row of the ledger: a tool call that was written down before it started."""

    run_id: str
    call_id: str
    tool: str
    agent: str
    arguments: dict[str, Any]
    status: CallStatus = "started"
    attempts: int = 1
    """Starts of the tool: more than one after a crash cut it, or when a failed call was made again."""
    result: dict[str, Any] | None = None
    error: RunError | None = None
    started_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None


class Artifact(BaseModel):
    """A file that a run made for its user."""

    run_id: str
    call_id: str
    path: str
    kind: str
    title: str = ""
    bytes: int = 0
    sha256: str = ""
    created_at: datetime = Field(default_factory=now)


class Outcome(BaseModel):
    """How a graph ended: every graph leaves one in its `result` channel."""

    status: Literal["done", "failed"] = "done"
    summary: str
    next: list[str] = Field(default_factory=list[str])
    """Commands that start, open or continue what was made."""
    error: RunError | None = None
    data: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What another graph or tool may want to know: paths, counts, a verdict."""
