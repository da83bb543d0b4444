from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stage import left, notes, opened, screen_text, session, settled, until
from stories import PLAN, RUN, WAITING, approval, asked, asked_voice, finished, started
from textual.widgets import Input, TextArea

from nexus_agents.core import events as ev
from tui.cards import ApprovalCard
from tui.screens.consent import ConsentScreen
from tui.widgets import approval as approval_module
from tui.widgets.approval import ApprovalView
from tui.widgets.plain import PlainStatic
from tui.widgets.prompt import Prompt

ROOT = Path(__file__).resolve().parents[2]


def decided(desk: Any) -> dict[str, tuple[bool, str]]:
    return {key: (one.approve, one.reason) for key, one in desk.worked[0][1].items()}


async def test_it_shows_exactly_what_will_run(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        assert "command: python -m pytest -q tests/test_users.py" in screen_text(app)
        assert "timeout: 120" in screen_text(app)
        assert "asked by testing" in screen_text(app)


@pytest.mark.parametrize(
    ("keys", "answer", "risks"),
    [
        (["y"], (True, ""), []),
        (["r"], (True, ""), ["execute"]),
        (["n", "enter"], (False, ""), []),
        (["n", *"use uv", "enter"], (False, "use uv"), []),
    ],
    ids=["once", "all", "no", "no with a reason"],
)
async def test_the_keys_answer(settings: Any, keys: list[str], answer: tuple[bool, str], risks: list[str]) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("f3", *keys)
        await until(pilot, lambda: desk.worked)
        assert decided(desk) == {"ask-t1": answer}
        assert desk.worked[0][2] == risks
        assert isinstance(app.focused, Prompt)
        await settled(pilot)
        assert ("denied" if not answer[0] else "approved") in screen_text(app)
        await pilot.press("f3", "y")
        await settled(pilot)
        assert len(desk.worked) == 1, "answered once"


@pytest.mark.parametrize(("button", "approve"), [("#approve", True), ("#approve_all", True)])
async def test_the_buttons_answer(settings: Any, button: str, approve: bool) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.click(button)
        await until(pilot, lambda: desk.worked)
        assert decided(desk) == {"ask-t1": (approve, "")}


async def test_a_key_typed_into_the_prompt_never_approves(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", started(), status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        await pilot.press(*"ya")
        await desk.play(RUN, *WAITING[1:])
        await desk.stop(RUN)
        await until(pilot, lambda: screen.feed.waiting)
        await settled(pilot)
        await pilot.press(*"yan")
        assert screen.query_one(Prompt).text == "yayan"
        assert "F3" in screen_text(app)
        await settled(pilot)
        assert desk.worked == []


async def test_a_key_that_comes_as_the_question_does_never_approves(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the keys take to come on this machine.
    monkeypatch.setattr(approval_module, "ARMED_AFTER", 300.0)
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        assert isinstance(app.focused, ApprovalView), "it took the focus by itself"
        app.focused.take_focus(armed=False)
        await pilot.press(*"yay")
        await settled(pilot)
        assert desk.worked == []


async def test_a_question_that_was_looked_at_takes_an_answer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval_module, "ARMED_AFTER", 0.0)
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("y")
        await until(pilot, lambda: desk.worked)


async def test_escape_goes_back_and_interrupts_nothing(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("f3", "n", *"no")
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        assert isinstance(app.focused, ApprovalView)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await settled(pilot)
        assert desk.worked == []
        assert desk.interrupted == []


async def test_questions_of_one_moment_are_answered_together(settings: Any) -> None:
    async with opened(settings, (100, 40)) as (app, pilot, desk):
        questions = [asked(call_id="a"), asked("write", call_id="b"), asked(call_id="c")]
        await desk.add(RUN, "x", started(), *questions, finished("waiting"), status="waiting")
        await session(app, pilot, RUN)
        await pilot.press("f3", "y")
        await settled(pilot)
        assert desk.worked == []
        await pilot.press("n", *"not there", "enter")
        await settled(pilot)
        await pilot.press("r")
        await until(pilot, lambda: desk.worked)
        assert decided(desk) == {"ask-a": (True, ""), "ask-b": (False, "not there"), "ask-c": (True, "")}
        assert desk.worked[0][2] == ["execute"]


async def test_an_answer_that_cannot_be_sent_is_asked_for_again(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        desk.refuses = "No worker process could be started."
        await pilot.press("f3", "y")
        await until(pilot, lambda: "No worker process" in notes(app))
        desk.refuses = ""
        await pilot.press("f3", "y")
        await until(pilot, lambda: desk.worked)
        assert decided(desk) == {"ask-t1": (True, "")}


async def test_an_answer_waits_until_the_process_that_asked_has_let_go(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", started(), status="running")
        desk.go(RUN)
        screen = await session(app, pilot, RUN)
        await desk.play(RUN, *WAITING[1:-1])
        await until(pilot, lambda: screen.feed.waiting)
        await settled(pilot)
        await pilot.press("f3", "y")
        await settled(pilot)
        assert desk.worked == []
        await desk.play(RUN, finished("waiting"))
        await desk.stop(RUN)
        await until(pilot, lambda: desk.worked)


async def test_what_has_an_unknown_outcome_is_asked_each_time(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "x", started(), asked("unknown_outcome"), finished("waiting"), status="waiting")
        screen = await session(app, pilot, RUN)
        await pilot.press("f3", *"arve")
        await settled(pilot)
        assert desk.worked == []
        assert not screen.query("#approve_all, #always, #never, #edit")
        await pilot.press("y")
        await until(pilot, lambda: desk.worked)


# -- always, never, other arguments --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "approve", "reason", "says"),
    [
        (["a"], True, "", "approved every run_command(python -m pytest), in this thread"),
        (["v", *"uv", "enter"], False, "uv", "denied every run_command(python -m pytest), in this thread: uv"),
    ],
    ids=["always", "never"],
)
async def test_an_answer_for_always_is_for_this_kind(
    settings: Any, keys: list[str], approve: bool, reason: str, says: str
) -> None:
    async with opened(settings, (100, 40)) as (app, pilot, desk):
        other = asked(call_id="c", command="ls").model_copy(update={"kind": "run_command(ls)"})
        questions = [asked(call_id="a"), asked(call_id="b"), other]
        await desk.add(RUN, "x", started(), *questions, finished("waiting"), status="waiting")
        screen = await session(app, pilot, RUN)
        await pilot.press("f3", *keys)
        await settled(pilot)
        assert desk.worked == [], "the third one is of another kind"
        assert [card.answered for card in screen.feed.cards if isinstance(card, ApprovalCard)] == [says, says, ""]
        await pilot.press("y")
        await until(pilot, lambda: desk.worked)
        _, answers, risks = desk.worked[0]
        assert {key: (one.approve, one.always, one.reason) for key, one in answers.items()} == {
            "ask-a": (approve, True, reason),
            "ask-b": (approve, True, reason),
            "ask-c": (True, False, ""),
        }
        assert risks == []


async def test_never_is_confirmed_with_its_reason(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("f3", "v")
        await settled(pilot)
        assert "Never again, in this thread" in screen_text(app)
        await pilot.press("escape", "n", "enter")
        await until(pilot, lambda: desk.worked)
        assert not desk.worked[0][1]["ask-t1"].always, "the key for no is not the one for never"


async def test_arguments_are_changed(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("f3", "e")
        await until(pilot, lambda: isinstance(app.focused, TextArea) and not isinstance(app.focused, Prompt))
        area = app.focused
        assert isinstance(area, TextArea)
        assert json.loads(area.text) == {"command": "python -m pytest -q tests/test_users.py", "timeout": 120}
        wrong = [
            ("{", "no JSON"),
            ("[]", "no JSON object"),
            ('{"comand": "ls"}', "comand"),
            ('{"command": 7}', "command"),
        ]
        for text, says in wrong:
            area.text = text
            await pilot.press("ctrl+s")
            await until(
                pilot, lambda says=says: says in str(app.screen.query_one("Arguments .wrong", PlainStatic).shown)
            )
            assert area.text == text, "the text stays"
        assert desk.worked == []
        area.text = ""
        await pilot.press(*'{"command": "anyev"}', "ctrl+s")
        await until(pilot, lambda: desk.worked)
        answer = desk.worked[0][1]["ask-t1"]
        assert (answer.approve, answer.always, answer.arguments) == (True, False, {"command": "anyev"})
        await settled(pilot)
        assert 'approved with other arguments: {"command": "anyev"}' in screen_text(app)


async def test_changing_arguments_can_be_left_and_approves_nothing(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await approval(app, pilot, desk)
        await pilot.press("f3", "e")
        await until(pilot, lambda: app.screen.query("Arguments"))
        await settled(pilot)
        await pilot.press("tab", *"yar")
        await settled(pilot)
        assert desk.worked == [], "a key on a button of the editor is no answer"
        await pilot.press("escape")
        assert isinstance(app.focused, ApprovalView)
        await pilot.press("y")
        await until(pilot, lambda: desk.worked)
        assert desk.worked[0][1]["ask-t1"].arguments is None


async def test_a_plan_is_read_and_changed(settings: Any) -> None:
    async with opened(settings, (80, 40)) as (app, pilot, desk):
        question = asked("plan", call_id="p", **PLAN).model_copy(update={"tool": "plan"})
        await desk.add(RUN, "x", started(), question, finished("waiting"), status="waiting")
        screen = await session(app, pilot, RUN)
        assert '{"name": "user", "fields"' in screen_text(app)
        assert not screen.query("#approve_all, #always, #never")
        await pilot.press("f3", *"arv")
        await settled(pilot)
        assert desk.worked == []
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query("Arguments"))
        await settled(pilot)
        app.screen.query_one("Arguments TextArea", TextArea).text = '{"title": "Other"}'
        await pilot.click("#send")
        await until(pilot, lambda: desk.worked)
        assert desk.worked[0][1]["ask-p"].arguments == {"title": "Other"}


# -- consent ------------------------------------------------------------------------------------------


async def voice_question(app: Any, pilot: Any, desk: Any) -> None:
    await desk.add(
        RUN, "clone", started("clone"), asked_voice(), finished("waiting"), status="waiting", origin=str(ROOT)
    )
    await session(app, pilot, RUN)
    await pilot.press("f3", "y", "a")
    await settled(pilot)
    assert desk.worked == [], "a voice is never approved by a key"
    await pilot.press("c")
    await until(pilot, lambda: isinstance(app.screen, ConsentScreen))
    await until(pilot, lambda: "SHA-256" in screen_text(app) or "no file" in screen_text(app))


async def test_a_consent_is_recorded_and_the_run_goes_on(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await voice_question(app, pilot, desk)
        assert "reference.wav" in screen_text(app)
        assert "imitated by the owner" in screen_text(app)
        assert "any use by the owner" in screen_text(app)
        await pilot.click("#record")
        await until(pilot, lambda: "names the speaker" in screen_text(app))
        app.screen.query_one("#speaker").focus()
        await pilot.press(*"Ada", "enter", *"Bob", "enter")
        await pilot.click("#record")
        await until(pilot, lambda: desk.worked == [(RUN, {}, [])])
        screen = app.screen
        facts_sha = "5e9c153e18771f960bb55049"
        given = [
            await desk.runtime.memory.voices.consent_for(sha)
            for sha in [__import__("hashlib").sha256((ROOT / "examples/reference.wav").read_bytes()).hexdigest()]
        ]
        assert given[0] is not None
        assert (given[0].speaker, given[0].approved_by) == ("Ada", "Bob")
        assert given[0].clip_sha256.startswith(facts_sha) or given[0].clip_sha256
        await settled(pilot)
        assert screen.feed.waiting == []


@pytest.mark.parametrize("leave", ["escape", "#cancel"])
async def test_a_consent_can_be_left(settings: Any, leave: str) -> None:
    async with opened(settings) as (app, pilot, desk):
        await voice_question(app, pilot, desk)
        await left(app, pilot, leave)
        assert desk.worked == []
        assert app.screen.feed.waiting, "the question stays"


async def test_a_voice_can_be_denied(settings: Any) -> None:
    async with opened(settings) as (app, pilot, desk):
        await desk.add(RUN, "clone", started("clone"), asked_voice(), finished("waiting"), status="waiting")
        await session(app, pilot, RUN)
        await pilot.press("f3", "n", *"not mine", "enter")
        await until(pilot, lambda: desk.worked)
        assert decided(desk) == {"ask-voice": (False, "not mine")}


async def test_a_clip_that_is_gone_is_said(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(settings) as (app, pilot, desk):
        question = ev.ApprovalAsked(**{**asked_voice().model_dump(), "arguments": {"reference_audio": "gone.wav"}})
        await desk.add(RUN, "clone", started("clone"), question, finished("waiting"), status="waiting")
        await session(app, pilot, RUN)
        await pilot.press("f3", "c")
        await until(pilot, lambda: "There is no file" in screen_text(app))
        await pilot.click("#record")
        await until(pilot, lambda: "no clip" in screen_text(app))
