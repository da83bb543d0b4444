"""Values as bytes: they come back as they were, and nothing is rebuilt that may not be."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import ormsgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.checkpoint.serde.jsonplus import EXT_CONSTRUCTOR_SINGLE_ARG

from memory.codec import WORTH_BYTES, Codec, serializer
from nexus_agents.core.work import Plan

MESSAGES: list[BaseMessage] = [
    HumanMessage("é 🎙", id="1", name="me"),
    AIMessage("", tool_calls=[{"name": "t", "args": {"a": [1, None]}, "id": "c"}], response_metadata={"m": {"n": 1}}),
    AIMessage("x", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    AIMessage(
        "x", invalid_tool_calls=[{"name": "t", "args": "{", "id": "c", "error": "no", "type": "invalid_tool_call"}]
    ),
    SystemMessage([{"type": "text", "text": "x"}, "y"], additional_kwargs={"bytes": b"\x00"}),
    ToolMessage("done", tool_call_id="c", artifact={"plan": Plan(title="T", summary="S")}, status="error"),
    RemoveMessage(id="1"),
]

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.binary() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 99), inner),
    max_leaves=20,
)


@pytest.fixture
def codec() -> Codec:
    return Codec(serializer())


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_messages_come_back_as_they_were(codec: Codec, message: BaseMessage) -> None:
    for value in (message, [message], {"deep": [(message, 1)]}):
        found = codec.decode(codec.encode(value))
        expected: Any = {"deep": [[message, 1]]} if isinstance(value, dict) else value
        assert found == expected
    again = codec.decode(codec.encode(message))
    assert type(again) is type(message)
    assert again.model_dump() == message.model_dump()
    assert codec.encode(again) == codec.encode(message)
    assert again.model_copy(update={"id": "new"}).id == "new"


def test_messages_with_more_than_their_fields_come_back_too(codec: Codec) -> None:
    chunk = AIMessageChunk("half", id="c")
    extra = HumanMessage("x", id="1", invented={"a": 1})
    for message in (chunk, extra):
        found = codec.decode(codec.encode(message))
        assert found == message
        assert type(found) is type(message)


def test_many_are_read_as_one_by_one(codec: Codec) -> None:
    mixed = [MESSAGES[number % len(MESSAGES)] for number in range(300)]
    with_others = [*mixed, "text", {"a": 1}, "z" * 5000, AIMessage("long " * 1000)]
    for values in (mixed, with_others):
        parts = [codec.encode(value) for value in values]
        assert codec.decode_many(parts) == [codec.decode(part) for part in parts] == values
    gc.disable()
    try:
        codec.decode_many([codec.encode(message) for message in mixed])
        assert not gc.isenabled(), "who has switched it off finds it off"
    finally:
        gc.enable()
    codec.decode_many([codec.encode(message) for message in mixed])
    assert gc.isenabled()


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(PLAIN)
def test_what_msgpack_knows_comes_back_as_from_the_serializer(value: Any) -> None:
    codec, serde = Codec(serializer()), serializer()
    found = codec.decode(codec.encode(value))
    assert found == serde.loads_typed(serde.dumps_typed(value))
    assert codec.encode(found) == codec.encode(value)


def test_long_values_are_compressed_where_it_pays(codec: Codec) -> None:
    noise, dull = random.Random(1).randbytes(5000), "dull " * 1000
    assert len(codec.encode(noise)) < 5010
    assert len(codec.encode(dull)) < 200
    assert len(codec.encode(AIMessage(dull))) < 500
    short = "a" * (WORTH_BYTES - 100)
    assert len(codec.encode(short)) > len(short)
    assert len(codec.encode(short, worth=10)) < 50
    for value in (noise, dull, short, AIMessage(dull)):
        assert codec.decode(codec.encode(value)) == value


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (print, ("never",))


def test_what_it_does_not_know_is_refused(codec: Codec) -> None:
    for value in (Evil(), [Evil()], {"a": Evil()}, AIMessage("x", additional_kwargs={"e": Evil()}), lambda: None):
        with pytest.raises(TypeError):
            codec.encode(value)


def test_a_checkpoint_imports_and_runs_nothing(codec: Codec, caplog: pytest.LogCaptureFixture) -> None:
    payload = ormsgpack.packb(("shutil", "which", "HOME"))  # no other test's: LangGraph tells of each once
    data = ormsgpack.packb({"x": ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, payload)})
    assert serializer().loads_typed(("msgpack", data)) == {"x": "HOME"}
    typed = ormsgpack.Ext(101, ormsgpack.packb(("msgpack", data)))
    assert codec.decode(b"p" + ormsgpack.packb(typed)) == {"x": "HOME"}
    assert "Blocked" in caplog.text
    with pytest.raises(TypeError):
        serializer().dumps_typed(Evil())


@pytest.mark.parametrize("data", [b"", b"p", b"p\xc1", b"m\x00\x00\x00\x00\x90", b"P\x00\x00", b"M"])
def test_bytes_that_are_none_of_its_own_are_refused(codec: Codec, data: bytes) -> None:
    with pytest.raises(Exception, match=r".*"):
        codec.decode(data)
