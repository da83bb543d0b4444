"""What is known of a conversation that grows by a few messages a step, without looking through all of it each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Generic, TypeVar

from langchain_core.messages import BaseMessage

__all__ = ["Folded"]

T = TypeVar("T")


class Folded(Generic[T]):
    """A value that each message of a conversation adds to: a left fold that goes on where it was.

    That the conversation is the same one and only longer is checked by the identity of every message, which takes some
    30 ns each; where it is another one, all of it is looked at again.

    Args:
        empty: Makes the value of a conversation without messages.
        add: Given the value so far, the place of the next message, and the message; returns the value with it.
    """

    def __init__(self, empty: Callable[[], T], add: Callable[[T, int, BaseMessage], T]) -> None:
        self._empty = empty
        self._add = add
        self._known: list[BaseMessage] = []
        self._value = empty()

    def of(self, messages: Sequence[BaseMessage]) -> T:
        """Return the value of a conversation."""
        known = len(self._known)
        if known > len(messages) or not all(map(is_, self._known, messages)):
            known, self._value = 0, self._empty()
        for place in range(known, len(messages)):
            self._value = self._add(self._value, place, messages[place])
        self._known = list(messages)
        return self._value
