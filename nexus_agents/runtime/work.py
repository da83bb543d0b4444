"""One run at work: its graph, its stream, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nexus_agents.core.config import ROLES
from nexus_agents.core.errors import ExitCode, NexusError
from nexus_agents.core.events import ApprovalAsked, RunFinished
from nexus_agents.core.runs import Outcome, RunError
from nexus_agents.models.source import Models
from nexus_agents.runtime.approvals import answer_to
from nexus_agents.runtime.graphs import CompiledGraph, compile_graph, graph_registry
from nexus_agents.runtime.meter import check_prices
from nexus_agents.runtime.questions import commands_for

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.approvals import Decision
    from nexus_agents.runtime.kit import RunKit
    from nexus_agents.runtime.wiring import House

__all__ = ["Worker"]

STEPS = 2400
"""Supersteps of one graph; each nested graph counts its own. What ends a run earlier is its budget."""


class Worker:
    """Works one run that this process has taken.

    Args:
        house: What wiring put together.
        run: The run, as it was when it was taken.
        show: Called with each event, in order.
    """

    def __init__(self, house: House, run: Run, show: Callable[[AnyEvent], None]) -> None:
        self._house = house
        self._memory = house.memory.held(run.id, run.fence)
        self._run = run
        self._show = show
        self._data: dict[str, Any] = {}

    @staticmethod
    def check(house: House, run: Run) -> None:
        """Refuse a run that cannot begin, before anything is written.

        Raises:
            ConfigError: There is no such graph or model.
        """
        if run.graph not in house.builders:
            graph_registry(house.settings.config).path(run.graph)
        config = house.settings.config
        models = Models(config, override=run.model, origin=Path(run.origin))
        budget = run.budget.over(config.budget)
        agents = dict.fromkeys((*ROLES, *config.agents))
        # Whoever takes part in a debate is named by its inputs, or by agents.yaml.
        debate = config.graphs.debate
        seats = (run.inputs.get("models") or debate.debaters, run.inputs.get("judge") or debate.judge)
        named = [*seats[0], *filter(None, seats[1:])] if run.graph == "debate" else []
        debaters = dict.fromkeys(name.partition("#")[0] for name in named)
        for name in debaters:
            models.check(models.describe("debater", name=name))
        players = [*((agent, None) for agent in agents), *(("debater", name) for name in debaters)]
        check_prices(config, budget, models, players)

    @property
    def model(self) -> tuple[str, str]:
        """The model that leads this run, and why."""
        models = Models(self._house.settings.config, override=self._run.model, origin=Path(self._run.origin))
        return models.describe("assistant"), models.reason("assistant")

    async def emit(self, event: AnyEvent) -> None:
        """Persist an event and show it."""
        self._show(await self._memory.events.append(self._run.id, event))

    async def work(self, answers: Mapping[str, Decision]) -> RunFinished:
        """Run the graph until it ends or has to wait; background processes of the run end with that."""
        from nexus_agents.runtime.tracing import spare_threads

        spare_threads()
        kit = self._house.kit(self._run, self._show)
        try:
            return await self._graph(kit, answers)
        finally:
            await kit.processes.end()

    async def _graph(self, kit: RunKit, answers: Mapping[str, Decision]) -> RunFinished:
        from nexus_agents.runtime.chunks import Chunks

        build = self._house.builders.get(self._run.graph) or graph_registry(kit.config).load(self._run.graph)
        graph = compile_graph(build, kit, self._memory.checkpointer, self._memory.store)
        config = {
            "configurable": {"thread_id": self._run.thread_id},
            "metadata": {"nexus_run": self._run.id},
            "recursion_limit": STEPS,
        }
        begin = await self._input(graph, config, answers)
        spoken = {**config, "callbacks": [Chunks(self._show, self._run.graph)]}
        # What happens is told by whoever does it: of LangGraph's own stream nothing is asked for.
        async for _ in graph.astream(begin, spoken, stream_mode=[], durability="sync"):
            pass
        return await self._ending(graph, config)

    async def settle(self, finished: RunFinished) -> None:
        """Write how the run stands; where even that fails, show it all the same."""
        try:
            written = await self._memory.runs.settle(
                self._run.id,
                self._run.fence,
                finished.status,
                result={"summary": finished.summary, "next": finished.next, "data": self._data},
                error=finished.error,
                event=finished,
            )
            if not isinstance(written, bool):
                self._show(written)
                return
        except NexusError as error:
            if finished.error is None:
                reason = RunError(message=error.message, hint=error.hint, exit_code=int(error.exit_code))
                finished = finished.model_copy(update={"status": "interrupted", "error": reason})
        self._show(finished)

    async def _input(self, graph: CompiledGraph, config: Mapping[str, Any], answers: Mapping[str, Decision]) -> Any:
        from langgraph.types import Command

        asked = {entry.id: entry.value for entry in (await graph.aget_state(config)).interrupts} if answers else {}
        # An answer to a question that is not open any more says nothing about the one that is.
        if given := {key: answer_to(asked[key], answer) for key, answer in answers.items() if key in asked}:
            return Command(resume=given)
        saved = await self._memory.checkpointer.aget_tuple(cast("Any", config))
        # On a thread that goes on, the newest checkpoint may still be the one of the run before.
        begun = saved is not None and cast("dict[str, Any]", saved.metadata).get("nexus_run") == self._run.id
        return None if begun else {"request": self._run.request, **self._run.inputs}

    async def _ending(self, graph: CompiledGraph, config: Mapping[str, Any]) -> RunFinished:
        state = await graph.aget_state(config)
        if state.interrupts:
            return await self._waiting(state.interrupts)
        outcome = Outcome.model_validate(state.values["result"])
        self._data = outcome.data
        return RunFinished(
            run_id=self._run.id,
            status=outcome.status,
            summary=outcome.summary,
            next=outcome.next,
            error=outcome.error,
        )

    async def _waiting(self, interrupts: tuple[Any, ...]) -> RunFinished:
        asked = [ApprovalAsked(approval_id=entry.id, **entry.value) for entry in interrupts]
        for question in asked:
            await self.emit(question)
        first = asked[0]
        error = RunError(message=first.question, hint=first.how, exit_code=int(ExitCode.PERSON))
        return RunFinished(run_id=self._run.id, status="waiting", next=commands_for(self._run.id, asked), error=error)
