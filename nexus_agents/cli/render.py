"""Events as text: narration on standard error, the answer on standard output."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from typing import TYPE_CHECKING

from nexus_agents.core import events as ev
from nexus_agents.core.telling import notice
from nexus_agents.core.text import duration

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent

__all__ = ["Narration", "duration", "plain", "print_json", "silence", "size", "telling"]

DRAW_EVERY = 0.1
"""Seconds: progress that comes more often is drawn no more often."""


def print_json(event: AnyEvent) -> None:
    """Print an event as one line of JSON."""
    print(event.model_dump_json(), flush=True)  # noqa: T201


class Narration:
    """Tells a run line by line, without colours where nobody would see them.

    Args:
        unadorned: For screen readers: no colours, and progress as a line at each quarter instead of a bar.
    """

    def __init__(self, unadorned: bool = False) -> None:
        from rich.console import Console

        self._err = Console(stderr=True, highlight=False, soft_wrap=True, no_color=unadorned or None)
        self._unadorned = unadorned
        self._progress = ""
        self._drawn = 0.0
        self._quarters: dict[str, int] = {}

    def show(self, event: AnyEvent) -> None:
        """Print what an event has to say."""
        if isinstance(event, ev.ToolProgress):
            self._show_progress(event)
            return
        line = telling(event)
        if line is None:
            return
        self._clear_progress()
        style, text = line
        if isinstance(event, ev.RunFinished) and event.summary:
            print(plain(event.summary), flush=True)  # noqa: T201
        if text:
            self._err.print(text, style=None if self._unadorned else style, markup=False)

    def _show_progress(self, event: ev.ToolProgress) -> None:
        if self._unadorned:
            quarter = int(event.fraction * 4)
            if quarter > self._quarters.get(event.call_id, 0):
                self._quarters[event.call_id] = quarter
                newest = event.text.strip().rpartition("\n")[2]
                self._err.print(plain(f"  {event.tool}: {event.fraction:.0%} {newest}".rstrip()), markup=False)
            return
        if not self._err.is_terminal:
            return
        if self._progress and event.fraction < 1 and time.monotonic() - self._drawn < DRAW_EVERY:
            return
        self._drawn = time.monotonic()
        width = 24
        filled = round(event.fraction * width)
        # One line is drawn over and over: of an output that goes on the newest stands there.
        newest = event.text.strip().rpartition("\n")[2].replace("\t", " ")
        self._progress = f"  {event.tool} [{'#' * filled}{'.' * (width - filled)}] {event.fraction:4.0%} {newest}"
        sys.stderr.write(f"\r\x1b[2K{plain(self._progress)[: self._err.width - 1]}")
        sys.stderr.flush()

    def _clear_progress(self) -> None:
        if self._progress:
            sys.stderr.write("\r\x1b[2K")
            self._progress = ""


def telling(event: AnyEvent) -> tuple[str, str] | None:
    """Return the style and the text of an event, or None where it needs no line."""
    text: tuple[str, str] | None = None
    match event:
        case ev.RunStarted():
            text = ("bold", f"run {event.run_id}  {event.model} ({event.model_reason})\n  workspace {event.workspace}")
        case ev.RunResumed():
            done = event.finished_calls
            text = ("bold", f"run {event.run_id} goes on; {done} finished tool calls are kept and not made again")
        case ev.RunForked():
            where = f"step {event.step} ({event.does})"
            kept = f"{event.finished_calls} finished tool calls are taken over"
            text = ("bold", f"run {event.run_id} is a fork of {event.parent_id} at {where}; {kept}\n  {event.files}")
        case ev.RunRewound():
            where = f"step {event.step} ({event.does})"
            text = ("bold", f"run {event.run_id} was rewound to {where}; {event.left} steps are left\n  {event.files}")
        case ev.AgentStarted():
            text = ("cyan", f"{event.agent}: {event.task}")
        case ev.Message():
            text = ("", f"{event.agent}: {event.text}") if event.agent != "assistant" else None
        case ev.ToolFinished():
            mark = "ok" if event.ok else "failed"
            text = ("dim" if event.ok else "red", f"  {event.tool}: {mark}, {duration(event.seconds)}: {event.summary}")
        case ev.ArtifactMade():
            text = ("green", f"  made {event.path} ({event.kind}, {size(event.bytes)})")
        case ev.Retried():
            text = ("yellow", f"  {event.what}: {event.reason}; again in {event.wait:.1f} s")
        case ev.UserSaid():
            text = ("bold", f"you: {event.text}")
        case ev.Compacted():
            text = ("dim", f"  {notice(event)}")
        case ev.Repaired() | ev.FellBack():
            text = ("yellow", f"  {notice(event)}")
        case ev.ApprovalAsked():
            text = ("yellow", f"waiting: {event.question}")
        case ev.RunFinished():
            lines = [f"run {event.run_id}: {event.status} after {duration(event.seconds)}"]
            lines += [event.error.message, event.error.hint] if event.error else []
            lines += [f"  {command}" for command in event.next if not event.error or command != event.error.hint]
            text = ("bold" if event.status == "done" else "red", "\n".join(line for line in lines if line))
        case _:
            pass
    return (text[0], plain(text[1])) if text else None


def size(count: int) -> str:
    """Return a number of bytes for people."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def silence() -> None:
    """Write nothing more: the reader of a pipe went away (`nexus show X | head`), and nobody is left to tell."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def plain(text: str) -> str:
    """Return a text whose characters cannot move the cursor, colour the terminal or turn the line around.

    What a model, a request or a file name says is shown with a mark in the place of each control code; line breaks,
    tabs and the joiners that emoji and some scripts are written with stay.
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _controls(char) else char for char in text)


def _controls(char: str) -> bool:
    # Cc: C0 and C1 codes; Cf: formats, among them the bidirectional overrides; Cs: bytes that were no UTF-8.
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in "\n\t\u200c\u200d\u200e\u200f"
