"""Both models of a debate read and write one shared context."""

from __future__ import annotations

from pathlib import Path

from nexus_agents import Settings, open_runtime
from nexus_agents.core.config import Config
from nexus_agents.core.events import RunFinished
from nexus_agents.core.facts import USER, Fact


async def test_both_models_of_a_debate_recall_and_remember(home: Path, tmp_path: Path) -> None:
    config = Config(default_model="shared:one", providers={"shared": "shared:create"})
    async with open_runtime(Settings(home, config)) as runtime:
        fact = Fact(namespace=USER, key="database", text="The database is SQLite.", author="a person")
        await runtime.memory.facts.put(fact)
        run = await runtime.start("debate: which database?", graph="debate", workspace=tmp_path / "work")
        events = [event async for event in runtime.stream(run.id)]
        assert isinstance(events[-1], RunFinished)
        assert events[-1].status == "done", events[-1]
        calls = await runtime.memory.ledger.list(run.id)
        debaters = ("shared:one#1", "shared:one#2")
        for debater in debaters:
            (first, *_) = [call for call in calls if call.agent == debater and call.tool == "recall"]
            assert "The database is SQLite." in str(first.result)
        written = [fact for fact in await runtime.memory.facts.list() if fact.run_id == run.id]
        assert {fact.author for fact in written} == set(debaters)
