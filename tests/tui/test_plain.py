"""Text of others: whatever it is, it is drawn as it is or not at all, and nothing breaks."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as some
from stage import opened, screen_text, session, settled
from stories import RUN, agent, asked, call, ended, finished, said, started, used
from textual.app import App, ComposeResult

from nexus_agents.core import events as ev
from nexus_agents.core.errors import InputError
from nexus_agents.core.runs import RunError
from tui.cards import AgentCard, ApprovalCard, EndCard, MessageCard, NoticeCard, ToolCard, UserCard
from tui.widgets.plain import PlainStatic, clean, shorten
from tui.widgets.views import drawable, view_of

NASTY = {
    "markup": "[/] [bold [red]x[/red] [@click=app.quit]quit[/] [[ ]] \\[ [link='x",
    "ansi": "\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \x1b]52;c;aGk=\x07",
    "controls": "nul\x00 bell\x07 back\x08\x08\x08 vt\x0b ff\x0c del\x7f cr\rover",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 é e\u0301 zalgo" + "\u0335\u0360" * 50,
    "right to left": "שלום عربى mixed \u202e gpj.exe \u2066x\u2069 \u200f\u200e\u061c",
    "unseen": "zero\u200bwidth \ufeffbom soft\u00adhyphen tags\U000e0041\U000e0042 \u2028line \u2029para",
    "surrogate": "half \ud800 pair \udfff",
    "private": "\ue000 \U0010ffff \ufffe unassigned \u0378",
    "tabs": "a\tb\tc\r\nd",
    "wide": "漢字" * 200,
    "long line": "x" * 1_000_000,
    "many lines": "y\n" * 50_000,
    "fence": "```" * 5
    + "[/]\n| a | b\n|--|\n<script>alert(1)</script>\n![x](file:///etc/passwd) [y](javascript:1)\n" * 20,
    "backslashes": "\\" * 99 + "[" * 99,
    "empty": "",
}


def unsafe(text: str) -> list[str]:
    allowed = "\n\u200c\u200d"
    return [hex(ord(c)) for c in text if c not in allowed and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@given(some.text(alphabet=some.characters(), max_size=400))
@effort(max_examples=400, deadline=None)
def test_clean_leaves_nothing_that_acts(text: str) -> None:
    assert unsafe(clean(text)) == []
    assert clean(clean(text)) == clean(text)
    assert "\n" not in shorten(text, 40)
    assert len(shorten(text, 40)) <= 40


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_clean_table(text: str) -> None:
    assert unsafe(clean(text)) == []
    assert unsafe(drawable(text)) == []
    assert len(clean(text)) <= 45_000
    assert drawable(text).count("\n") <= 410


def test_what_is_harmless_stays() -> None:
    for text in ("[/] [bold]", "👩‍👩‍👧‍👦", "שלום", "漢字", "naïve é", "a\nb"):
        assert clean(text) == text


def cards_of(text: str) -> list[Any]:
    return [
        UserCard("u", text=text),
        AgentCard("a", agent=text, task=text, model=text),
        MessageCard("m", agent=text, text=text),
        ToolCard(
            "t", agent=text, tool=text, arguments={text: text, "more": [text]}, summary="", progress=text, fraction=0.5
        ),
        ToolCard("f", agent=text, tool=text, state="failed", summary=text, hint=text, artifacts=[text]),
        ApprovalCard(
            "q", agent=text, tool=text, risk=text, question=text, how=text, arguments={text: text, "n": {"k": text}}
        ),
        ApprovalCard("i", agent=text, tool=text, risk="identity", question=text, how=text, answered=text),
        NoticeCard("n", text=text),
        EndCard("e", status="failed", lines=[text], commands=[text]),
    ]


class Bare(App[None]):
    """Only cards."""

    def __init__(self, cards: list[Any]) -> None:
        super().__init__()
        self.cards = cards

    def compose(self) -> ComposeResult:
        for card in self.cards:
            yield view_of(card)


async def drawn(*texts: str) -> str:
    app = Bare([card for text in texts for card in cards_of(text)])
    async with app.run_test(size=(80, 60)) as pilot:
        for view in app.children[0].walk_children():
            if hasattr(view, "renew"):
                await view.renew()  # type: ignore[attr-defined]
        await pilot.pause()
        return screen_text(app)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
async def test_every_card_bears_it(text: str) -> None:
    assert unsafe(await drawn(text)) == []


@given(some.lists(some.text(max_size=120), min_size=2, max_size=2))
@effort(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_card_bears_anything(texts: list[str]) -> None:
    import asyncio

    assert unsafe(asyncio.run(drawn(*texts))) == []


@given(some.text(alphabet="[]/\\@='\"boldclick#*_`|>-! \n", max_size=200))
@effort(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_card_bears_brackets(text: str) -> None:
    import asyncio

    assert unsafe(asyncio.run(drawn(text))) == []


async def test_brackets_are_brackets() -> None:
    class One(App[None]):
        def compose(self) -> ComposeResult:
            yield PlainStatic("[bold]x[/] [@click=app.quit]y[/]")

    app = One()
    async with app.run_test():
        assert "[bold]x[/] [@click=app.quit]y[/]" in screen_text(app)
        static = app.query_one(PlainStatic)
        static.show("[/]")
        assert static.shown == "[/]"


def storable(text: str) -> str:
    """What a run can hold at all: text in UTF-8, without NUL."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode() or "nothing"


@pytest.mark.parametrize(
    "names",
    [
        ("markup", "backslashes"),
        ("ansi", "controls", "tabs"),
        ("right to left", "unseen"),
        ("fence", "emoji"),
        ("long line",),
    ],
    ids=lambda names: names[0],
)
async def test_the_app_bears_it_everywhere(settings: Any, names: tuple[str, ...]) -> None:
    text = storable(" ".join(NASTY[name] for name in names))[:60_000]
    events = [
        started(text),
        agent(text, text),
        used(text, 1, 1),
        said("planning", text, title=text, entities=[{"name": text, "fields": [{"name": text}]}]),
        call(text, "c1", text, path=text, content=text),
        ended(text, "c1", text, ok=False, hint=text),
        ev.ArtifactMade(call_id="c1", path=f"/{text}", kind="code", title=text, bytes=1),
        ev.Retried(what=text, attempt=1, wait=1.0, reason=text),
        asked(question=text, command=text),
        finished("failed", error=RunError(message=text, hint=text), next=[text]),
    ]
    async with opened(settings, (110, 40)) as (app, pilot, desk):
        await desk.add(RUN, text, *events, status="interrupted", title=text)
        app.screen.fill()  # type: ignore[attr-defined]
        await settled(pilot)
        assert unsafe(screen_text(app)) == []
        await session(app, pilot, RUN)
        app.tell(InputError(text, text))
        app.tell(ValueError(text))
        app.notify(text, title=text)
        for name in NASTY:
            app.open_path(NASTY[name])
        await settled(pilot)
        assert unsafe(screen_text(app)) == []
        await pilot.press("ctrl+r")
        await settled(pilot)
        assert unsafe(screen_text(app)) == []
        await pilot.press("f2")
        await settled(pilot)
        assert unsafe(screen_text(app)) == []
