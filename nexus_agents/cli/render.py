"""Events as text: narration on standard error, the answer on standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nexus_agents.core import events as ev

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent

__all__ = ["Narration", "duration", "print_json", "size", "telling"]


def print_json(event: AnyEvent) -> None:
    """Print an event as one line of JSON."""
    print(event.model_dump_json(), flush=True)  # noqa: T201


class Narration:
    """Tells a run line by line, without colours where nobody would see them."""

    def __init__(self) -> None:
        from rich.console import Console

        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = ""

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
            print(event.summary, flush=True)  # noqa: T201
        if text:
            self._err.print(text, style=style, markup=False)

    def _show_progress(self, event: ev.ToolProgress) -> None:
        if not self._err.is_terminal:
            return
        width = 24
        filled = round(event.fraction * width)
        self._progress = f"  {event.tool} [{'#' * filled}{'.' * (width - filled)}] {event.fraction:4.0%} {event.text}"
        sys.stderr.write(f"\r\x1b[2K{_plain(self._progress)[: self._err.width - 1]}")
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
        case ev.ApprovalAsked():
            text = ("yellow", f"waiting: {event.question}")
        case ev.RunFinished():
            lines = [f"run {event.run_id}: {event.status} after {duration(event.seconds)}"]
            lines += [event.error.message, event.error.hint] if event.error else []
            lines += [f"  {command}" for command in event.next if not event.error or command != event.error.hint]
            text = ("bold" if event.status == "done" else "red", "\n".join(line for line in lines if line))
        case _:
            pass
    return (text[0], _plain(text[1])) if text else None


def duration(seconds: float) -> str:
    """Return a time span for people: 0.4 s, 12 s, 3 min 20 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def size(count: int) -> str:
    """Return a number of bytes for people."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _plain(text: str) -> str:
    # What a model or a file name says must not move the cursor or colour the terminal.
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
