"""How events are told in a terminal."""

from __future__ import annotations

import io
import sys
import time

import pytest

from nexus_agents.cli import render
from nexus_agents.cli.render import Narration, telling
from nexus_agents.core import events as ev


def test_what_happens_around_a_call_is_told() -> None:
    told = [
        ev.UserSaid(text="use uv\x1b[2J"),
        ev.Compacted(agent="backend", model="openai:x", before=41_000, after=20_000, context=32_768),
        ev.Repaired(agent="review", what="The arguments of write_file\nare not valid JSON."),
        ev.Repaired(agent="review", what="x" * 5000),
        ev.FellBack(agent="judge", model="openai:x", to="builtin:nexus", reason="connection refused"),
    ]
    lines = [line[1] if (line := telling(event)) else "" for event in told]
    assert lines[0] == "you: use uv\N{REPLACEMENT CHARACTER}[2J"
    assert "about 41,000 tokens become 20,000, and openai:x takes 32,768" in lines[1]
    assert lines[2] == "  review is asked again: The arguments of write_file are not valid JSON."
    assert len(lines[3]) < 400
    assert lines[4] == "  judge: openai:x cannot be reached, builtin:nexus is asked instead: connection refused"


class Screen(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Take standard error; not by a fixture, since the capture of pytest begins after those."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return screen


def progress(fraction: float, text: str) -> ev.ToolProgress:
    return ev.ToolProgress(tool="run_command", call_id="c", fraction=fraction, text=text)


def test_live_output_is_one_line_and_its_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr(render, "DRAW_EVERY", 0.0)
    narration = Narration()
    narration.show(progress(0.1, "compiling a.c\ncompiling b.c\n\tlinking\n"))
    drawn = terminal.getvalue()
    assert drawn.startswith("\r")
    assert "\n" not in drawn
    assert "linking" in drawn
    assert "a.c" not in drawn
    narration.show(progress(0.2, "y" * 500))
    assert len(terminal.getvalue().split("\r")[-1]) < 90


def test_live_output_is_drawn_at_a_bounded_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    narration = Narration()
    began = time.monotonic()
    for number in range(2000):
        narration.show(progress(0.5, f"line {number}"))
    most = (time.monotonic() - began) / render.DRAW_EVERY + 1
    assert 1 <= terminal.getvalue().count("\r") <= most
    narration.show(progress(1.0, "the last line"))
    assert terminal.getvalue().endswith("the last line")


def test_live_output_without_a_terminal_is_a_line_at_each_quarter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    narration = Narration(unadorned=True)
    for number in range(101):
        narration.show(progress(number / 100, f"first {number}\nline {number}"))
    assert capsys.readouterr().err.splitlines() == [
        f"  run_command: {number}% line {number}" for number in (25, 50, 75, 100)
    ]
