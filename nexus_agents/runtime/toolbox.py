"""The tools of one run: each call checked, approved, written in the ledger, timed and reported."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ValidationError, create_model

from nexus_agents.core.errors import ConsentNeeded, LimitReached, NexusError, ToolInputError
from nexus_agents.core.events import ToolFinished, ToolStarted
from nexus_agents.core.runs import RunError, ToolCall, now
from nexus_agents.core.tool import ToolSource, ToolSpec, told_to_model, tool_spec
from nexus_agents.runtime.approvals import ToolDenied
from nexus_agents.runtime.faults import explain
from nexus_agents.runtime.graphs import task_place

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

    from nexus_agents.core.ports import Ledger, Recorder
    from nexus_agents.core.registry import Registry
    from nexus_agents.runtime.approvals import Approvals
    from nexus_agents.runtime.job import JobMaker

__all__ = ["RunToolbox"]


class RunToolbox:
    """Implements `Toolbox` of core.

    Args:
        registry: Names of tools to dotted paths.
        ledger: Where calls are written down.
        recorder: The run's events.
        approvals: Who may do what.
        make_job: Makes the job of a call.
        run_id: The run.
        log_file: Where tracebacks of tools go.
        rewinds: How often the run was rewound.
        source: Tools that stand in no registry.
    """

    def __init__(
        self,
        registry: Registry,
        ledger: Ledger,
        recorder: Recorder,
        approvals: Approvals,
        make_job: JobMaker,
        run_id: str,
        log_file: Path,
        rewinds: int = 0,
        source: ToolSource | None = None,
    ) -> None:
        self._registry = registry
        self._ledger = ledger
        self._recorder = recorder
        self._approvals = approvals
        self._make_job = make_job
        self._run_id = run_id
        self._log_file = log_file
        self._rewinds = rewinds
        self._turns: dict[str, asyncio.Lock] = {}
        self._source = source

    async def prepare(self, names: Sequence[str]) -> None:
        """Make ready what names of tools stand for: servers of tools are started."""
        if self._source:
            await self._source.prepare(names)

    def spec(self, name: str) -> ToolSpec:
        """Return the declaration of a tool."""
        found = self._source.spec(name) if self._source else None
        return found or tool_spec(self._registry.load(name))

    def bind(self, names: Sequence[str], *, agent: str) -> list[StructuredTool]:
        """Return LangChain tools that call through this toolbox on behalf of an agent."""
        names = self._source.expand(names) if self._source else names
        return [self._langchain_tool(self.spec(name), agent) for name in names]

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, call_id: str, agent: str, part: bool = False
    ) -> BaseModel:
        """Call a tool once: what the ledger has as done is returned and not run again."""
        await self.prepare([name])
        spec = self.spec(name)
        # A lock for each agent lets those who wait through in the order in which they came.
        turn = self._turns.setdefault(agent, asyncio.Lock()) if spec.in_turn else nullcontext()
        async with turn:
            return await self._call(spec, arguments, call_id, agent, part)

    async def _call(
        self, spec: ToolSpec, arguments: Mapping[str, Any], call_id: str, agent: str, part: bool
    ) -> BaseModel:
        name = spec.name
        checked = _check(spec, arguments)
        plain = checked.model_dump(mode="json")
        call_id = await self._named(call_id)
        known = await self._ledger.find(self._run_id, call_id)
        if known and known.status in ("done", "skipped"):
            return _recorded(spec, known)
        allowed = await self._approvals.check(spec, plain, call_id=call_id, agent=agent)
        if allowed is not plain:
            checked = _check(spec, allowed)
            plain = checked.model_dump(mode="json")
        if known and known.status == "started" and not spec.resumable:
            await self._settle_unknown(spec, known)
        call, event = await self._ledger.start(
            ToolCall(run_id=self._run_id, call_id=call_id, tool=name, agent=agent, arguments=plain),
            ToolStarted(
                agent=agent,
                tool=name,
                call_id=call_id,
                arguments=plain,
                attempt=(known.attempts + 1) if known else 1,
            ),
            # What cannot be taken back must be known to have begun even after a power failure.
            durable=not spec.resumable,
        )
        if event is None:
            return _recorded(spec, call)
        self._recorder.show(event)
        return await self._run(spec, checked, call, part)

    async def failure(self, call_id: str) -> RunError | None:
        """Return why a call failed, or None where it did not; a model's call is named by the id that it gave."""
        # The ledger knows such a call by its task too: of several with one id the newest is meant.
        calls = [
            call
            for call in await self._ledger.list(self._run_id)
            if call.call_id == call_id or call.call_id.startswith(f"{call_id}-")
        ]
        return calls[-1].error if calls and calls[-1].status == "failed" else None

    async def artifact(self, path: Path, kind: str, title: str, *, call_id: str, agent: str) -> None:
        """Record a file or folder that a graph made for the user by way of a call."""
        job = self._make_job("graph", await self._named(call_id), agent)
        job.artifact(path, kind, title)
        await job.record_artifacts()

    async def _named(self, call_id: str) -> str:
        return await self._ledger.name(self._run_id, call_id, self._rewinds)

    async def _run(self, spec: ToolSpec, checked: BaseModel, call: ToolCall, part: bool) -> BaseModel:
        job = self._make_job(spec.name, call.call_id, call.agent)
        begun = time.monotonic()
        given = {field: getattr(checked, field) for field in type(checked).model_fields}
        try:
            result = await asyncio.wait_for(spec.function(job, **given), spec.timeout)
            if not part:
                await job.record_artifacts()
        except Exception as error:
            if _is_graph_signal(error):
                # A graph that this tool started waits for a person: the call is not over.
                raise
            fault = self._explain(error, spec)
            await self._finish(call, begun, error=fault)
            if isinstance(fault, ConsentNeeded):
                await self._approvals.consent(fault, spec, call.arguments, call_id=call.call_id, agent=call.agent)
                return await self._call(spec, call.arguments, call.call_id, call.agent, part)
            raise fault from error
        await self._finish(call, begun, result=result)
        return result

    def _explain(self, error: Exception, spec: ToolSpec) -> NexusError:
        if isinstance(error, TimeoutError) and not isinstance(error, NexusError):
            return LimitReached(
                f"{spec.name} took longer than {spec.timeout:g} s and was stopped.", "Ask for less at once."
            )
        return explain(error, log_file=self._log_file, doing=f"calling the tool {spec.name}")

    async def _finish(
        self, call: ToolCall, begun: float, *, result: BaseModel | None = None, error: NexusError | None = None
    ) -> None:
        reason = RunError(message=error.message, hint=error.hint, exit_code=int(error.exit_code)) if error else None
        call.status = "failed" if error else "done"
        call.result = result.model_dump(mode="json") if result is not None else None
        call.error = reason
        call.finished_at = now()
        event = await self._ledger.finish(
            call,
            ToolFinished(
                agent=call.agent,
                tool=call.tool,
                call_id=call.call_id,
                ok=error is None,
                summary=error.message if error else str(getattr(result, "summary", "") or "done"),
                seconds=round(time.monotonic() - begun, 3),
                error=reason,
            ),
        )
        self._recorder.show(event)

    async def _settle_unknown(self, spec: ToolSpec, call: ToolCall) -> None:
        decision = await self._approvals.ask(
            f"{spec.name} was cut off and nobody knows whether it took effect. Run it again?",
            how=f"nexus resume {self._run_id} --unknown again, or done, or skip",
            risk="unknown_outcome",
            tool=spec.name,
            arguments=call.arguments,
            call_id=call.call_id,
            agent=call.agent,
        )
        if decision.outcome == "again":
            return
        call.status = "done" if decision.outcome == "done" else "skipped"
        if call.status == "skipped":
            call.error = RunError(
                message=f"{spec.name} was cut off and is not run again.",
                hint=decision.reason or "Go on without its result.",
            )
        call.finished_at = now()
        told = "a person says that it took effect" if call.status == "done" else "left as it is, as a person said"
        event = await self._ledger.finish(
            call,
            ToolFinished(
                agent=call.agent,
                tool=call.tool,
                call_id=call.call_id,
                ok=call.status == "done",
                summary=told,
                seconds=0,
                error=call.error,
            ),
        )
        self._recorder.show(event)
        _recorded(spec, call)

    def _langchain_tool(self, spec: ToolSpec, agent: str) -> StructuredTool:
        from langchain_core.tools import StructuredTool, ToolException

        async def invoke(tool_call_id: str, **arguments: Any) -> str:
            # Some servers number the calls of each answer from the start: the id alone would be that of an earlier
            # turn, and its result would be taken for this one's.
            call_id = f"{tool_call_id}-{task_place()}"
            try:
                result = await self.call(spec.name, arguments, call_id=call_id, agent=agent)
            except NexusError as error:
                if not _model_can_adapt(error):
                    raise
                raise ToolException(str(error)) from error
            return told_to_model(result)

        return StructuredTool(
            name=spec.name,
            description=spec.description,
            args_schema=_call_schema(spec.arguments),
            coroutine=invoke,
            handle_tool_error=True,
            # LangChain's own words for it name neither the argument nor what is wrong with it.
            handle_validation_error=lambda error: str(_wrong_arguments(spec, error.errors()[0])),
        )


@lru_cache(maxsize=256)
def _call_schema(arguments: type[BaseModel]) -> type[BaseModel]:
    # Pydantic takes about a millisecond to make a model, and an agent is given its tools anew in each of its turns.
    from langchain_core.tools import InjectedToolCallId

    return create_model(
        f"{arguments.__name__}Call",
        __base__=arguments,
        tool_call_id=(Annotated[str, InjectedToolCallId], ...),
    )


def _recorded(spec: ToolSpec, call: ToolCall) -> BaseModel:
    # What the ledger has: the result, or why there is none.
    if call.status == "skipped":
        error = call.error or RunError(message=f"{spec.name} was skipped.")
        raise ToolDenied(error.message, error.hint)
    if call.result is None:
        raise ToolDenied(
            f"{spec.name} took effect, as a person says, but its result is lost.",
            "Do not call it again; look at what it has left, or go on without its result.",
        )
    return spec.result.model_validate(call.result)


def _check(spec: ToolSpec, arguments: Mapping[str, Any]) -> BaseModel:
    try:
        return spec.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        raise _wrong_arguments(spec, error.errors()[0]) from error


def _wrong_arguments(spec: ToolSpec, first: Mapping[str, Any]) -> ToolInputError:
    where = ".".join(str(part) for part in first["loc"])
    return ToolInputError(
        f"{spec.name}: {where or 'arguments'}: {first['msg']}.",
        f"It takes: {', '.join(spec.arguments.model_fields)}.",
    )


def _model_can_adapt(error: NexusError) -> bool:
    # Storage, servers and limits are the run's trouble: a model that is told of them can only waste tokens.
    return int(error.exit_code) in (1, 2)


def _is_graph_signal(error: Exception) -> bool:
    return any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)
