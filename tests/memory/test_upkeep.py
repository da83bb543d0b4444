"""Copies, deletions and what they leave behind: what nothing refers to is freed, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointMetadata, empty_checkpoint
from sqlalchemy import Table, func, select

from memory.checkpoint_rows import Reader
from memory.checkpoints import SqlCheckpointer
from memory.codec import Codec, serializer
from memory.database import Database, Transaction
from memory.sealing import Open
from memory.tables import blobs, channel_values, checkpoint_writes, checkpoints, list_items, lists
from memory.upkeep import Freed, collect

TABLES = (checkpoints, checkpoint_writes, channel_values, lists, list_items, blobs)
LARGE = {"noise": random.Random(0).randbytes(1000)}
NOTHING = Freed(values=0, lists=0, blobs=0, bytes=0)


class Talk:
    """A thread whose list of messages grows by one a step, with a large value that never changes."""

    def __init__(self, saver: SqlCheckpointer, thread: str, namespace: str = "") -> None:
        self.saver, self.thread = saver, thread
        self.config: RunnableConfig = {"configurable": {"thread_id": thread, "checkpoint_ns": namespace}}
        self.dice = random.Random(thread)
        self.said: list[Any] = []
        self.versions: dict[str, Any] = {}

    def go_on(self, steps: int, told: CheckpointMetadata | None = None) -> RunnableConfig:
        for _ in range(steps):
            said = AIMessage(self.dice.randbytes(200).hex(), id=self.dice.randbytes(8).hex())
            if "checkpoint_id" in self.config["configurable"]:
                self.saver.put_writes(self.config, [("messages", [said])], f"task of {self.thread}", "~1")
            self.said = [*self.said, said]
            new = {"messages": self.saver.get_next_version(self.versions.get("messages"))}
            if "large" not in self.versions:
                new["large"] = self.saver.get_next_version(None)
            self.versions |= new
            checkpoint = empty_checkpoint()
            checkpoint["channel_values"] = {"messages": self.said, "large": LARGE}
            checkpoint["channel_versions"] = dict(self.versions)
            self.config = self.saver.put(self.config, checkpoint, told or {}, new)
        return self.config

    def fork(self, at: RunnableConfig) -> Talk:
        found = self.saver.get_tuple(at)
        assert found is not None
        branch = Talk(self.saver, "fork")
        branch.config, branch.versions = at, dict(found.checkpoint["channel_versions"])
        branch.said = found.checkpoint["channel_values"]["messages"]
        return branch


def free(database: Database) -> Freed:
    return database.run(lambda transaction: collect(reader(transaction)))


def reader(transaction: Transaction) -> Reader:
    return Reader(transaction, Codec(serializer()), Open())


def rows(database: Database) -> dict[str, int]:
    def count(transaction: Transaction, table: Table) -> int:
        return int(transaction.execute(select(func.count()).select_from(table)).scalar_one())

    return database.look(lambda transaction: {table.name: count(transaction, table) for table in TABLES})


def states(database: Database, *threads: str) -> list[Any]:
    saver = SqlCheckpointer(database)
    return [item for thread in threads for item in saver.list({"configurable": {"thread_id": thread}})]


def test_nothing_is_freed_of_what_is_used(saver: SqlCheckpointer, database: Database) -> None:
    talk = Talk(saver, "a")
    talk.go_on(10)
    middle = talk.config
    talk.go_on(10)
    talk.fork(middle).go_on(5)
    Talk(saver, "a", "inner:1").go_on(3)
    before, counts = states(database, "a"), rows(database)
    assert free(database) == NOTHING
    assert states(database, "a") == before
    assert rows(database) == counts
    talk.go_on(1)
    after = states(database, "a")
    assert [item.checkpoint for item in after if item.config != talk.config] == [item.checkpoint for item in before]


def test_all_is_freed_of_a_thread_that_is_gone(saver: SqlCheckpointer, database: Database) -> None:
    Talk(saver, "a").go_on(20)
    kept = Talk(saver, "b")
    kept.go_on(5)
    before, counts = states(database, "b"), rows(database)
    assert rows(database)["blobs"] == 26, "one is the same for both"
    saver.delete_thread("a")
    freed = free(database)
    assert freed.blobs == 20
    assert freed.lists >= 1
    assert freed.bytes > 20 * 200
    assert rows(database)["blobs"] == 6
    assert states(database, "b") == before
    kept.go_on(5)
    saver.delete_thread("b")
    free(database)
    assert set(rows(database).values()) == {0}
    assert counts["checkpoints"] == 25


def test_a_fork_keeps_the_part_of_the_list_that_it_rests_on(saver: SqlCheckpointer, database: Database) -> None:
    talk = Talk(saver, "a")
    middle = talk.go_on(15)
    talk.go_on(15)
    branch = talk.fork(middle)
    saver.copy_thread("a", "b")
    end = branch.go_on(5)
    kept = saver.get_tuple(end)
    # All of the thread goes but for the newest, which is the branch; the copy goes too.
    saver.prune(["a"])
    saver.delete_thread("b")
    assert free(database).lists > 0
    fresh = SqlCheckpointer(database).get_tuple(end)
    assert fresh is not None
    assert kept is not None
    assert fresh.checkpoint == kept.checkpoint
    assert len(fresh.checkpoint["channel_values"]["messages"]) == 20
    assert free(database) == NOTHING
    branch.go_on(3)
    again = SqlCheckpointer(database).get_tuple(branch.config)
    assert again is not None
    assert again.checkpoint["channel_values"]["messages"] == branch.said


def test_a_copy_shares_all_and_outlives_what_it_was_copied_from(saver: SqlCheckpointer, database: Database) -> None:
    talk = Talk(saver, "a")
    talk.go_on(10)
    before, counts = states(database, "a"), rows(database)
    saver.copy_thread("a", "b")
    copied = rows(database)
    assert [copied[name] for name in ("lists", "list_items", "blobs")] == [
        counts[name] for name in ("lists", "list_items", "blobs")
    ]
    saver.delete_thread("a")
    free(database)
    assert [item.checkpoint for item in states(database, "b")] == [item.checkpoint for item in before]
    assert [item.pending_writes for item in states(database, "b")] == [item.pending_writes for item in before]
    assert all(item.config["configurable"]["thread_id"] == "b" for item in states(database, "b"))


def test_a_writer_whose_thread_was_deleted_meanwhile_writes_all_anew(
    saver: SqlCheckpointer, database: Database
) -> None:
    talk = Talk(saver, "a")
    talk.go_on(10)
    elsewhere = SqlCheckpointer(database)
    elsewhere.delete_thread("a")
    free(database)
    assert set(rows(database).values()) == {0}
    talk.versions.pop("large")
    talk.go_on(1)
    found = SqlCheckpointer(database).get_tuple(talk.config)
    assert found is not None
    assert found.checkpoint["channel_values"]["messages"] == talk.said


def test_pruning_keeps_the_newest_of_each_namespace(saver: SqlCheckpointer, database: Database) -> None:
    outer, inner, other = Talk(saver, "a"), Talk(saver, "a", "inner:1"), Talk(saver, "b")
    for talk in (outer, inner, other):
        talk.go_on(6)
    saver.prune(["a"])
    assert {item.config["configurable"]["checkpoint_id"] for item in states(database, "a")} == {
        talk.config["configurable"]["checkpoint_id"] for talk in (outer, inner)
    }
    assert len(states(database, "b")) == 6
    for talk in (outer, inner):
        found = SqlCheckpointer(database).get_tuple(talk.config)
        assert found is not None
        assert found.checkpoint["channel_values"]["messages"] == talk.said
    saver.prune(["a", "b"], strategy="delete")
    assert states(database, "a", "b") == []
    with pytest.raises(ValueError, match="keep_latest or delete"):
        saver.prune(["a"], strategy="burn")


def test_checkpoints_of_runs_are_deleted_with_their_writes(saver: SqlCheckpointer, database: Database) -> None:
    talk = Talk(saver, "a")
    talk.go_on(5, {"run_id": "first"})
    talk.go_on(3, {"run_id": "second"})
    talk.go_on(2, {"run_id": "third"})
    saver.delete_for_runs(["first", "third", "nothing"])
    assert [item.metadata["run_id"] for item in states(database, "a")] == ["second"] * 3
    assert rows(database)["checkpoint_writes"] == 3
    free(database)
    assert len(states(database, "a")[0].checkpoint["channel_values"]["messages"]) == 8
    assert states(database, "a")[0].checkpoint["channel_values"]["large"] == LARGE
