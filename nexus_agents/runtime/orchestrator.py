"""Workflows of agents that a program puts together: parallel steps, retries, shared context, resume."""

from __future__ import annotations

import asyncio
import threading
from collections import ChainMap
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel

from nexus_agents.agents.roster import Roster
from nexus_agents.core.errors import ExitCode, NexusError
from nexus_agents.core.events import RunFinished
from nexus_agents.core.workflow import Step
from nexus_agents.runtime.runtime import Runtime, open_runtime
from nexus_agents.runtime.settings import Settings, load_settings
from nexus_agents.runtime.workflow import build_workflow
from nexus_agents.runtime.workflow_check import check_workflow

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

    from nexus_agents.core.config import Config
    from nexus_agents.core.ports import Kit
    from nexus_agents.core.tool import Risk

__all__ = ["AgentOrchestrator", "WorkflowFailed", "WorkflowResult"]

T = TypeVar("T")


class WorkflowResult(BaseModel):
    """What a workflow made.

    Attributes:
        run_id: The run, for `nexus show`.
        results: The answer of each step by its id.
        seconds: How long this process worked on it.
    """

    run_id: str
    results: dict[str, Any]
    seconds: float


class WorkflowFailed(NexusError):
    """A step failed; the finished ones are kept and `resume(run_id)` goes on from there."""

    def __init__(self, message: str, hint: str, *, run_id: str, exit_code: ExitCode) -> None:
        super().__init__(message, hint)
        self.run_id = run_id
        self.exit_code = exit_code


class AgentOrchestrator:
    """Runs workflows of registered agents, each as one durable run.

    The agents of Nexus (`planning`, `backend`, ...) and those of agents.yaml need not be registered.

    Args:
        settings: Folders and agents.yaml; found as the `nexus` command does by default.
        workspace: The folder that agents with tools work in; a new one for each run by default.
        approved: Risk classes of tools that need no question.

    Example:
        >>> orchestrator = AgentOrchestrator()
        >>> orchestrator.register_agent("greet", lambda action, context: f"Hello, {context['name']}!")
        >>> workflow = {"steps": [{"agent": "greet", "action": "say hello"}]}
        >>> orchestrator.execute_workflow(workflow, initial_context={"name": "Ada"}).results
        {'greet': 'Hello, Ada!'}
    """

    def __init__(
        self, settings: Settings | None = None, *, workspace: Path | None = None, approved: tuple[Risk, ...] = ()
    ) -> None:
        self._settings = settings
        self._workspace = workspace
        self._approved = approved
        self._agents: dict[str, object] = {}

    def register_agent(self, name: str, agent: object) -> None:
        """Register an agent of Nexus, or any callable `(action, context)`, plain or async.

        Raises:
            TypeError: It is neither.
        """
        from nexus_agents.agents.base import Agent

        if not isinstance(agent, Agent) and not callable(agent):
            raise TypeError(f"{agent!r} is neither an Agent nor callable with (action, context).")
        self._agents[name] = agent

    def execute_workflow(
        self, workflow: Mapping[str, Any], initial_context: Mapping[str, Any] | None = None
    ) -> WorkflowResult:
        """Run a workflow to its end.

        Args:
            workflow: `{"steps": [{"agent", "action", "id"?, "depends_on"?, "retry"?}]}`.
            initial_context: Values that all steps see.

        Raises:
            ConfigError: The workflow cannot run (unknown agent, cycle, missing context); nothing was started.
            WorkflowFailed: A step failed.
        """
        return _wait(self.aexecute_workflow(workflow, initial_context))

    async def aexecute_workflow(
        self, workflow: Mapping[str, Any], initial_context: Mapping[str, Any] | None = None
    ) -> WorkflowResult:
        """Run a workflow to its end, from async code; see `execute_workflow`."""
        context = dict(initial_context or {})
        settings = self._settings or load_settings()
        steps = check_workflow(workflow, self._team(settings.config), context)
        async with open_runtime(settings, builders={"workflow": self._build}) as runtime:
            run = await runtime.start(
                f"workflow of {len(steps)} steps: {', '.join(step.id for step in steps)}",
                graph="workflow",
                inputs={"context": context, "steps": [step.model_dump(mode="json") for step in steps]},
                workspace=self._workspace,
                approved=self._approved,
            )
            return await self._work(runtime, run.id)

    def resume(self, run_id: str) -> WorkflowResult:
        """Go on with a workflow that failed or was cut off; register the same agents first.

        Raises:
            ConfigError: An agent that it needs is not registered.
            WorkflowFailed: A step failed again.
        """
        return _wait(self.aresume(run_id))

    async def aresume(self, run_id: str) -> WorkflowResult:
        """Go on with a workflow, from async code; see `resume`."""
        async with open_runtime(self._settings or load_settings(), builders={"workflow": self._build}) as runtime:
            run = await runtime.unfinished(run_id)
            if run is not None:
                inputs = run.inputs
                check_workflow(inputs, self._team(runtime.settings.config), inputs.get("context", {}))
            return await self._work(runtime, run.id if run else run_id)

    async def _work(self, runtime: Runtime, run_id: str) -> WorkflowResult:
        finished = RunFinished(run_id=run_id, status="interrupted")
        async for event in runtime.stream(run_id, approved=self._approved):
            if isinstance(event, RunFinished):
                finished = event
        if finished.status != "done":
            error = finished.error
            raise WorkflowFailed(
                error.message if error else f"The workflow is {finished.status}.",
                f"Go on with: resume({run_id!r}). {error.hint if error else ''}".strip(),
                run_id=run_id,
                exit_code=ExitCode(error.exit_code) if error else ExitCode.FAILED,
            )
        run = await runtime.memory.runs.get(run_id)
        data = cast("dict[str, Any]", ((run.result if run else None) or {}).get("data", {}))
        results = cast("dict[str, Any]", data.get("results", {}))
        return WorkflowResult(run_id=run_id, results=results, seconds=finished.seconds)

    def _build(self, kit: Kit) -> StateGraph[Any]:
        steps = [Step.model_validate(raw) for raw in kit.run.inputs["steps"]]
        return build_workflow(steps, self._team(kit.config), kit)

    def _team(self, config: Config) -> Mapping[str, object]:
        # What a program registers comes before the agents of Nexus and of agents.yaml.
        return ChainMap(self._agents, cast("dict[str, object]", Roster(config)))


def _wait(work: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # Called from async code (a notebook, say): the loop there is busy with this very call.
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="workflow")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
