from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from stage import notes, opened, screen_text, session, settled, until
from stories import BUILT, RUN, WAITING, agent, call, ended, finished, said, started, used

from nexus_agents.core import events as ev
from nexus_agents.core.runs import ToolCall
from nexus_agents.runtime.processes import owner
from tui.cards import MessageCard, NoticeCard, UserCard
from tui.screens.home import HomeScreen
from tui.widgets.prompt import Prompt
from tui.widgets.side import Side
from tui.widgets.tool import ToolView
from tui.widgets.transcript import MOST_MOUNTED
from tui.widgets.views import CardView


async def test_sending_goes_on_in_the_thread(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(
            RUN, "first", started("first"), said("assistant", "one"), finished(), workspace=str(settings.home / "w")
        )
        screen = await session(app, pilot, RUN)
        await pilot.press(*"and now", "ctrl+j", *"two", "enter")
        await until(pilot, lambda: desk.worked)
        new = desk.worked[0][0]
        run = await desk.runtime.memory.runs.get(new)
        assert run is not None
        assert (run.thread_id, run.request) == (RUN, "and now\ntwo")
        desk.go(new)
        await desk.play(new, started("and now\ntwo", new), said("assistant", "done too"), finished(run_id=new))
        await desk.stop(new)
        await until(pilot, lambda: screen.feed.run_id == new and screen.feed.status == "done")
        await settled(pilot)
        assert [card.text for card in screen.feed.cards if isinstance(card, UserCard)] == ["first", "and now\ntwo"]
        assert "done too" in screen_text(app)


async def test_history_keeps_the_draft(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", started(), finished(), workspace=str(settings.home / "w"))
        screen = await session(app, pilot, RUN)
        prompt = screen.query_one(Prompt)
        desk.refuses = "No."
        for text in ("one", "two"):
            await pilot.press(*text, "enter")
            await until(pilot, lambda: prompt.text)
            prompt.text = ""
        await pilot.press(*"draft", "up")
        assert prompt.text == "two", "what could not be sent is kept too"
        await pilot.press("up")
        assert prompt.text == "one"
        await pilot.press("up")
        assert prompt.text == "one"
        await pilot.press("down", "down")
        assert prompt.text == "draft"


async def test_a_run_at_work_is_spoken_to(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *BUILT, status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        assert "Say something to the run" in screen_text(app)
        await pilot.press(*"use uv", "enter")
        await until(pilot, lambda: "> use uv" in screen_text(app))
        assert "(heard at the next turn)" in screen_text(app)
        assert screen.query_one(Prompt).text == ""
        assert [event.text for event in await desk.runtime.memory.events.said(RUN)] == ["use uv"]
        # A call of a model that was under way when it was said has not heard it.
        began_before = used("backend", 10, 10).model_copy(update={"seconds": 3600})
        await desk.play(RUN, began_before)
        await until(pilot, lambda: "7,114 tokens" in screen_text(app))
        assert "(heard at the next turn)" in screen_text(app)
        await desk.play(RUN, used("backend", 10, 10), finished())
        await desk.stop(RUN)
        await until(pilot, lambda: "(heard by backend)" in screen_text(app))
        await until(pilot, lambda: "What next?" in screen_text(app))
        assert desk.worked == [], "no run was begun"
        assert [card.text for card in screen.feed.cards if isinstance(card, UserCard)] == [
            "create a user API with name and email",
            "use uv",
        ]


async def test_what_cannot_be_said_stays_in_the_prompt(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *WAITING, status="waiting")
        screen = await session(app, pilot, RUN)
        await desk.runtime.memory.runs.claim(RUN, owner())
        await desk.runtime.memory.runs.settle(RUN, 1, "cancelled")
        screen.query_one(Prompt).focus()
        await pilot.press(*"more", "enter")
        await until(pilot, lambda: "nobody listens" in notes(app))
        assert screen.query_one(Prompt).text == "more"


async def test_escape_empties_the_prompt_then_interrupts(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *BUILT, status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        await pilot.press(*"abc", "escape")
        assert screen.query_one(Prompt).text == ""
        assert desk.interrupted == []
        await pilot.press("escape")
        await until(pilot, lambda: desk.interrupted == [RUN])
        assert "F5 goes on" in notes(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_f4_shows_and_hides_the_panel(settings: Any, size: tuple[int, int]) -> None:
    async with opened(settings, size) as (app, pilot, desk):
        await desk.add(RUN, "first", *BUILT, finished())
        screen = await session(app, pilot, RUN)
        shown = screen.query_one(Side).display
        assert shown == (size[0] >= 100)
        await pilot.press("f4")
        assert screen.query_one(Side).display != shown
        await pilot.press("f4")
        assert screen.query_one(Side).display == shown
        await pilot.resize_terminal(200 - size[0], 30)
        await settled(pilot)
        assert screen.query_one(Side).display != shown


async def test_f5_goes_on_with_what_was_cut_off(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *BUILT, call("run_tests", "r1"), status="running")
        screen = await session(app, pilot, RUN)
        await until(pilot, lambda: screen.feed.status == "interrupted")
        await pilot.press("f5")
        await until(pilot, lambda: desk.worked == [(RUN, {}, [])])
        desk.go(RUN)
        await desk.play(RUN, ev.RunResumed(run_id=RUN, finished_calls=2), finished())
        await desk.stop(RUN)
        await until(pilot, lambda: screen.feed.status == "done")
        await pilot.press("f5")
        await settled(pilot)
        assert len(desk.worked) == 1, "a run that is done is not resumed"


async def test_a_run_worked_by_another_app_is_followed(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *WAITING, status="waiting")
        screen = await session(app, pilot, RUN)
        await desk.play(
            RUN, ev.RunResumed(run_id=RUN, finished_calls=2), said("testing", "answered elsewhere"), finished()
        )
        await until(pilot, lambda: screen.feed.status == "done")
        assert screen.feed.waiting == []


async def test_opening_again_shows_all_that_was_missed(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *BUILT, status="running")
        desk.go(RUN)
        await session(app, pilot, RUN)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await desk.stop(RUN)
        await desk.play(RUN, *(said("review", f"missed {number}") for number in range(20)), finished())
        screen = await session(app, pilot, RUN)
        await until(pilot, lambda: screen.feed.status == "done")
        texts = [card.text for card in screen.feed.cards if isinstance(card, MessageCard)]
        assert texts[-20:] == [f"missed {number}" for number in range(20)]
        assert len([one for one in app.screen_stack if one is screen]) == 1
        assert len(app.screen_stack) == 3


async def test_a_stream_that_stands_still_in_the_middle(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", started(), agent("review", "look"), status="running")
        desk.go(RUN)
        await session(app, pilot, RUN)
        await desk.play(RUN, *(ev.TextChunk(agent="review", text=part) for part in ("**bo", "ld** and `co", "de")))
        await until(pilot, lambda: "bold and" in screen_text(app))
        assert "running" in screen_text(app)
        await desk.play(RUN, ev.TextChunk(agent="review", text="`\n\n- apples\n- pears\n\n| a | b |\n|---|---|\n| 1 |"))
        await settled(pilot)
        await desk.play(RUN, said("review", "**bold** and `code`"), finished())
        await desk.stop(RUN)
        await until(pilot, lambda: "done after" in screen_text(app))
        assert "apples" not in screen_text(app).split("bold and")[1]


# -- the window of a long conversation ---------------------------------------------------------------


def mounted(screen: Any) -> int:
    return len(screen.query(CardView))


def notes_on(app: Any) -> set[str]:
    return {line.split(":")[0].strip() for line in screen_text(app).splitlines() if "note " in line}


@pytest.mark.slow
async def test_two_thousand_cards_and_never_more_than_a_window_of_them(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        notes = [ev.Retried(what=f"note {n}", attempt=1, wait=0, reason="x") for n in range(2_000)]
        await desk.add(RUN, "first", started(), *notes[:3], status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        for note in notes[3:]:
            screen._mark(screen.feed.take(note.model_copy(update={"seq": screen.feed.seq + 1})))
        await until(pilot, lambda: "note 1999:" in screen_text(app))
        assert mounted(screen) <= MOST_MOUNTED
        transcript = screen.transcript
        transcript.focus()
        await pilot.press("home")
        await until(pilot, lambda: "note 0:" in screen_text(app))
        seen = notes_on(app)
        for _ in range(24):
            await pilot.press("pagedown")
            await pilot.pause()
            seen |= notes_on(app)
            assert mounted(screen) <= MOST_MOUNTED
        assert {f"note {number}" for number in range(340)} <= seen, "and leaves none out"
        await pilot.press("end")
        await until(pilot, lambda: "note 1999:" in screen_text(app))
        seen = notes_on(app)
        for _ in range(16):
            await pilot.press("pageup")
            await pilot.pause()
            seen |= notes_on(app)
            assert mounted(screen) <= MOST_MOUNTED
        assert {f"note {number}" for number in range(1_800, 2_000)} <= seen
        at = screen_text(app).splitlines()[:18]
        screen._mark(screen.feed.take(notes[0].model_copy(update={"seq": screen.feed.seq + 1})))
        await settled(pilot)
        assert screen_text(app).splitlines()[:18] == at, "who reads further up is left in peace"
        await pilot.press("end")
        await until(pilot, lambda: "note 0:" in screen_text(app))
        assert isinstance(screen.feed.cards[-1], NoticeCard)


async def test_an_append_is_cheap_in_a_long_session(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", started(), status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        note = ev.Retried(what="note", attempt=1, wait=0, reason="x")
        for _ in range(10_000):
            screen._mark(screen.feed.take(note.model_copy(update={"seq": screen.feed.seq + 1})))
        await until(pilot, lambda: not screen._changed)
        began = time.process_time()
        for _ in range(100):
            screen._mark(screen.feed.take(note.model_copy(update={"seq": screen.feed.seq + 1})))
        await screen.draw()
        await pilot.pause()
        assert (time.process_time() - began) / 100 < 0.02


# -- tool calls ---------------------------------------------------------------------------------------

DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-old = [1]\n+new = [2]"


async def test_a_call_is_shown_whole(settings: Any) -> None:
    async with opened(settings, (100, 40)) as (app, pilot, desk):
        await desk.add(
            RUN,
            "first",
            started(),
            call("edit_file", "e1", path="app.py"),
            ended("edit_file", "e1", "edited"),
            finished(),
        )
        row = ToolCall(
            run_id=RUN,
            call_id="e1",
            tool="edit_file",
            agent="backend",
            arguments={"path": "app.py", "old": "old = [1]", "new": "new = [2]"},
        )
        await desk.runtime.memory.ledger.start(row, call("edit_file", "e1", path="app.py"))
        done = row.model_copy(update={"status": "done", "result": {"path": "app.py", "diff": DIFF}})
        await desk.runtime.memory.ledger.finish(done, ended("edit_file", "e1", "edited"))
        screen = await session(app, pilot, RUN)
        view = screen.query_one(ToolView)
        view.focus()
        await pilot.press("enter")
        await until(pilot, lambda: view.has_class("-open"))
        await settled(pilot)
        assert "+new = [2]" in screen_text(app)
        assert '"old": "old = [1]"' in screen_text(app)
        await pilot.press("enter")
        assert not view.has_class("-open")
        await pilot.click(view)
        await until(pilot, lambda: view.has_class("-open"))


async def test_a_call_the_ledger_does_not_have_is_shown_as_far_as_it_is_known(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", started(), call("edit_file", "e1", path="app.py"), finished())
        screen = await session(app, pilot, RUN)
        screen.query_one(ToolView).focus()
        await pilot.press("enter")
        await until(pilot, lambda: '"path": "app.py"' in screen_text(app))


def recording_player(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "ffplay") -> Path:
    """Put a player on PATH that writes down what it was asked to play."""
    folder.mkdir()
    played = folder / "played"
    script = folder / name
    script.write_text(f'#!/bin/sh\nfor last; do :; done\necho "$last" >> {played}\nexec sleep 30\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return played


async def test_o_plays_what_was_made(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = recording_player(tmp_path / "bin", monkeypatch)
    sound = tmp_path / "tides [live].mp3"
    sound.write_bytes(b"sound")
    async with opened(settings) as (app, pilot, desk):
        made = ev.ArtifactMade(call_id="p1", path=str(sound), kind="audio", title="Tides", bytes=5)
        await desk.add(
            RUN,
            "podcast",
            started(),
            call("make_podcast", "p1"),
            ended("make_podcast", "p1", "6 min"),
            made,
            finished(),
        )
        screen = await session(app, pilot, RUN)
        screen.query_one(ToolView).focus()
        await pilot.press("o")
        await until(pilot, lambda: played.exists() and played.read_text())
        assert played.read_text().strip() == str(sound)
        process = app._player._playing
        assert process is not None
        await pilot.press("o")
        await until(pilot, lambda: len(played.read_text().splitlines()) == 2)
        assert process.poll() is not None, "one sound at a time"
        second = app._player._playing
        assert second is not None
    assert second.poll() is not None, "it ends with the app"


async def test_what_cannot_be_opened_is_said(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = tmp_path / "a.mp3"
    sound.write_bytes(b"sound")
    async with opened(settings, (120, 30)) as (app, pilot, _):
        app.open_path(str(tmp_path / "gone.mp3"))
        await until(pilot, lambda: "not there any more" in notes(app))
        monkeypatch.setenv("PATH", str(tmp_path))
        app.open_path(str(sound))
        await until(pilot, lambda: "No program to play it" in notes(app))
        broken = tmp_path / "mpv"
        broken.write_text("#!/nowhere/sh\n", encoding="utf-8")
        broken.chmod(0o755)
        app.open_path(str(sound))
        await until(pilot, lambda: "cannot be started" in notes(app))


async def test_a_link_opens_only_pages(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from textual.widgets import Markdown

    async with opened(settings) as (app, pilot, desk):
        went: list[str] = []
        monkeypatch.setattr(app, "open_url", went.append)
        await desk.add(
            RUN, "x", started(), said("assistant", "[a](https://example.org) [b](file:///etc/passwd)"), finished()
        )
        screen = await session(app, pilot, RUN)
        body = screen.query_one(Markdown)
        for link in ("https://example.org", "file:///etc/passwd", "javascript:alert(1)"):
            body.post_message(Markdown.LinkClicked(body, link))
        await until(pilot, lambda: "Not a page of the web" in notes(app))
        assert went == ["https://example.org"]


async def test_a_memory_that_fails_in_the_middle_is_told_once_and_tried_again(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "first", *BUILT, status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        whole = app.runs_of

        async def broken(thread_id: str) -> Any:
            raise OSError("the disk is gone")

        monkeypatch.setattr(app, "runs_of", broken)
        await desk.stop(RUN)
        await until(pilot, lambda: "the disk is gone" in notes(app))
        monkeypatch.setattr(app, "runs_of", whole)
        await desk.play(RUN, finished())
        await until(pilot, lambda: screen.feed.status == "done")


async def test_a_burst_of_keys_is_sent_whole(settings: Any) -> None:
    from textual import events

    from tui.widgets.prompt import Prompt

    async with opened(settings) as (app, pilot, _):
        await pilot.pause()
        prompt = app.screen.query_one(Prompt)
        prompt.focus()
        await pilot.pause()
        sent: list[str] = []
        prompt.action_send = lambda: sent.append(prompt.text)  # type: ignore[method-assign]
        # As a terminal delivers what was typed fast: all of it at once, and nothing in between.
        for key in "list voices":
            app.post_message(events.Key("space" if key == " " else key, key))
        app.post_message(events.Key("enter", "\r"))
        await until(pilot, lambda: sent)
        assert sent == ["list voices"]
