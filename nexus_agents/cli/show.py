"""`nexus show`: one run, its events, its ledger and what it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json, RunId
from nexus_agents.cli.render import duration, plain, size, telling
from nexus_agents.core.budget import Limits
from nexus_agents.core.errors import InputError
from nexus_agents.runtime.questions import open_questions
from nexus_agents.runtime.tally import budget_lines, spent_text, tally_of

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.history import ChannelChange
    from nexus_agents.core.runs import Artifact, Run, ToolCall
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["show"]

LONGEST = 2000
"""Characters of a value that are shown; --json has all of it."""

Found = tuple["Run", "list[AnyEvent]", "list[ToolCall]", "list[Artifact]", Limits]


def show(
    run_id: RunId,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="STEP", help="Show the state at a step instead; see: nexus history RUN"),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None, typer.Option("--diff", metavar="A B", help="Show what changed from step A to step B.")
    ] = None,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show a run: how it stands, its events, its tool calls and its artifacts."""
    if at and diff:
        raise InputError("A step and a difference cannot be shown at once.", "Give --at STEP, or --diff A B.")
    if at:
        _show_state(run_id, at, as_json, config)
        return
    if diff:
        _show_changes(run_id, diff, as_json, config)
        return

    async def read(runtime: Runtime) -> Found:
        run = await runtime.memory.runs.get(run_id)
        if run is None:
            raise InputError(f"There is no run {run_id}.", "See the runs with: nexus runs")
        memory = runtime.memory
        return (
            run,
            await memory.events.read(run.id),
            await memory.ledger.list(run.id),
            await memory.artifacts.list(run.id),
            run.budget.over(runtime.settings.config.budget),
        )

    run, events, ledger, artifacts, limits = look(read, config)
    if as_json:
        whole: dict[str, Any] = {
            "run": run.model_dump(mode="json"),
            "events": [event.model_dump(mode="json") for event in events],
            "ledger": [call.model_dump(mode="json") for call in ledger],
            "artifacts": [artifact.model_dump(mode="json") for artifact in artifacts],
            "spent": tally_of(events).spent.model_dump(mode="json"),
            "limits": limits.model_dump(mode="json"),
        }
        typer.echo(json.dumps(whole, ensure_ascii=False))
        return
    _print(run, events, ledger, artifacts, limits)


def _show_state(run_id: str, at: str, as_json: bool, config: Path | None) -> None:
    from nexus_agents.core.history import short_text

    async def read(runtime: Runtime) -> dict[str, Any]:
        (step,) = await runtime.steps(run_id, at)
        return await runtime.memory.history.state(step)

    state = look(read, config)
    if as_json:
        typer.echo(json.dumps(state, ensure_ascii=False))
        return
    for channel, value in sorted(state.items()):
        elements = _elements(value)
        says = f"{len(elements)} elements" if elements else short_text(value, LONGEST)
        typer.echo(plain(f"{channel}: {says}"))
        for element in elements:
            typer.echo(plain(f"  {short_text(element)}"))


def _elements(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _show_changes(run_id: str, between: tuple[str, str], as_json: bool, config: Path | None) -> None:
    async def read(runtime: Runtime) -> list[ChannelChange]:
        before, after = await runtime.steps(run_id, *between)
        return await runtime.memory.history.changes(before, after)

    changes = look(read, config)
    if as_json:
        for change in changes:
            typer.echo(change.model_dump_json())
        return
    if not changes:
        typer.echo("Nothing changed.", err=True)
    for change in changes:
        typer.echo(plain(f"{change.channel} ({change.kind}): {change.says}"))
        for line in [*change.elements, *change.diff.splitlines()]:
            typer.echo(plain(f"  {line}"))


def _print(run: Run, events: list[AnyEvent], ledger: list[ToolCall], artifacts: list[Artifact], limits: Limits) -> None:
    from rich.console import Console

    out = Console(highlight=False, soft_wrap=True)

    def say(line: str, style: str | None = None) -> None:
        out.print(plain(line), style=style, markup=False)

    say(f"{run.id}  {run.status}  {run.request}", "bold")
    say(f"graph {run.graph}, thread {run.thread_id}, workspace {run.workspace}")
    spent = tally_of(events).spent
    if used := spent_text(spent):
        say(f"used {used}")
    if left := budget_lines(spent, limits):
        say(f"budget: {', '.join(left)}")
    if run.error:
        say(f"{run.error.message}\n{run.error.hint}", "red")
    asked = open_questions(events) if run.status == "waiting" else []
    if asked:
        say("\nQuestions", "bold")
    for question in asked:
        say(f"{question.approval_id}  {question.question} ({question.risk})", "yellow")
        say(f"  {question.kind or question.tool}  {json.dumps(question.arguments, ensure_ascii=False)[:LONGEST]}")
    say("\nEvents", "bold")
    for event in events:
        line = telling(event)
        if line:
            say(f"{event.seq:4d}  {line[1]}", line[0])
    say("\nLedger", "bold")
    for call in ledger:
        took = duration((call.finished_at - call.started_at).total_seconds()) if call.finished_at else "not finished"
        attempts = f", attempt {call.attempts}" if call.attempts > 1 else ""
        say(f"{call.status:8} {call.tool} by {call.agent} ({took}{attempts})  {call.call_id}")
    say("\nArtifacts", "bold")
    for artifact in artifacts:
        say(f"{artifact.kind:10} {size(artifact.bytes):>9}  {artifact.path}")
