"""The history of a run: its checkpoints, what branched off, and what changed between two of them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.runs import Run

__all__ = [
    "BEGIN",
    "ChannelChange",
    "CheckpointInfo",
    "CleaningStore",
    "Freed",
    "HistoryStore",
    "RunBranch",
    "compare",
    "short_text",
]

BEGIN = "__start__"
"""The node that LangGraph hands the input to."""

MOST_ELEMENTS = 5
"""New elements of a list that are shown; the others are counted."""

MOST_LINES = 60
"""Lines of a difference that are shown."""

WIDTH = 160
"""Characters of an element that are shown."""


class CheckpointInfo(BaseModel):
    """One checkpoint of a run, without its values."""

    number: int
    """Its place in the history of the run, counted from 1 in the order of time; a rewind does not change it."""
    checkpoint_id: str
    thread_id: str
    """Where it is kept: the thread of the run, or what a rewind set aside."""
    namespace: str = ""
    """Empty in the run's own graph; `node:task|node:task` in a graph that a node or a tool of it runs."""
    parent_id: str | None = None
    step: int | None = None
    """Superstep of its graph, from -1."""
    source: str = ""
    """What made it: `input`, `loop`, `update` or `fork`, as LangGraph says."""
    at: datetime | None = None
    run_id: str | None = None
    """The run that wrote it: another one where the history was taken over from there."""
    wrote: list[str] = Field(default_factory=list[str])
    """The nodes that led to it."""
    next: list[str] = Field(default_factory=list[str])
    """The nodes that run from here."""
    changed: list[str] = Field(default_factory=list[str])
    """The channels that got a new value."""
    around: dict[str, str] = Field(default_factory=dict[str, str])
    """Namespace to checkpoint id: where the graphs around this one stood."""
    left: bool = False
    """Whether the run was rewound to before it."""
    damaged: str = ""
    """Why it cannot be read; empty where it can."""

    @property
    def short(self) -> str:
        """The end of its id: what tells it from others at a glance."""
        return self.checkpoint_id[-8:]

    @property
    def path(self) -> list[str]:
        """The nodes around its graph, from the outside in."""
        return [part.partition(":")[0] for part in self.namespace.split("|") if ":" in part]

    @property
    def does(self) -> str:
        """What happened, in a few words: the nodes that led here, or why it cannot be read."""
        if self.damaged:
            return "damaged"
        nodes = ("start" if node == BEGIN else node for node in self.wrote)
        return ", ".join(nodes) or self.source


class RunBranch(BaseModel):
    """A run that went on from a checkpoint of another one."""

    run_id: str
    checkpoint_id: str
    request: str
    status: str


class ChannelChange(BaseModel):
    """What became of one channel between two checkpoints."""

    channel: str
    kind: Literal["added", "removed", "changed"]
    says: str
    """In a line: `2 new elements`, `3 lines added, 1 removed`, `0 -> 1`."""
    elements: list[str] = Field(default_factory=list[str])
    """New elements of a list, each on a line."""
    diff: str = ""
    """A unified diff, where the value is text or can be written as such."""


class Freed(BaseModel):
    """What a clean-up frees, or would free."""

    runs: list[str] = Field(default_factory=list[str])
    """Runs that were deleted by their user, and go for good."""
    checkpoints: int = 0
    """Checkpoints of the past of finished threads."""
    values: int = 0
    """Versions of channels that no checkpoint refers to."""
    lists: int = 0
    blobs: int = 0
    folders: list[str] = Field(default_factory=list[str])
    """Folders of tool calls whose runs are gone."""
    sockets: list[str] = Field(default_factory=list[str])
    """Sockets that nobody listens on."""
    bytes: int = 0
    """What all of it held, or, once it is done, by how much the files have shrunk."""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to free."""
        counts = (self.checkpoints, self.values, self.lists, self.blobs)
        return not any(counts) and not self.runs and not self.folders and not self.sockets


class HistoryStore(Protocol):
    """Checkpoints as history: looked at, compared, gone on from."""

    async def list(self, thread_id: str, *, run_id: str | None = None) -> list[CheckpointInfo]:
        """Return the checkpoints of a thread in the order of time; of one run where that is named."""
        ...

    async def branches(self, run_id: str) -> list[RunBranch]:
        """Return the runs that went on from checkpoints of a run, oldest first."""
        ...

    async def state(self, at: CheckpointInfo) -> dict[str, Any]:
        """Return the values of the channels at a checkpoint, as JSON has them."""
        ...

    async def changes(self, before: CheckpointInfo | None, after: CheckpointInfo) -> list[ChannelChange]:
        """Return what changed from one checkpoint to another; all of it is new where there is none before."""
        ...

    async def fork(self, run: Run, at: CheckpointInfo, event: AnyEvent, *, begun: bool = True) -> AnyEvent:
        """Write a new run down that goes on from a checkpoint of its parent."""
        ...

    async def rewind(self, run: Run, at: CheckpointInfo, event: AnyEvent) -> AnyEvent:
        """Let a run that this process has taken go on from an earlier checkpoint."""
        ...


class CleaningStore(Protocol):
    """Gives room back; what belongs to an unfinished run is never touched."""

    async def clean(self, *, keep_days: float = 0, prune: bool = False, dry: bool = False) -> Freed:
        """Free what nobody needs, or only say what that would be."""
        ...

    async def known(self, run_ids: Sequence[str]) -> set[str]:
        """Return which of some ids are those of runs."""
        ...

    async def shrink(self) -> int:
        """Give the room inside the database back to the disk; returns bytes."""
        ...


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ChannelChange]:
    """Return what changed from one state to another, channel by channel, by name.

    Args:
        before: Channels to values as JSON has them.
        after: The same, later.
    """
    changes: list[ChannelChange] = []
    for channel in sorted({*before, *after}):
        if channel not in after:
            changes.append(ChannelChange(channel=channel, kind="removed", says=short_text(before[channel])))
        elif channel not in before:
            changes.append(_added(channel, after[channel]))
        elif before[channel] != after[channel]:
            changes.append(_changed(channel, before[channel], after[channel]))
    return changes


def short_text(value: object, width: int = WIDTH) -> str:
    """Return a value on one line, cut where it is long.

    Args:
        value: As JSON has it; a message is shown as who says what.
        width: Characters at most.
    """
    text = _message(value) or (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."


def _added(channel: str, value: Any) -> ChannelChange:
    if isinstance(value, list):
        return _with_elements(channel, "added", cast("list[Any]", value), "")
    return ChannelChange(channel=channel, kind="added", says=short_text(cast("object", value)))


def _changed(channel: str, before: Any, after: Any) -> ChannelChange:
    if isinstance(before, list) and isinstance(after, list):
        return _changed_list(channel, cast("list[Any]", before), cast("list[Any]", after))
    return _changed_text(channel, before, after)


def _changed_list(channel: str, old: Sequence[Any], new: Sequence[Any]) -> ChannelChange:
    shorter = min(len(old), len(new))
    same = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    gone = f", {len(old) - same} replaced or removed" if same < len(old) else ""
    if same < len(new):
        return _with_elements(channel, "changed", new[same:], gone)
    return ChannelChange(channel=channel, kind="changed", says=f"{len(old) - same} elements removed")


def _changed_text(channel: str, before: Any, after: Any) -> ChannelChange:
    one, two = _lines(before), _lines(after)
    if before is None:
        return ChannelChange(channel=channel, kind="changed", says=f"set to {short_text(after)}")
    if len(one) <= 1 and len(two) <= 1:
        return ChannelChange(
            channel=channel, kind="changed", says=f"{short_text(before, 70)} -> {short_text(after, 70)}"
        )
    diff = list(difflib.unified_diff(one, two, "before", "after", lineterm="", n=2))
    added = sum(line.startswith("+") for line in diff[2:])
    removed = sum(line.startswith("-") for line in diff[2:])
    if len(diff) > MOST_LINES:
        diff = [*diff[:MOST_LINES], f"... {len(diff) - MOST_LINES} more lines"]
    return ChannelChange(
        channel=channel, kind="changed", says=f"{added} lines added, {removed} removed", diff="\n".join(diff)
    )


def _with_elements(
    channel: str, kind: Literal["added", "changed"], elements: Sequence[Any], gone: str
) -> ChannelChange:
    shown = [short_text(element) for element in elements[:MOST_ELEMENTS]]
    if len(elements) > MOST_ELEMENTS:
        shown.append(f"... {len(elements) - MOST_ELEMENTS} more")
    many = f"{len(elements)} new element{'s' if len(elements) > 1 else ''}"
    return ChannelChange(channel=channel, kind=kind, says=many + gone, elements=shown)


def _lines(value: object) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return text.splitlines()


def _message(value: object) -> str:
    # What LangChain makes of a message: who says what, and which tools are called.
    if not isinstance(value, dict):
        return ""
    fields = cast("dict[str, Any]", value)
    if "content" not in fields or "type" not in fields:
        return ""
    content = fields["content"]
    said = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)
    named = cast("list[dict[str, Any]]", fields.get("tool_calls") or [])
    calls = ", ".join(str(call.get("name")) for call in named)
    return f"{fields['type']}: {said}{f' [calls {calls}]' if calls else ''}"
