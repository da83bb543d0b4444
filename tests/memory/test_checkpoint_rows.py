"""Rows of checkpoints: what is listed, in which order, and what a damaged or a foreign one does to the others."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointMetadata, empty_checkpoint
from pydantic import BaseModel
from sqlalchemy import delete, select, update

from memory.checkpoints import SqlCheckpointer
from memory.database import Database
from memory.tables import blobs, channel_values, checkpoint_writes, checkpoints
from nexus_agents.core.errors import ConfigError, NexusError

THREAD: dict[str, Any] = {"thread_id": "t-1", "checkpoint_ns": ""}
LONG = ["x" * 300, "y" * 300]


@pytest.fixture
def put(saver: SqlCheckpointer) -> Callable[..., RunnableConfig]:
    """Save a checkpoint after another one, with values of channels."""

    def save(
        after: RunnableConfig | None = None, told: CheckpointMetadata | None = None, **given: Any
    ) -> RunnableConfig:
        checkpoint = empty_checkpoint()
        before = saver.get_tuple(after) if after else None
        versions = dict(before.checkpoint["channel_versions"]) if before else {}
        new: Any = {channel: saver.get_next_version(versions.get(channel)) for channel in given}
        checkpoint["channel_values"] = (before.checkpoint["channel_values"] if before else {}) | given
        checkpoint["channel_versions"] = versions | new
        return saver.put(after or {"configurable": THREAD}, checkpoint, told or {}, new)

    return save


Put = Callable[..., RunnableConfig]


def test_pending_writes_come_in_the_order_of_path_task_and_index(saver: SqlCheckpointer, put: Put) -> None:
    at = put()
    saver.put_writes(at, [("a", "p2 z 0"), ("b", "p2 z 1")], "z", "~2")
    saver.put_writes(at, [("a", "p2 b 0")], "b", "~2")
    saver.put_writes(at, [("b", f"p1 y {number}") for number in range(12)], "y", "~1")
    saver.put_writes(at, [("__interrupt__", "asked"), ("__error__", "failed")], "x", "~1")
    found = saver.get_tuple(at)
    assert found is not None
    assert [(task, value) for task, _, value in found.pending_writes or []] == [
        ("x", "asked"),
        ("x", "failed"),
        *[("y", f"p1 y {number}") for number in range(12)],
        ("b", "p2 b 0"),
        ("z", "p2 z 0"),
        ("z", "p2 z 1"),
    ]


def test_what_a_task_wrote_stands_and_what_it_asks_is_replaced(saver: SqlCheckpointer, put: Put) -> None:
    at = put()
    for text in ("first", "second"):
        saver.put_writes(at, [("a", text)], "task")
        saver.put_writes(at, [("__interrupt__", text)], "task")
    found = saver.get_tuple(at)
    assert found is not None
    assert sorted(found.pending_writes or []) == [("task", "__interrupt__", "second"), ("task", "a", "first")]


def test_lists_are_filtered_and_limited_newest_first(saver: SqlCheckpointer, put: Put) -> None:
    at: RunnableConfig | None = None
    ids: list[str] = []
    for number in range(6):
        at = put(at, {"source": "loop" if number % 2 else "input", "step": number}, n=number)
        ids.insert(0, at["configurable"]["checkpoint_id"])
    place: RunnableConfig = {"configurable": {"thread_id": "t-1"}}

    def listed(**how: Any) -> list[str]:
        return [item.checkpoint["id"] for item in saver.list(place, **how)]

    assert listed() == ids
    assert listed(limit=2) == ids[:2]
    assert listed(limit=0) == []
    assert listed(filter={"source": "loop"}) == ids[::2]
    assert listed(filter={"source": "loop", "step": 3}) == [ids[2]]
    assert listed(filter={"nothing": 1}) == []
    assert listed(before={"configurable": {"checkpoint_id": ids[2]}}, limit=2) == ids[3:5]
    assert [item.checkpoint["id"] for item in saver.list(None)] == ids
    assert list(saver.list({"configurable": {"thread_id": "another"}})) == []
    assert saver.get_tuple({"configurable": {"thread_id": "another"}}) is None


def test_threads_and_namespaces_are_places_of_their_own(saver: SqlCheckpointer) -> None:
    for thread in ("a", "b"):
        for namespace in ("", "inner:1"):
            checkpoint = empty_checkpoint()
            checkpoint["channel_values"] = {"x": [thread, namespace, *LONG]}
            checkpoint["channel_versions"] = {"x": "00000001.0"}
            place: RunnableConfig = {"configurable": {"thread_id": thread, "checkpoint_ns": namespace}}
            saver.put(place, checkpoint, {}, {"x": "00000001.0"})
    for thread in ("a", "b"):
        for namespace in ("", "inner:1"):
            found = saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": namespace}})
            assert found is not None
            assert found.checkpoint["channel_values"] == {"x": [thread, namespace, *LONG]}


# -- what a row may not do ----------------------------------------------------------------------------


class Foreign(BaseModel):
    name: str


def test_a_foreign_class_comes_back_as_plain_data(saver: SqlCheckpointer, put: Put) -> None:
    at = put(alone=Foreign(name="a"), many=[Foreign(name="b"), *LONG])
    found = saver.get_tuple(at)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"alone": {"name": "a"}, "many": [{"name": "b"}, *LONG]}


def test_a_row_imports_and_calls_nothing(saver: SqlCheckpointer, database: Database, put: Put) -> None:
    import ormsgpack

    sys.modules.pop("antigravity", None)
    at = put(x="")
    for module, name, argument in (("os", "getenv", "HOME"), ("antigravity", "geohash", "x")):
        for code in range(6):
            called = ormsgpack.Ext(code, ormsgpack.packb((module, name, argument, "method")))
            typed = ormsgpack.Ext(101, ormsgpack.packb(("msgpack", ormsgpack.packb(called))))
            data = b"p" + ormsgpack.packb({"x": typed})
            database.run(lambda transaction, data=data: transaction.execute(update(channel_values).values(data=data)))
            found = saver.get_tuple(at)
            assert found is not None
            assert found.checkpoint["channel_values"]["x"]["x"] in (argument, None)
    assert "antigravity" not in sys.modules
    pickled = ormsgpack.Ext(101, ormsgpack.packb(("pickle", b"cos\ngetenv\n(S'HOME'\ntR.")))
    data = b"p" + ormsgpack.packb(pickled)
    database.run(lambda transaction: transaction.execute(update(channel_values).values(data=data)))
    with pytest.raises(ConfigError, match="cannot be read"):
        saver.get_tuple(at)


# -- damage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["body", "metadata", "value", "blob", "list", "write"])
def test_a_damaged_row_is_named_and_the_other_checkpoints_stay_readable(
    saver: SqlCheckpointer, database: Database, put: Put, damage: str
) -> None:
    noise = [random.Random(number).randbytes(500) for number in range(3)]
    first = put(small=1, words=LONG, big={"a": noise[0]})
    bad = put(first, small=2, words=[*LONG, "bad" * 200], big={"a": noise[1]})
    saver.put_writes(bad, [("small", 3)], "task")
    last = put(bad, small=4, words=[*LONG, "last" * 100], big={"a": noise[2]})
    bad_id = bad["configurable"]["checkpoint_id"]
    garbage = b"p\xc1\xff"
    of_bad = checkpoints.c.checkpoint_id == bad_id
    found = saver.get_tuple(bad)
    assert found is not None
    version = found.checkpoint["channel_versions"]
    of_value = channel_values.c.version.in_([str(number) for number in version.values()])
    statements: dict[str, Any] = {
        "body": update(checkpoints).where(of_bad).values(body=garbage),
        "metadata": update(checkpoints).where(of_bad).values(metadata=garbage),
        "value": update(channel_values).where(of_value, channel_values.c.channel == "small").values(data=garbage),
        "blob": delete(blobs).where(blobs.c.digest == digest_of(database, of_value)),
        "list": update(channel_values).where(of_value, channel_values.c.channel == "words").values(list_id=1),
        "write": update(checkpoint_writes).values(data=garbage),
    }
    database.run(lambda transaction: transaction.execute(statements[damage]))
    reader = SqlCheckpointer(database)
    with pytest.raises(NexusError) as caught:
        reader.get_tuple(bad)
    assert isinstance(caught.value, ConfigError)
    assert bad_id in caught.value.message
    assert "t-1" in caught.value.message
    assert "earlier" in caught.value.hint
    for config, small in ((first, 1), (last, 4)):
        whole = reader.get_tuple(config)
        assert whole is not None
        assert whole.checkpoint["channel_values"]["small"] == small
    newest = next(iter(reader.list({"configurable": {"thread_id": "t-1"}})))
    assert newest.checkpoint["channel_values"]["words"] == [*LONG, "last" * 100]


def digest_of(database: Database, of_value: Any) -> bytes:
    query = select(channel_values.c.digest).where(of_value, channel_values.c.channel == "big")
    return bytes(database.look(lambda transaction: transaction.execute(query).scalar_one()))


def test_messages_of_another_version_are_made_by_their_constructor(saver: SqlCheckpointer, put: Put) -> None:
    import memory.codec as codec

    before = codec._LAYOUT
    try:
        codec._LAYOUT = b"\x00\x01\x02\x03"
        at = put(messages=[AIMessage(f"{number}" + "x" * 400, id=str(number)) for number in range(3)])
    finally:
        codec._LAYOUT = before
    found = saver.get_tuple(at)
    assert found is not None
    assert [message.id for message in found.checkpoint["channel_values"]["messages"]] == ["0", "1", "2"]
