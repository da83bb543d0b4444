from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import SqlMemory, open_memory
from memory.facts import SqlFacts
from memory.words import query_terms, searchable
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.facts import USER, Fact, project_namespace, run_namespace
from nexus_agents.core.ports import FactStore, Memory
from nexus_agents.core.runs import now
from tests.memory.concepts import WORDS_ONLY, Concepts

HERE = ("project", "here")


def fact(text: str, key: str = "", **fields: object) -> Fact:
    return Fact.model_validate({"namespace": HERE, "key": key, "text": text, "author": "planning", **fields})


@pytest.fixture
async def facts(url: str) -> AsyncIterator[SqlFacts]:
    async with open_memory(url, checkpoints=False, embedder=WORDS_ONLY) as memory:
        yield memory.facts


async def texts(facts: SqlFacts, query: str, **how: object) -> list[str]:
    how = {"namespaces": [HERE], **how}
    return [one.fact.text for one in await facts.search(query, **how)]  # type: ignore[arg-type]


# -- keeping ----------------------------------------------------------------------------------------


async def test_it_is_the_port(memory: SqlMemory) -> None:
    port: Memory = memory
    facts: FactStore = port.facts
    assert facts is memory.facts


async def test_a_fact_comes_back_as_it_was_written(facts: SqlFacts) -> None:
    value = {"list": [1, 2.5, None, True], "text": "é \0 \N{GRINNING FACE}"}
    made = await facts.put(
        fact("Invoices begin at 1000.", "invoices", value=value, run_id="r1", source="README.md", kind="procedure")
    )
    assert made.id
    found = await facts.get(HERE, "invoices")
    assert found == made
    assert found.value == value
    assert (found.author, found.run_id, found.source, found.kind) == ("planning", "r1", "README.md", "procedure")
    assert await facts.find(made.id) == made
    assert await facts.get(HERE, "nothing") is None
    assert await facts.get(("project", "elsewhere"), "invoices") is None


async def test_what_is_new_supersedes_and_nothing_is_lost(facts: SqlFacts) -> None:
    first = await facts.put(fact("Ada drinks tea.", "ada"))
    second = await facts.put(fact("Ada drinks cocoa.", "ada", author="review"))
    assert second.id != first.id
    assert second.since == first.since < second.created_at
    assert [one.text for one in await facts.list([HERE])] == ["Ada drinks cocoa."]
    old, new = await facts.history(HERE, "ada")
    assert (old.text, old.ended, old.superseded_by, old.author) == ("Ada drinks tea.", "superseded", new.id, "planning")
    assert old.valid_to is not None
    assert new == second
    assert await texts(facts, "tea") == []
    assert await texts(facts, "cocoa") == ["Ada drinks cocoa."]
    assert len(await facts.list([HERE], history=True)) == 2


async def test_the_very_same_is_kept_once(facts: SqlFacts) -> None:
    first = await facts.put(fact("Ada drinks tea."))
    assert await facts.put(fact("Ada drinks tea.", author="review")) == first
    assert (await facts.put_many([fact("one", "k"), fact("one", "k"), fact("two")]))[0].id
    assert len(await facts.list([HERE], history=True)) == 3
    # The same words of another kind are another statement.
    await facts.put(fact("one", "k", kind="preference"))
    assert [one.kind for one in await facts.history(HERE, "k")] == ["fact", "preference"]


async def test_forget_restore_and_erase(facts: SqlFacts) -> None:
    made = await facts.put(fact("The door code is on the fridge.", "door"))
    gone = await facts.forget(HERE, "door")
    assert gone is not None
    assert (gone.ended, await facts.get(HERE, "door"), await texts(facts, "fridge")) == ("forgotten", None, [])
    assert await facts.forget(HERE, "door") is None
    back = await facts.restore(made.id or 0)
    assert back.text == made.text
    assert await texts(facts, "fridge") == [made.text]
    assert await facts.restore(back.id or 0) == await facts.get(HERE, "door"), "what holds already stays as it is"
    newer = await facts.put(fact("The door code has changed.", "door"))
    assert (await facts.restore(made.id or 0)).text == made.text
    assert [one.ended for one in await facts.history(HERE, "door")] == ["forgotten", "superseded", "superseded", None]
    assert await facts.erase(HERE, "door") == 4
    assert await facts.history(HERE, "door") == []
    assert await texts(facts, "door") == []
    assert await facts.find(newer.id or 0) is None
    with pytest.raises(InputError, match="no fact 999"):
        await facts.restore(999)


async def test_time_runs_out_and_reading_starts_it_anew(facts: SqlFacts) -> None:
    moment = now()
    over = fact("The train leaves at noon.", "train", ttl=5, expires_at=moment - timedelta(seconds=1))
    await facts.put(over)
    assert await facts.get(HERE, "train") is None
    assert await texts(facts, "train") == []
    assert await facts.list([HERE]) == []
    # A new one under the same key is no change of the old: that was over before.
    await facts.put(fact("The train leaves at one.", "train", ttl=5))
    old, new = await facts.history(HERE, "train")
    assert (old.ended, old.superseded_by) == ("expired", None)
    assert new.expires_at is not None
    assert timedelta(minutes=4) < new.expires_at - moment < timedelta(minutes=6)
    await asyncio.sleep(0.01)
    assert await texts(facts, "train") == [new.text]
    read = await facts.get(HERE, "train")
    assert read is not None
    assert read.expires_at is not None
    assert read.expires_at > new.expires_at
    await facts.put(fact("A bus leaves.", "bus", expires_at=moment - timedelta(days=1)))
    assert await facts.sweep() == 1
    assert [one.ended for one in await facts.history(HERE, "bus")] == ["expired"]


async def test_scopes_keep_facts_apart(facts: SqlFacts, tmp_path: Path) -> None:
    run, project = run_namespace("1122-0404-3f9a1c"), project_namespace(tmp_path / "my.shop")
    assert project_namespace(tmp_path / "x" / ".." / "my.shop") == project
    assert project_namespace(tmp_path / "other" / "my.shop") != project
    for place in (run, project, USER):
        await facts.put(fact(f"tea for {place[0]}", "tea", namespace=place))
    assert await texts(facts, "tea", namespaces=[run]) == ["tea for run"]
    assert set(await texts(facts, "tea", namespaces=[run, USER])) == {"tea for run", "tea for user"}
    assert len(await texts(facts, "tea", namespaces=[])) == 3
    assert await texts(facts, "tea", namespaces=[("run",)]) == []
    assert await texts(facts, "tea", namespaces=[("run",)], below=True) == ["tea for run"]
    await facts.put(fact("tea elsewhere", "tea", namespace=("running", "late")))
    assert await texts(facts, "tea", namespaces=[("run",)], below=True) == ["tea for run"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"text": " "}, "nothing to remember"),
        ({"text": "x" * 100_001}, "too long"),
        ({"text": "x", "key": "k" * 501}, "key of a fact is too long"),
        ({"text": "x", "namespace": ()}, "is no namespace"),
        ({"text": "x", "namespace": ("a.b",)}, "is no namespace"),
        ({"text": "x", "namespace": ("a", "")}, "is no namespace"),
        ({"text": "x", "value": object()}, "no JSON form"),
        ({"text": "\ud800"}, "broken Unicode"),
    ],
)
async def test_what_cannot_be_kept_is_refused(facts: SqlFacts, wrong: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        await facts.put_many([fact("fine", "fine"), fact(**{"text": "", **wrong})])  # type: ignore[arg-type]
    assert await facts.list() == [], "all or nothing"


SECRETS = (
    "the password is hunter2",
    "PASSWORD=correct!horse",
    "api_key: 0123456789abcdef",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
    "use sk-proj-abcdefghijklmnopqrstuvwx for the model",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1" * 18,
    "postgresql://nexus:geheim@db.example.org/nexus",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w",
)
HARMLESS = (
    "the password is stored in the keyring",
    "the API key is read from $OPENAI_API_KEY",
    "Ada forgot her password again",
    "secret santa is on 6 December",
    "tests need task-1234567890123456789012345",
    "see https://example.org/a:b@c and postgresql://nexus@127.0.0.1/nexus",
)


async def test_secrets_are_refused_and_what_is_said_about_them_is_not(facts: SqlFacts) -> None:
    for secret in SECRETS:
        with pytest.raises(InputError, match="looks like") as caught:
            await facts.put(fact(secret))
        assert secret not in str(caught.value)
    for value in ({"password": "swordfish"}, {"deep": [{"db_password": "swordfish"}]}, ["AKIAIOSFODNN7EXAMPLE"]):
        with pytest.raises(InputError, match="looks like"):
            await facts.put(fact("settings", value=value))
    with pytest.raises(InputError, match="looks like"):
        await facts.put(fact("a key", source="ghp_" + "a1" * 18))
    assert await facts.list(history=True) == []
    for text in HARMLESS:
        await facts.put(fact(text))
    await facts.put(fact("settings", value={"password": "$DATABASE_PASSWORD", "password_env": "X", "pwd": ""}))


# -- words ------------------------------------------------------------------------------------------


async def test_words_find_identifiers_stems_and_accents(facts: SqlFacts) -> None:
    for text in (
        "Ticket QX-4821 was closed by Omar",
        "The orders live in my_table since v1.2",
        "Café Zürich serves oat-milk cortados",
        "東京に住んでいる人",
        "She was running the tests",
    ):
        await facts.put(fact(text))
    for query, word in (
        ("status of qx-4821?", "QX-4821"),
        ("4821", "QX-4821"),
        ("my_table", "my_table"),
        ("what is in my table", "my_table"),
        ("v1.2", "v1.2"),
        ("zurich cafe", "Café"),
        ("ZÜRICH", "Café"),
        ("oat milk", "oat-milk"),
        ("東京", "東京"),
        ("test runs", "running"),
    ):
        assert word in (await texts(facts, query))[0], query
    assert await texts(facts, "QX-4822") == ["Ticket QX-4821 was closed by Omar"], "by its first part"
    assert await texts(facts, "elephant") == []
    assert await texts(facts, "") == []


async def test_the_rarest_word_counts_most(facts: SqlFacts) -> None:
    await facts.put_many([fact(f"the release of module {number} is planned") for number in range(60)])
    await facts.put(fact("the zebra module is late"))
    assert (await texts(facts, "release planned for the zebra module"))[0] == "the zebra module is late"


HOSTILE = (
    '" OR 1=1 --',
    "'; DROP TABLE facts; --",
    "tea AND NOT (",
    'NEAR("a" "b", 5)',
    "text:tea*",
    "^tea",
    "%s %(x)s :x ?",
    "\\",
    "\0",
    "a" * 50_000,
    "- . _",
    "☃ & | ! <-> :*",
)


async def test_no_query_is_a_program(facts: SqlFacts) -> None:
    await facts.put(fact("Ada drinks tea."))
    for query in HOSTILE:
        assert set(await texts(facts, query)) <= {"Ada drinks tea."}, query
    for query in HOSTILE:
        made = await facts.put(fact(f"{query} x", key=query[:500], source=query[:100], author="a"))
        kept = await facts.get(HERE, query[:500].replace("\0", "\N{REPLACEMENT CHARACTER}"))
        assert kept is not None
        assert kept.id == made.id
    assert len(await facts.list([HERE])) == 1 + len(HOSTILE)
    assert await texts(facts, "tea", kinds=["fact' OR '1'='1"]) == []


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_has_words_that_find_it(text: str) -> None:
    # Whatever is stored for a text must be found by asking for the text itself.
    asked, kept = set(query_terms(text)), set(searchable(text).split())
    assert asked <= kept
    assert bool(asked) == bool(kept)
    assert not kept or not any(character in word for word in kept for character in "\"'*():^ ")


# -- meaning ----------------------------------------------------------------------------------------


@pytest.fixture
def concepts() -> Concepts:
    return Concepts()


@pytest.fixture
async def both(url: str, concepts: Concepts) -> AsyncIterator[SqlFacts]:
    async with open_memory(url, checkpoints=False, embedder=concepts.source) as memory:
        yield memory.facts


async def test_meaning_finds_what_shares_no_word(both: SqlFacts) -> None:
    await both.put(fact("Ada likes tea"))
    await both.put(fact("Bo moved to Osaka"))
    found = await both.search("which beverage at breakfast?", [HERE], limit=1)
    assert [(one.fact.text, one.by) for one in found] == [("Ada likes tea", "meaning")]
    assert found[0].similarity is not None
    assert found[0].similarity > 0.9
    assert both.search_mode == "words and meaning: concepts"


async def test_a_rare_word_beats_meaning_and_a_common_one_does_not(both: SqlFacts) -> None:
    await both.put_many([fact(f"person {number} drinks coffee at work") for number in range(200)])
    await both.put(fact("ticket QX-17 waits at work"))
    await both.put(fact("Bo has a beagle at work"))
    await both.embed_pending()
    rare = await both.search("who drinks coffee because of QX-17?", [HERE], limit=3)
    assert (rare[0].fact.text, rare[0].by) == ("ticket QX-17 waits at work", "words")
    common = await both.search("an animal at work", [HERE], limit=1)
    assert (common[0].fact.text, common[0].by) == ("Bo has a beagle at work", "meaning")


async def test_vectors_follow_what_is_written_by_whoever(url: str, concepts: Concepts, both: SqlFacts) -> None:
    one = await both.put(fact("Ada likes tea", "ada"))
    assert await texts(both, "beverage", limit=1) == ["Ada likes tea"]
    async with open_memory(url, checkpoints=False, embedder=Concepts().source) as other:
        await other.facts.put(fact("Bo likes coffee", "bo"))
        await other.facts.put(fact("Ada lives in Osaka", "ada"))
        assert await texts(other.facts, "beverage", limit=1) == ["Bo likes coffee"]
    before = len(concepts.texts)
    assert await texts(both, "beverage", limit=1) == ["Bo likes coffee"]
    assert concepts.texts[before:] == ["beverage"], "the other process made the vectors; they are read"
    await both.forget(HERE, "bo")
    assert "Bo likes coffee" not in await texts(both, "beverage")
    await both.restore(one.id or 0)
    assert await texts(both, "beverage", limit=1) == ["Ada likes tea"]
    await both.erase(HERE, "ada")
    assert await texts(both, "beverage") == []


async def test_filters_hold_for_meaning_too(both: SqlFacts) -> None:
    await both.put(fact("tea in the run", namespace=("run", "1")))
    await both.put(fact("tea is liked", kind="preference"))
    await both.put(fact("tea is over", expires_at=now() - timedelta(seconds=1)))
    assert await texts(both, "beverage") == ["tea is liked"]
    assert await texts(both, "beverage", kinds=["fact"]) == []
    assert set(await texts(both, "beverage", namespaces=[])) == {"tea in the run", "tea is liked"}
    assert len(await texts(both, "beverage", namespaces=[], limit=1, offset=1)) == 1


async def test_a_search_embeds_the_newest_and_words_find_the_rest(both: SqlFacts, concepts: Concepts) -> None:
    await both.put(fact("the oldest one likes tea, says zanzibar"))
    await both.put_many([fact(f"number {number} moved to Lisbon") for number in range(100)])
    assert await texts(both, "zanzibar", limit=1) == ["the oldest one likes tea, says zanzibar"]
    assert len(concepts.texts) == 64 + 1
    told: list[tuple[int, int]] = []
    assert await both.embed_pending(lambda done, of: told.append((done, of))) == 37
    assert told[-1][0] == 37
    assert await both.embed_pending() == 0
    assert await texts(both, "beverage", limit=1) == ["the oldest one likes tea, says zanzibar"]


async def test_vectors_are_made_in_the_background_and_nobody_waits(url: str) -> None:
    concepts = Concepts()
    concepts.gate.clear()
    async with open_memory(url, embedder=concepts.source) as memory:
        begun = time.monotonic()
        await memory.facts.put_many([fact(f"number {number} likes tea") for number in range(40)])
        assert time.monotonic() - begun < 5
        concepts.gate.set()
        for _ in range(200):
            if len(concepts.texts) == 40:
                break
            await asyncio.sleep(0.02)
        assert len(concepts.texts) == 40
    async with open_memory(url, checkpoints=False, embedder=Concepts().source) as memory:
        assert await memory.facts.embed_pending() <= 16, "at most the last batch was cut off"


async def test_vectors_of_two_embedders_do_not_mix(url: str) -> None:
    first, second = Concepts(), Concepts()
    second.name = "others"
    async with open_memory(url, checkpoints=False, embedder=first.source) as memory:
        await memory.facts.put(fact("Ada likes tea"))
        assert await texts(memory.facts, "beverage") == ["Ada likes tea"]
    async with open_memory(url, checkpoints=False, embedder=second.source) as memory:
        assert await texts(memory.facts, "beverage") == ["Ada likes tea"]
    assert second.texts == ["beverage", "Ada likes tea"]


async def test_without_an_embedder_it_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_EMBEDDER", "none")
    async with open_memory(url, checkpoints=False) as memory:
        assert memory.facts.search_mode == "words only: switched off (NEXUS_EMBEDDER=none)"
        await memory.facts.put(fact("Ada likes tea"))
        assert await texts(memory.facts, "tea") == ["Ada likes tea"]
        assert await memory.facts.embed_pending() == 0
    monkeypatch.setenv("NEXUS_EMBEDDER", "nonsense")
    async with open_memory(url, checkpoints=False) as memory:
        await memory.facts.put(fact("Ada likes coffee", "ada"))
        with pytest.raises(ConfigError, match="nonsense"):
            await memory.facts.search("tea", [HERE])


# -- many -------------------------------------------------------------------------------------------

PUTS = """
import asyncio, sys
from memory import open_memory
from memory.embedding import EmbedderSource
from nexus_agents.core.facts import Fact

async def main():
    async with open_memory(sys.argv[1], checkpoints=False, embedder=EmbedderSource(None, "off")) as memory:
        sys.stdin.readline()
        for number in range(50):
            text = f"{sys.argv[2]} says {number}"
            here = {"namespace": ("project", "here"), "text": text, "author": sys.argv[2]}
            await memory.facts.put(Fact(key=f"{sys.argv[2]} {number}", **here))
            await memory.facts.put(Fact(key="shared", **here))
            await memory.facts.put(Fact(namespace=("user",), key="one", text=f"the same {number}", author="a"))

asyncio.run(main())
"""


async def test_several_processes_put_at_once_and_nothing_is_lost(url: str, facts: SqlFacts) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PUTS, url, name), stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name in ("ada", "bo", "cy", "di")
    ]
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4, answers
    kept = {one.key for one in await facts.list([HERE])}
    assert kept == {f"{name} {number}" for name in ("ada", "bo", "cy", "di") for number in range(50)} | {"shared"}
    history = await facts.history(HERE, "shared")
    assert len(history) == 200
    assert [one.superseded_by for one in history] == [one.id for one in history[1:]] + [None]
    assert await texts(facts, "cy says 49", limit=1) == ["cy says 49"]
    assert (await facts.history(USER, "one"))[-1].ended is None


async def test_ten_thousand_facts_are_searched_quickly(file_url: str) -> None:
    concepts = Concepts()
    async with open_memory(file_url, checkpoints=False, embedder=concepts.source) as memory:
        many = [fact(f"person {number} relocated to town {number % 97}") for number in range(10_000)]
        for start in range(0, len(many), 500):
            await memory.facts.put_many(many[start : start + 500])
        await memory.facts.put(fact("ticket QX-4821 is about the beagle"))
        await memory.facts.embed_pending()
        await memory.facts.search("warm up", [HERE])
        took: list[float] = []
        for query, wanted in (("a pet", "QX-4821"), ("what about qx-4821", "QX-4821"), ("person 7777", "7777")) * 7:
            begun = time.process_time()
            assert wanted in (await texts(memory.facts, query, limit=1))[0]
            took.append(time.process_time() - begun)
        assert sorted(took)[len(took) // 2] < 0.06
    async with open_memory(file_url, checkpoints=False, embedder=Concepts().source) as memory:
        assert "QX-4821" in (await texts(memory.facts, "a pet", limit=1))[0], "vectors are read, not made"


# -- moving -----------------------------------------------------------------------------------------


async def test_what_is_exported_comes_back_the_same(facts: SqlFacts, tmp_path: Path) -> None:
    await facts.put(fact("Ada drinks tea.", "ada", value={"drink": "tea"}))
    await facts.put(fact("Ada drinks cocoa.", "ada", kind="preference", ttl=60.0))
    await facts.put(fact("gone", "gone"))
    await facts.forget(HERE, "gone")
    await facts.put(fact("mine", "mine", namespace=USER))

    async def exported(of: SqlFacts) -> list[dict[str, object]]:
        found = await of.list(history=True)
        return [json.loads(one.model_dump_json(exclude={"id", "superseded_by"})) for one in found]

    whole = await exported(facts)
    again = [Fact.model_validate(one) for one in whole]
    assert await facts.load(again) == (0, 4), "all of it is known here"
    async with open_memory(f"sqlite:///{tmp_path / 'other.db'}", checkpoints=False, embedder=WORDS_ONLY) as other:
        assert await other.facts.load(again) == (4, 0)
        assert await exported(other.facts) == whole
        assert await other.facts.load(again) == (0, 4)
        assert [one.text for one in await other.facts.history(HERE, "ada")] == ["Ada drinks tea.", "Ada drinks cocoa."]
        # What is newer here than there stays.
        await other.facts.put(fact("Ada drinks water.", "ada"))
        assert await other.facts.load([one for one in again if one.key == "ada" and not one.ended]) == (0, 1)
        await other.facts.load([fact("Ada drinks milk.", "ada", created_at=now() + timedelta(seconds=1))])
        assert (await other.facts.get(HERE, "ada")).text == "Ada drinks milk."  # type: ignore[union-attr]
