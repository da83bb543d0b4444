"""Values of a graph's state as bytes: strict msgpack, chat messages by a short path, compressed where it pays."""

from __future__ import annotations

import gc
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import ormsgpack
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel

from nexus_agents.core import runs, voices, work

if TYPE_CHECKING:
    from langgraph.checkpoint.serde.base import SerializerProtocol

__all__ = ["EXACT_MESSAGES", "Codec", "paused_collector", "serializer"]

_PLAIN, _MESSAGE = b"p", b"m"
_PACKED = {_PLAIN: b"P", _MESSAGE: b"M"}
_UNPACKED = {packed: plain for plain, packed in _PACKED.items()}

WORTH_BYTES = 512
"""Shorter values are not compressed: reading them again would take longer than it saves."""

_EXT_MESSAGE, _EXT_TYPED = 100, 101
_OPTIONS = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_UUID
    | ormsgpack.OPT_REPLACE_SURROGATES
)

_CLASSES: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
    "remove": RemoveMessage,
}
_LAYOUT = zlib.crc32(repr({kind: sorted(cls.model_fields) for kind, cls in _CLASSES.items()}).encode()).to_bytes(
    4, "big"
)
"""Which fields messages had when they were written: another version of LangChain may know others."""

_ALL_SET: dict[str, set[str]] = {kind: set(cls.model_fields) for kind, cls in _CLASSES.items()}
_PLAIN_MESSAGE = _MESSAGE + _LAYOUT
_HEAD = len(_PLAIN_MESSAGE)
_MANY = 100
EXACT_MESSAGES: frozenset[type] = frozenset(_CLASSES.values())
"""The classes of messages that are written by the short path."""


# The slots of a pydantic model, past its own `__setattr__`, which checks.
_SET_DICT: Callable[[object, object], None] = vars(BaseModel)["__dict__"].__set__
_SET_FIELDS: Callable[[object, object], None] = vars(BaseModel)["__pydantic_fields_set__"].__set__
_SET_EXTRA: Callable[[object, object], None] = vars(BaseModel)["__pydantic_extra__"].__set__
_SET_PRIVATE: Callable[[object, object], None] = vars(BaseModel)["__pydantic_private__"].__set__


class Codec:
    """Turns values into bytes and back.

    What msgpack itself knows and the messages of LangChain are handled here; anything else goes through the
    serializer of LangGraph, which rebuilds only the types that it was told to trust. The first byte says which.

    Args:
        serde: The serializer of LangGraph.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        self._serde = serde

    def encode(self, value: object, *, worth: int = WORTH_BYTES) -> bytes:
        """Return a value as bytes; equal bytes mean equal values.

        Args:
            value: The value.
            worth: From so many bytes on, compression is tried.

        Raises:
            TypeError: It cannot be kept in a checkpoint.
        """
        if type(value) in EXACT_MESSAGES and _is_plain(cast("BaseMessage", value)):
            fields = ormsgpack.packb(vars(value), default=self._default, option=_OPTIONS)
            return _squeezed(_MESSAGE, _LAYOUT + fields, worth)
        if type(value) is bytearray:
            value = self._default(value)
        return _squeezed(_PLAIN, ormsgpack.packb(value, default=self._default, option=_OPTIONS), worth)

    def decode(self, data: bytes) -> Any:
        """Return the value that bytes were made of."""
        tag, payload = _spread(data)
        return self._message(payload) if tag == _MESSAGE else self._unpack(payload)

    def decode_many(self, parts: Sequence[bytes]) -> list[Any]:
        """Return the values of many pieces of bytes; faster than one after another."""
        if len(parts) < _MANY:
            return [self.decode(part) for part in parts]
        with paused_collector():
            return self._decode_many(parts)

    def _decode_many(self, parts: Sequence[bytes]) -> list[Any]:
        if not all(map(bytes.startswith, parts, repeat(_PLAIN_MESSAGE))):
            spread = [part if part[:1] not in _UNPACKED else b"".join(_spread(part)) for part in parts]
            if not all(map(bytes.startswith, spread, repeat(_PLAIN_MESSAGE))):
                return [self.decode(part) for part in spread]
            parts = spread
        fields = self._unpack(_array_of(len(parts)) + b"".join([part[_HEAD:] for part in parts]))
        return _revived_all(fields)

    def _message(self, payload: bytes) -> BaseMessage:
        fields = self._unpack(payload[len(_LAYOUT) :])
        if payload.startswith(_LAYOUT):
            return _revived(fields)
        # Written by another version of LangChain: the constructor knows what is missing.
        return _CLASSES[fields["type"]](**fields)

    def _unpack(self, payload: bytes) -> Any:
        return ormsgpack.unpackb(payload, ext_hook=self._revive, option=ormsgpack.OPT_NON_STR_KEYS)

    def _default(self, value: object) -> ormsgpack.Ext:
        if type(value) in EXACT_MESSAGES and _is_plain(cast("BaseMessage", value)):
            inner = ormsgpack.packb(vars(value), default=self._default, option=_OPTIONS)
            return ormsgpack.Ext(_EXT_MESSAGE, _LAYOUT + inner)
        kind, data = self._serde.dumps_typed(value)
        return ormsgpack.Ext(_EXT_TYPED, ormsgpack.packb((kind, data)))

    def _revive(self, code: int, data: bytes) -> Any:
        if code == _EXT_MESSAGE:
            return self._message(data)
        kind, inner = ormsgpack.unpackb(data)
        return self._serde.loads_typed((kind, inner))


@contextmanager
def paused_collector() -> Generator[None]:
    """Keep the garbage collector from running while thousands of young objects are made, none of them garbage.

    It would look at all of them, and at all that was there before, several times.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def serializer() -> JsonPlusSerializer:
    """Return a serializer that rebuilds only types known to be harmless, and the products of the core.

    Anything else in a checkpoint comes back as plain data: nothing is imported or run because a file says so.
    """
    products = [
        value
        for module in (runs, voices, work)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    ]
    return JsonPlusSerializer(allowed_msgpack_modules=products)


# -- parts --------------------------------------------------------------------------------------------


def _is_plain(message: BaseMessage) -> bool:
    # Extra fields and private ones are seldom, and left to the serializer of LangGraph.
    return not message.__pydantic_extra__ and not message.__pydantic_private__


def _revived(fields: dict[str, Any]) -> BaseMessage:
    return _revived_all([fields])[0]


def _revived_all(fields: list[dict[str, Any]]) -> list[BaseMessage]:
    # The fields were checked when the messages were made; to check 10,000 of them again takes 100 ms. Each pass here
    # runs at the speed of C.
    classes = map(_CLASSES.__getitem__, map(itemgetter("type"), fields))
    messages = list(map(object.__new__, classes))
    passes: tuple[tuple[Callable[[object, object], None], Iterable[object]], ...] = (
        (_SET_DICT, fields),
        # All fields are set in all of them: one set will do.
        (_SET_FIELDS, map(_ALL_SET.__getitem__, map(itemgetter("type"), fields))),
        (_SET_EXTRA, map(dict, repeat(()))),
        (_SET_PRIVATE, repeat(None)),
    )
    for setter, values in passes:
        deque(map(setter, messages, values), maxlen=0)
    return messages


def _squeezed(tag: bytes, payload: bytes, worth: int) -> bytes:
    if len(payload) >= worth:
        packed = zlib.compress(payload, 1)
        if len(packed) < len(payload) * 0.9:
            return _PACKED[tag] + packed
    return tag + payload


def _spread(data: bytes) -> tuple[bytes, bytes]:
    tag, payload = data[:1], data[1:]
    plain = _UNPACKED.get(tag)
    return (plain, zlib.decompress(payload)) if plain else (tag, payload)


def _array_of(length: int) -> bytes:
    # https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family
    return b"\xdd" + length.to_bytes(4, "big")
