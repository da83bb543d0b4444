from __future__ import annotations

import time
from typing import Any

import pytest
from stage import at
from stories import BUILT, RUN, WAITING, agent, asked, call, ended, finished, said, started, used

from nexus_agents.core import events as ev
from nexus_agents.core.budget import Limits
from nexus_agents.core.runs import RunError
from tui.cards import AgentCard, ApprovalCard, Card, EndCard, MessageCard, NoticeCard, ToolCard, UserCard
from tui.feed import Feed
from tui.widgets.side import agents_text, plan_text, usage_text


def feed_of(*events: Any, run_id: str = RUN) -> Feed:
    feed = Feed()
    feed.begin(run_id)
    take(feed, *events)
    return feed


def take(feed: Feed, *events: Any) -> list[Card]:
    """Number the kept events as the memory does, and take them."""
    changed: list[Card] = []
    for event in events:
        kept = not isinstance(event, ev.TextChunk | ev.ToolProgress)
        changed += feed.take(event.model_copy(update={"seq": feed.seq + 1}) if kept else event)
    return changed


def last(feed: Feed, kind: type[Any]) -> Any:
    return [card for card in feed.cards if isinstance(card, kind)][-1]


def test_a_run_from_its_start_to_its_end() -> None:
    feed = feed_of(*BUILT, finished(next=["cd /home/ada/shop"]))
    assert [type(card) for card in feed.cards] == [
        UserCard,
        AgentCard,
        MessageCard,
        AgentCard,
        ToolCard,
        ToolCard,
        EndCard,
    ]
    assert feed.status == "done"
    assert feed.workspace == "/home/ada/shop"
    assert feed.model == "ollama:qwen3:8b"
    assert feed.tokens == (1668, 5426)
    assert last(feed, EndCard).commands == ["cd /home/ada/shop"]
    assert all(agent.state == "done" for agent in feed.agents.values())


def test_every_kind_of_event_is_understood() -> None:
    kinds = [kind.model_fields["type"].default for kind in ev.AnyEvent.__args__[0].__args__]  # type: ignore[attr-defined]
    assert len(kinds) == 20
    assert all(callable(getattr(Feed, f"_{kind}")) for kind in kinds)


def test_what_comes_twice_is_shown_once() -> None:
    feed = Feed()
    feed.begin(RUN)
    events = [event.model_copy(update={"seq": number}) for number, event in enumerate([*BUILT, finished()], 1)]
    for event in events:
        feed.take(event)
    cards, tokens = list(feed.cards), feed.tokens
    for event in events:
        assert feed.take(event) == []
    assert feed.cards == cards
    assert feed.tokens == tokens


def test_text_streams_and_the_message_replaces_it() -> None:
    feed = feed_of(started(), agent("review", "look"))
    take(feed, ev.TextChunk(agent="review", text="# Find"), ev.TextChunk(agent="review", text="ings"))
    card = last(feed, MessageCard)
    assert (card.text, card.live) == ("# Findings", True)
    changed = take(feed, said("review", "# Findings\n\nnone"))
    assert changed == [card]
    assert (card.text, card.live) == ("# Findings\n\nnone", False)
    take(feed, said("review", "more"))
    assert len([card for card in feed.cards if isinstance(card, MessageCard)]) == 2


def test_agents_side_by_side_keep_their_texts_apart() -> None:
    feed = feed_of(started(), agent("a", "one"), agent("b", "two"))
    for number in range(10):
        take(feed, ev.TextChunk(agent="a", text=f"a{number} "), ev.TextChunk(agent="b", text=f"b{number} "))
    take(feed, call("write_file", "x", "a"), call("write_file", "y", "b"), ended("write_file", "y", "wrote y"))
    take(feed, said("b", "B"), said("a", "A"))
    assert [card.text for card in feed.cards if isinstance(card, MessageCard)] == ["A", "B"]
    assert [card.state for card in feed.cards if isinstance(card, ToolCard)] == ["running", "done"]
    assert list(feed.agents) == ["a", "b"]
    take(feed, agent("a", "again"))
    assert list(feed.agents) == ["a", "b"], "rows never move"
    assert feed.agents["a"].turns == 2


def test_progress_reaches_only_a_call_that_runs() -> None:
    feed = feed_of(started(), call("run_tests", "r1"))
    take(feed, ev.ToolProgress(tool="run_tests", call_id="r1", fraction=0.5, text="half"))
    card = last(feed, ToolCard)
    assert (card.fraction, card.progress) == (0.5, "half")
    take(feed, ended("run_tests", "r1", "20 passed"))
    assert take(feed, ev.ToolProgress(tool="run_tests", call_id="r1", fraction=0.9)) == []
    assert take(feed, ev.ToolProgress(tool="run_tests", call_id="other", fraction=0.9)) == []
    assert (card.state, card.fraction) == ("done", None)


def test_what_happens_around_a_call_of_a_model_is_noticed() -> None:
    feed = feed_of(
        started(),
        ev.Compacted(agent="backend", model="openai:x", before=41_000, after=20_000, context=32_768),
        ev.Repaired(agent="review", what="The arguments are not valid JSON."),
        ev.FellBack(agent="judge", model="openai:x", to="builtin:nexus", reason="connection refused"),
    )
    notices = [card for card in feed.cards if isinstance(card, NoticeCard)]
    assert [card.tone for card in notices] == ["quiet", "warning", "warning"]
    assert "41,000 tokens become 20,000" in notices[0].text
    assert "review is asked again" in notices[1].text
    assert "builtin:nexus is asked instead" in notices[2].text


def test_what_is_said_is_heard_by_a_call_that_begins_later() -> None:
    feed = feed_of(started(), ev.UserSaid(text="use uv", at=at(10)))
    card = last(feed, UserCard)
    assert (card.text, card.mark) == ("use uv", "heard at the next turn")
    call_at_5 = used("backend", 1, 1).model_copy(update={"at": at(12), "seconds": 7})
    assert take(feed, call_at_5) == []
    assert take(feed, ev.UserSaid(text="and ruff", at=at(13)))
    call_at_11 = used("backend", 1, 1).model_copy(update={"at": at(14), "seconds": 3})
    assert take(feed, call_at_11) == [card]
    assert card.mark == "heard by backend"
    assert last(feed, UserCard).mark == "heard at the next turn"
    call_at_15 = used("review", 1, 1).model_copy(update={"at": at(16), "seconds": 1})
    take(feed, call_at_15)
    assert (card.mark, last(feed, UserCard).mark) == ("heard by backend", "heard by review")


def test_usage_is_told_with_its_cost_and_the_budget() -> None:
    def call_of(model: str, cost: float | None) -> ev.Usage:
        return used("backend", 1000, 200).model_copy(update={"model": model, "cost": cost})

    feed = feed_of(started(), call_of("openai:x", 0.0123), call_of("builtin:nexus", 0.0), call_of("ollama:y", None))
    feed.limits = Limits(turns=5, tokens=50_000)
    assert usage_text(feed).splitlines() == [
        "openai:x",
        "  1,000 in, 200 out",
        "  $0.0123",
        "builtin:nexus",
        "  1,000 in, 200 out",
        "ollama:y",
        "  1,000 in, 200 out",
        "  cost unknown",
        "budget of this run",
        "  3 of 5 turns",
        "  3,600 of 50,000 tokens",
    ]
    feed.begin("another")
    take(feed, call_of("openai:x", 1.0))
    assert "  1 of 5 turns" in usage_text(feed), "the budget is that of the newest run"
    assert "  $1.0123" in usage_text(feed), "what was used is that of the session"


def test_a_failed_call_says_why_and_is_made_again() -> None:
    feed = feed_of(started(), call("run_tests", "r1"), ended("run_tests", "r1", "2 failed", ok=False, hint="read it"))
    card = last(feed, ToolCard)
    assert (card.state, card.summary, card.hint) == ("failed", "2 failed", "read it")
    take(feed, call("run_tests", "r1").model_copy(update={"attempt": 2}))
    assert (card.state, card.attempt, card.summary) == ("running", 2, "")
    assert len([card for card in feed.cards if isinstance(card, ToolCard)]) == 1


def made(path: str, call_id: str = "") -> ev.ArtifactMade:
    return ev.ArtifactMade(call_id=call_id, path=path, kind="code", title=path, bytes=1)


def test_artifacts_stand_with_the_call_that_made_them() -> None:
    feed = feed_of(
        started(), call("make_podcast", "p1"), made("/a.mp3", "p1"), made("/a.md", "p1"), made("/a.md", "p1")
    )
    assert last(feed, ToolCard).artifacts == ["/a.mp3", "/a.md"]


def test_what_a_graph_made_has_a_card_of_its_own() -> None:
    feed = feed_of(started(), made("/shop", "deliver"), made("/shop/README.md", "deliver"), made("/b"), made("/c"))
    cards = [card for card in feed.cards if isinstance(card, ToolCard)]
    assert [card.artifacts for card in cards] == [["/shop", "/shop/README.md"], ["/b"], ["/c"]]
    assert all(card.state == "done" for card in cards)


def test_a_question_waits_until_the_run_goes_on() -> None:
    feed = feed_of(*WAITING)
    assert feed.status == "waiting"
    assert [card.approval_id for card in feed.waiting] == ["ask-t1"]
    take(feed, ev.RunResumed(run_id=RUN, finished_calls=2))
    assert feed.status == "running"
    assert feed.waiting == []
    assert last(feed, ApprovalCard).answered == "answered"
    assert "2 finished" in last(feed, NoticeCard).text


def test_answers_that_could_not_be_sent_are_open_again() -> None:
    from tui.answers import Answers

    feed = feed_of(started(), asked(call_id="a"), asked(call_id="b"), asked("write", call_id="c"), finished("waiting"))
    answers = Answers(feed)
    first, second, third = feed.waiting
    assert answers.add(first, True, whole_run=True) == [first, second], "those of the same risk are answered with it"
    assert feed.waiting == [third]
    answers.add(third, False, reason="not there")
    assert feed.waiting == []
    assert answers.risks == ["execute"]
    assert {key: (one.approve, one.reason) for key, one in answers.decisions.items()} == {
        "ask-a": (True, ""),
        "ask-b": (True, ""),
        "ask-c": (False, "not there"),
    }
    assert answers.take_back() == [first, second, third]
    assert feed.waiting == [first, second, third]


def test_a_call_that_waits_is_not_cut_off() -> None:
    feed = feed_of(started(), call("build_app", "b1"), asked(), finished("waiting"))
    assert last(feed, ToolCard).state == "waiting"
    assert not [card for card in feed.cards if isinstance(card, EndCard)], "the question says it already"


def test_a_run_whose_process_is_gone() -> None:
    feed = feed_of(started(), agent("a", "x"), call("run_tests", "r1"), ev.TextChunk(agent="a", text="hal"))
    changed = feed.cut_off()
    assert feed.status == "interrupted"
    assert last(feed, ToolCard).state == "cut off"
    assert last(feed, ToolCard) in changed
    assert feed.agents["a"].state == "paused"
    assert feed.cut_off()[-1] is changed[-1], "said once"
    take(feed, ev.RunResumed(run_id=RUN, finished_calls=0), ev.TextChunk(agent="a", text="half"))
    assert [card.text for card in feed.cards if isinstance(card, MessageCard)] == ["hal", "half"]


@pytest.mark.parametrize("status", ["failed", "cancelled", "interrupted"])
def test_an_end_that_is_none(status: Any) -> None:
    error = RunError(message="The budget is used up.", hint="Raise it.")
    feed = feed_of(started(), call("run_tests", "r1"), finished(status, error=error))
    assert last(feed, EndCard).lines == ["The budget is used up.", "Raise it."]
    assert last(feed, ToolCard).state == "cut off"


def test_a_retry_is_told() -> None:
    feed = feed_of(started(), ev.Retried(what="ollama", attempt=1, wait=2.0, reason="connection refused"))
    assert last(feed, NoticeCard).text == "ollama: connection refused; attempt 2 in 2.0 s"


def test_a_follow_up_keeps_what_was_said_and_who_was_there() -> None:
    feed = feed_of(*BUILT, finished())
    before = len(feed.cards)
    feed.begin("second")
    take(feed, started("list voices", "second"), agent("planning", "again"), finished(run_id="second"))
    assert len(feed.cards) == before + 3
    assert list(feed.agents) == ["planning", "backend"]
    assert feed.plan["title"] == "User API"


def test_ten_thousand_events_are_quick() -> None:
    feed = feed_of(started(), agent("a", "x"))
    began = time.process_time()
    for number in range(2_500):
        take(feed, call("write_file", f"c{number}", "a", path="x"), ended("write_file", f"c{number}", "wrote it"))
        take(feed, said("a", "Done."), ev.TextChunk(agent="a", text="on"))
    spent = time.process_time() - began
    assert len(feed.cards) > 5_000
    assert spent < 2.0, spent
    began = time.process_time()
    for _ in range(100):
        take(feed, said("a", "Done."))
        assert not feed.waiting
    assert (time.process_time() - began) / 100 < 0.004


def test_the_panel_bears_any_plan() -> None:
    feed = feed_of(*BUILT, used("stranger", 1, 2))
    assert "- user: name, email" in plan_text(feed.plan)
    assert "● backend" in agents_text(feed)
    assert "1,669 in" in usage_text(feed) or "1,668 in" in usage_text(feed)
    for plan in (
        {},
        {"entities": None},
        {"entities": ["x", {"fields": [1, {"name": 2}]}]},
        {"files": 3, "title": ["x"]},
    ):
        assert isinstance(plan_text(plan), str)
    assert agents_text(Feed()) == "none yet"
    assert usage_text(Feed()) == "nothing yet"
