"""A file that the first version wrote, with LangGraph's own checkpointer, is taken over whole."""

from __future__ import annotations

import operator
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from memory import open_memory
from memory.migrate import migrate
from memory.sqlite import SqliteDatabase

CONFIG: Any = {"configurable": {"thread_id": "old"}}


class State(TypedDict):
    said: Annotated[list[Any], operator.add]


def graph(checkpointer: Any) -> Any:
    async def speak(state: State) -> dict[str, Any]:
        return {"said": [HumanMessage("one", id="1"), {"two": 2}]}

    async def ask(state: State) -> dict[str, Any]:
        return {"said": [interrupt("and now?")]}

    builder = StateGraph(State)
    builder.add_node("speak", speak)
    builder.add_node("ask", ask)
    builder.add_edge(START, "speak")
    builder.add_edge("speak", "ask")
    builder.add_edge("ask", END)
    return builder.compile(checkpointer=checkpointer)


@pytest.fixture
async def old(tmp_path: Path) -> Path:
    """A file of the first revision, in which a graph waits for an answer."""
    path = tmp_path / "old.db"
    path.touch()
    database = SqliteDatabase(path)
    migrate(database, head="0001")
    await database.close()
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await graph(saver).ainvoke({"said": []}, CONFIG, durability="sync")
        assert len([saved async for saved in saver.alist(CONFIG)]) == 3
    return path


async def test_a_graph_that_waited_goes_on(old: Path) -> None:
    async with open_memory(f"sqlite:///{old}") as memory:
        saved = [saved async for saved in memory.checkpointer.alist(CONFIG)]
        assert [save.metadata["step"] for save in saved] == [1, 0, -1]
        state = await graph(memory.checkpointer).aget_state(CONFIG)
        assert [entry.value for entry in state.interrupts] == ["and now?"]
        done = await graph(memory.checkpointer).ainvoke(Command(resume="goodbye"), CONFIG, durability="sync")
    assert done["said"] == [HumanMessage("one", id="1"), {"two": 2}, "goodbye"]


async def test_the_old_tables_are_gone_and_a_copy_of_the_file_is_kept(old: Path) -> None:
    async with open_memory(f"sqlite:///{old}"):
        pass
    with closing(sqlite3.connect(old)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {name for name in tables if "before" in name}
    assert [path.name for path in old.parent.glob("old.db.before-*")] != []
