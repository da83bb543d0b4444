from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph

from memory import open_memory
from memory.encryption import Encrypted, find_key
from nexus_agents.core.errors import ConfigError

pytest.importorskip("cryptography")

CONFIG: Any = {"configurable": {"thread_id": "secret"}}
SECRET = "the treasure lies under the third oak " * 20


class State(TypedDict):
    said: list[str]


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    made = base64.urlsafe_b64encode(os.urandom(32)).decode()
    monkeypatch.setenv("NEXUS_MEMORY_KEY", made)
    return made


def graph(checkpointer: Any) -> Any:
    builder = StateGraph(State)
    builder.add_node("say", lambda state: {"said": [*state["said"], SECRET, "short secret"]})
    builder.add_edge(START, "say")
    builder.add_edge("say", END)
    return builder.compile(checkpointer=checkpointer)


async def written(url: str, *, encrypted: bool = True) -> None:
    async with open_memory(url, encrypted=encrypted) as memory:
        await graph(memory.checkpointer).ainvoke({"said": ["a"]}, CONFIG, durability="sync")


async def read(url: str, *, encrypted: bool = True) -> list[str]:
    async with open_memory(url, encrypted=encrypted) as memory:
        saved = await memory.checkpointer.aget_tuple(CONFIG)
        assert saved is not None
        return saved.checkpoint["channel_values"]["said"]


async def test_nothing_of_a_state_stands_in_the_file(tmp_path: Path, key: str) -> None:
    url = f"sqlite:///{tmp_path / 'sealed.db'}"
    await written(url)
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"treasure" not in everything
    assert b"short secret" not in everything
    assert await read(url) == ["a", SECRET, "short secret"]


async def test_another_key_or_none_is_said_and_nothing_is_lost(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'sealed.db'}"
    await written(url)
    monkeypatch.setenv("NEXUS_MEMORY_KEY", base64.urlsafe_b64encode(os.urandom(32)).decode())
    with pytest.raises(ConfigError, match="another key"):
        await read(url)
    with pytest.raises(ConfigError, match="is encrypted"):
        await read(url, encrypted=False)
    monkeypatch.delenv("NEXUS_MEMORY_KEY")
    with pytest.raises(ConfigError, match="there is no key"):
        await read(url)
    monkeypatch.setenv("NEXUS_MEMORY_KEY", "not base64 at all!")
    with pytest.raises(ConfigError, match=r"base64|bytes"):
        await read(url)
    monkeypatch.setenv("NEXUS_MEMORY_KEY", key)
    assert await read(url) == ["a", SECRET, "short secret"]


async def test_what_was_written_before_is_still_read(tmp_path: Path, key: str) -> None:
    url = f"sqlite:///{tmp_path / 'later.db'}"
    await written(url, encrypted=False)
    assert await read(url) == ["a", SECRET, "short secret"]


def test_equal_values_have_digests_that_only_the_key_makes(key: str) -> None:
    mine = find_key("any")
    assert mine is not None
    one, other = Encrypted(mine), Encrypted(os.urandom(32))
    assert one.digest(b"x") == one.digest(b"x") != other.digest(b"x")
    assert one.seal(b"x") != one.seal(b"x")
