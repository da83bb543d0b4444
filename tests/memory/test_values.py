"""Lists by their new elements: whatever is done to a list, each of its states comes back, and little is written."""

from __future__ import annotations

import base64
import itertools
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import select, text

from memory import upkeep
from memory.checkpoint_rows import Reader
from memory.checkpoints import SqlCheckpointer
from memory.codec import Codec, serializer
from memory.database import Database, Transaction
from memory.migrate import migrate
from memory.sealing import Open
from memory.tables import blobs, list_items, lists
from memory.values import Stored, Tip, Values
from tests.memory.conftest import opened


@pytest.fixture
def values() -> Values:
    return Values(Codec(serializer()), Open())


def written(database: Database, values: Values, value: object, tip: Tip | None = None) -> tuple[Stored, Tip | None]:
    return database.run(lambda transaction: values.write(transaction, values.plan(value, tip)))


def read(database: Database, values: Values, stored: Stored) -> Any:
    return database.look(lambda transaction: values.read(transaction, stored)).value


def rows(database: Database, table: Any) -> int:
    return database.look(lambda transaction: len(transaction.execute(select(table)).all()))


# -- one value ----------------------------------------------------------------------------------------


def test_small_values_stay_in_their_row_and_large_ones_are_there_once(database: Database, values: Values) -> None:
    small, _ = written(database, values, {"a": [1, 2]})
    assert small.data is not None
    assert rows(database, blobs) == 0
    noise = random.Random(1).randbytes(1000)
    large, _ = written(database, values, {"noise": noise})
    again, _ = written(database, values, {"noise": noise})
    assert large == again
    assert large.digest is not None
    assert rows(database, blobs) == 1
    for value, stored in (({"a": [1, 2]}, small), ({"noise": noise}, large)):
        assert read(database, values, stored) == value


def test_a_list_that_grows_writes_only_what_is_new(database: Database, values: Values) -> None:
    texts = [f"{number} " + "x" * 300 for number in range(10)]
    first, tip = written(database, values, texts[:9])
    second, tip = written(database, values, list(texts), tip)
    assert (first.list_id, first.length, second.length) == (second.list_id, 9, 10)
    assert (rows(database, lists), rows(database, list_items), rows(database, blobs)) == (1, 10, 10)
    same, _ = written(database, values, list(texts), tip)
    assert same == second
    assert read(database, values, first) == texts[:9]
    assert read(database, values, second) == texts


def test_two_that_go_on_from_one_list_each_have_their_own_end(database: Database, values: Values) -> None:
    base = ["x" * 50] * 20
    _, tip = written(database, values, base)
    ours, _ = written(database, values, [*base, "ours"], tip)
    theirs, _ = written(database, values, [*base, "theirs"], tip)
    shorter, _ = written(database, values, base[:15], tip)
    assert read(database, values, ours) == [*base, "ours"]
    assert read(database, values, theirs) == [*base, "theirs"]
    assert read(database, values, shorter) == base[:15]
    assert ours.list_id != theirs.list_id
    assert rows(database, list_items) == 22, "what they share is there once"


def test_a_long_chain_of_forks_is_written_whole_at_some_point(database: Database, values: Values) -> None:
    elements = ["x" * 40] * 20
    _, tip = written(database, values, elements)
    for number in range(40):
        elements = [*elements[:-1], f"changed {number}", f"new {number}"]
        stored, tip = written(database, values, list(elements), tip)
        assert tip is not None
        assert len(tip.segments) <= 17
        assert read(database, values, stored) == elements


def test_a_list_that_is_gone_is_written_anew(database: Database, values: Values) -> None:
    base = ["x" * 300] * 20
    _, tip = written(database, values, base)

    def lose(transaction: Transaction) -> None:
        for table in (lists, list_items, blobs):
            transaction.execute(table.delete())

    database.run(lose)
    for value in ([*base, "more"], base[:10], list(base)):
        stored, _ = written(database, values, value, tip)
        assert read(database, values, stored) == value


def test_equal_elements_of_other_types_are_other_elements(database: Database, values: Values) -> None:
    _, tip = written(database, values, [1, 0, "x" * 300, 1.0, True, 5, 6, 7, 8, 9])
    changed = [True, 0.0, "x" * 300, 1, 1.0, 5, 6, 7, 8, 9]
    stored, _ = written(database, values, list(changed), tip)
    found = read(database, values, stored)
    assert [(type(value), value) for value in found] == [(type(value), value) for value in changed]


def test_a_missing_part_is_told(database: Database, values: Values) -> None:
    stored, _ = written(database, values, ["x" * 300, "y" * 300, "z" * 300])
    database.run(lambda transaction: transaction.execute(text("DELETE FROM list_items WHERE position = 1")))
    with pytest.raises(LookupError, match="1 elements of a list"):
        read(database, values, stored)
    blob, _ = written(database, values, {"a": "x" * 300})
    database.run(lambda transaction: transaction.execute(blobs.delete()))
    with pytest.raises(LookupError, match="missing"):
        read(database, values, blob)


# -- any sequence of changes --------------------------------------------------------------------------

LONG = "long " * 40


def message(number: int, size: int) -> AIMessage | HumanMessage:
    kind = AIMessage if number % 2 else HumanMessage
    return kind(f"{number}" + LONG * size, id=f"m{number}")


def entry(number: int, size: int) -> dict[str, Any]:
    return {"number": number, "text": LONG * size, "seen": []}


def plain(number: int, size: int) -> object:
    return (number, f"{number}{LONG * size}", bytes([number % 256]) * 100 * size, None)[number % 4]


MAKERS: dict[str, Callable[[int, int], Any]] = {"messages": message, "entries": entry, "plain": plain}
WHERE = st.floats(0, 1, exclude_max=True)
STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 12), st.integers(0, 2)),
    st.tuples(st.just("replace"), WHERE, st.integers(0, 2)),
    st.tuples(st.just("remove"), WHERE, st.integers(1, 3)),
    st.tuples(st.just("insert"), WHERE, st.integers(0, 2)),
    st.tuples(st.just("touch"), WHERE, st.just(0)),
    st.tuples(st.just("same"), WHERE, st.just(0)),
    st.tuples(st.just("fork"), WHERE, st.just(0)),
    st.tuples(st.just("reopen"), WHERE, st.just(0)),
    st.tuples(st.just("elsewhere"), st.sampled_from([0, 1]), st.just(0)),
    st.tuples(st.just("forget"), WHERE, st.just(0)),
)
THREADS = itertools.count()


class Driver:
    """The same changes of one list, written by several savers on one database and by the one in memory."""

    def __init__(self, database: Database, kind: str) -> None:
        self.database = database
        self.make = MAKERS[kind]
        self.numbers = itertools.count()
        self.savers = [SqlCheckpointer(database), SqlCheckpointer(database)]
        self.saver = self.savers[0]
        self.memory = InMemorySaver(serde=serializer())
        self.place: dict[str, Any] = {"thread_id": f"thread-{next(THREADS)}", "checkpoint_ns": ""}
        self.ids: list[str] = []
        self.parent: str | None = None
        self.version: str | None = None
        self.elements: list[Any] = []

    def step(self, what: str, where: float, size: int) -> None:
        at = int(where * len(self.elements))
        if what == "append":
            self.elements = [*self.elements, *(self.make(next(self.numbers), size) for _ in range(int(where)))]
        elif what == "elsewhere":
            self.saver = self.savers[int(where)]
        elif what == "reopen":
            self.saver = SqlCheckpointer(self.database)
        elif what == "forget":
            self.database.run(lambda transaction: upkeep.collect(Reader(transaction, Codec(serializer()), Open())))
        elif what == "fork" and self.ids:
            # As a graph goes on: with what the saver hands out.
            found = self.saver.get_tuple(self.config(self.ids[int(where * len(self.ids))]))
            assert found is not None
            self.parent = found.checkpoint["id"]
            self.version = found.checkpoint["channel_versions"]["items"]
            self.elements = found.checkpoint["channel_values"]["items"]
        elif self.elements and what == "replace":
            self.elements = [*self.elements[:at], self.make(next(self.numbers), size), *self.elements[at + 1 :]]
        elif self.elements and what == "remove":
            self.elements = self.elements[:at] + self.elements[at + size :]
        elif self.elements and what == "insert":
            self.elements = [*self.elements[:at], self.make(next(self.numbers), size), *self.elements[at:]]
        elif self.elements and what == "touch":
            self.elements = list(self.elements)
            element = self.elements[at]
            if isinstance(element, dict):
                element["seen"].append(next(self.numbers))
            elif isinstance(element, AIMessage | HumanMessage):
                element.content = f"touched {next(self.numbers)}"
        if what not in ("elsewhere", "reopen", "forget", "fork"):
            self.put()

    def put(self) -> None:
        self.version = self.saver.get_next_version(self.version)
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = {"items": self.elements}
        checkpoint["channel_versions"] = {"items": self.version}
        config = self.config(self.parent)
        self.memory.put(config, deepcopy(checkpoint), {}, {"items": self.version})
        self.saver.put(config, checkpoint, {}, {"items": self.version})
        self.parent = checkpoint["id"]
        self.ids.append(checkpoint["id"])

    def config(self, checkpoint_id: str | None) -> RunnableConfig:
        return {"configurable": self.place | ({"checkpoint_id": checkpoint_id} if checkpoint_id else {})}

    def check(self) -> None:
        reader = SqlCheckpointer(self.database)
        for checkpoint_id in self.ids:
            found, expected = (
                reader.get_tuple(self.config(checkpoint_id)),
                self.memory.get_tuple(self.config(checkpoint_id)),
            )
            assert shown(found) == shown(expected)
        assert [item.checkpoint["id"] for item in reader.list({"configurable": self.place})] == self.ids[::-1]


def shown(item: CheckpointTuple | None) -> object:
    assert item is not None
    elements = item.checkpoint["channel_values"]["items"]
    return [(type(element), element) for element in elements], item.parent_config, item.checkpoint["channel_versions"]


@pytest.mark.parametrize("kind", list(MAKERS))
def test_each_state_of_a_list_is_that_of_the_saver_in_memory(database: Database, kind: str) -> None:
    fast = database.dialect == "sqlite"

    @settings(
        max_examples=40 if fast else 12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # a failure is told as it was found: to look for a shorter one takes minutes
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(st.lists(STEPS, min_size=3, max_size=25))
    def changes(steps: list[tuple[str, float, int]]) -> None:
        driver = Driver(database, kind)
        for step in [("append", 10.0, 1), *steps]:
            driver.step(*step)
        driver.check()

    changes()


# -- growth -------------------------------------------------------------------------------------------


def grown(path: Path, steps: int) -> int:
    dice = random.Random(steps)
    with opened(f"sqlite:///{path}") as database:
        migrate(database)
        saver = SqlCheckpointer(database)
        config: RunnableConfig = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        said: list[Any] = []
        version: str | None = None
        for number in range(steps):
            message = AIMessage(base64.b85encode(dice.randbytes(800)).decode(), id=f"{dice.getrandbits(128):032x}")
            if number:
                saver.put_writes(config, [("messages", [message])], f"task-{number}", "~a")
            said = [*said, message]
            version = saver.get_next_version(version)
            checkpoint = empty_checkpoint()
            checkpoint["channel_values"] = {"messages": said}
            checkpoint["channel_versions"] = {"messages": version}
            config = saver.put(config, checkpoint, {"source": "loop", "step": number}, {"messages": version})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def test_a_conversation_takes_what_its_messages_take(tmp_path: Path) -> None:
    short, long = grown(tmp_path / "short.db", 400), grown(tmp_path / "long.db", 800)
    assert short <= 1_000_000
    assert long / short < 2.2
