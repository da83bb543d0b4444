"""Remember, recall and forget: the tools, on a real memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory import open_memory
from memory.embedding import EmbedderSource
from memory.facts import SqlFacts
from nexus_agents.core.errors import InputError, ToolInputError
from nexus_agents.core.facts import USER, project_namespace, run_namespace
from tools.forget import forget
from tools.recall import recall
from tools.remember import remember


class MemoryJob:
    """One call of a tool, with a memory behind it."""

    def __init__(self, facts: SqlFacts, workspace: Path, run_id: str, call_id: str, agent: str) -> None:
        self.facts = facts
        self.workspace = self.project = workspace
        self.run_id = run_id
        self.call_id = call_id
        self.agent = agent

    def by(self, agent: str = "backend", *, run_id: str = "", call_id: str = "c2", workspace: str = "") -> MemoryJob:
        """Another call."""
        place = self.workspace.parent / workspace if workspace else self.workspace
        return MemoryJob(self.facts, place, run_id or self.run_id, call_id, agent)


@pytest.fixture
async def job(tmp_path: Path) -> AsyncIterator[MemoryJob]:
    words_only = EmbedderSource(None, "off")
    async with open_memory(f"sqlite:///{tmp_path / 'n.db'}", checkpoints=False, embedder=words_only) as memory:
        yield MemoryJob(memory.facts, tmp_path / "shop", "run-1", "c1", "planning")


async def test_the_same_call_again_leaves_one_fact(job: MemoryJob) -> None:
    first = await remember(job, "Invoices are numbered from 1000 on.", kind="procedure")
    again = await remember(job, "Invoices are numbered from 1000 on.", kind="procedure")
    assert again == first
    (fact,) = await job.facts.list(history=True)
    assert (fact.author, fact.run_id, fact.source, fact.kind) == ("planning", "run-1", "call c1", "procedure")
    assert fact.namespace == project_namespace(job.workspace)
    assert first.summary == "remembered for this project: Invoices are numbered from 1000 on."


async def test_a_key_replaces_what_was_said_before(job: MemoryJob) -> None:
    await remember(job, "The port is 8000.", key="port", source="README.md")
    second = await remember(job.by("review"), "The port is 9000.", key="port")
    found = await recall(job, "port")
    assert [(one.text, one.author, one.id) for one in found.facts] == [("The port is 9000.", "review", second.id)]
    assert found.searched == "words only"
    assert found.summary == "1 fact recalled"
    assert len(await job.facts.history(project_namespace(job.workspace), "port")) == 2


async def test_who_sees_what(job: MemoryJob) -> None:
    await remember(job, "tea for this run", scope="run")
    await remember(job, "tea for this project", scope="project")
    await remember(job, "tea for this person", scope="user")

    async def seen(at: MemoryJob) -> set[str]:
        return {f"{one.scope}: {one.text}" for one in (await recall(at, "tea")).facts}

    run, project, user = "run: tea for this run", "project: tea for this project", "user: tea for this person"
    assert await seen(job.by("debater#2")) == {run, project, user}
    assert await seen(job.by(run_id="run-2")) == {project, user}
    assert await seen(job.by(run_id="run-2", workspace="other")) == {user}
    only = await recall(job, "tea", scopes=["user"])
    assert [one.scope for one in only.facts] == ["user"]
    assert {run_namespace("run-1"), USER} < {one.namespace for one in await job.facts.list()}


async def test_recall_filters_and_lists(job: MemoryJob) -> None:
    for number in range(12):
        await remember(job, f"fact {number}", kind="episode" if number % 2 else "fact")
    newest = await recall(job, limit=3)
    assert [one.text for one in newest.facts] == ["fact 11", "fact 10", "fact 9"]
    assert [one.kind for one in (await recall(job, "fact", kinds=["episode"], limit=50)).facts] == ["episode"] * 6
    assert (await recall(job, "elephant")).facts == []
    assert (await recall(job, "elephant")).summary == "0 facts recalled"


async def test_forget_only_what_one_sees(job: MemoryJob) -> None:
    made = await remember(job, "The port is 8000.", key="port")
    with pytest.raises(ToolInputError, match=f"no fact {made.id} here"):
        await forget(job.by(workspace="other"), made.id)
    gone = await forget(job, made.id)
    assert gone.summary == f"forgotten: The port is 8000. (nexus memory restore {made.id})"
    assert await forget(job, made.id) == gone, "the same call again"
    assert (await recall(job, "port")).facts == []
    with pytest.raises(ToolInputError):
        await forget(job, 4711)


async def test_secrets_are_refused(job: MemoryJob) -> None:
    with pytest.raises(InputError, match="looks like a password"):
        await remember(job, "The password is hunter2.")
    assert await job.facts.list(history=True) == []
