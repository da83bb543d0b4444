"""`nexus history`, `nexus fork`, `nexus rewind`, `nexus replay`: what a run did, and going on from an earlier step."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.drive import drive
from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json, Plain, RunId, Unsafe, Yes
from nexus_agents.cli.render import Narration, plain, print_json
from nexus_agents.core.errors import InputError

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.history import CheckpointInfo, RunBranch
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["fork", "history", "replay", "rewind"]

LONGEST_PAUSE = 5.0
"""Seconds that a replay waits at most between two events."""

At = Annotated[str, typer.Option("--at", metavar="STEP", help="A step: its number, or the end of its checkpoint's id.")]


def history(
    run_id: RunId,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000, help="How many, the newest.")] = 200,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the steps of a run, and the runs that branched off."""

    async def read(runtime: Runtime) -> tuple[list[CheckpointInfo], list[RunBranch]]:
        steps = await runtime.history(run_id)
        run = await runtime.memory.runs.get(run_id)
        return steps, await runtime.memory.history.branches(run.id if run else run_id)

    steps, branches = look(read, config)
    if as_json:
        for step in steps[-limit:]:
            forks = [branch.run_id for branch in branches if branch.checkpoint_id == step.checkpoint_id]
            typer.echo(json.dumps(step.model_dump(mode="json") | {"forks": forks}, ensure_ascii=False))
        return
    if not steps:
        typer.echo(f"Run {run_id} has no steps yet.", err=True)
        return
    _print(steps[-limit:], branches, left_out=max(0, len(steps) - limit))


def fork(
    run_id: RunId,
    at: At,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", metavar="DIR", help="The folder to work in; by default a copy of the run's."),
    ] = None,
    request: Annotated[
        str | None, typer.Option("--request", "-r", metavar="TEXT", help="Ask for something else from there on.")
    ] = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Only make the run; nexus resume goes on with it.")] = False,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    unsafe: Unsafe = False,
    config: ConfigFile = None,
) -> int:
    """Make a new run that goes on from a step of another one, which stays as it is."""

    async def begin(runtime: Runtime) -> Run:
        run = await runtime.fork(run_id, at, workspace=workspace, request=request)
        for event in await runtime.replay(run.id):
            show(event)
        return run

    show = print_json if as_json else Narration(plain).show
    if not no_run:
        return drive(begin, as_json=as_json, plain=plain, yes=yes, unsafe=unsafe, config=config)
    made = look(begin, config)
    if not as_json:
        typer.echo(made.id)
        typer.echo(f"Go on with: nexus resume {made.id}", err=True)
    return 0


def rewind(run_id: RunId, at: At, as_json: Json = False, config: ConfigFile = None) -> None:
    """Let a run go on from an earlier step of its own; what came after stays in its history."""

    async def change(runtime: Runtime) -> tuple[Run, AnyEvent]:
        run = await runtime.rewind(run_id, at)
        return run, (await runtime.replay(run.id))[-1]

    run, event = look(change, config)
    if as_json:
        print_json(event)
        return
    Narration().show(event)
    typer.echo(f"Go on with: nexus resume {run.id}", err=True)


def replay(
    run_id: RunId,
    speed: Annotated[
        float, typer.Option("--speed", min=0, max=1000, help="As fast as it was at 1, twice at 2; at once at 0.")
    ] = 0.0,
    as_json: Json = False,
    plain: Plain = False,
    config: ConfigFile = None,
) -> None:
    """Show again what a run showed; nothing is run."""

    async def read(runtime: Runtime) -> list[AnyEvent]:
        return await runtime.replay(run_id)

    events = look(read, config)
    if not events:
        raise InputError(f"Run {run_id} has shown nothing yet.", f"Let it begin first: nexus resume {run_id}")
    show = print_json if as_json else Narration(plain).show
    for event, before in zip(events, [None, *events], strict=False):
        if speed and before is not None:
            time.sleep(min(LONGEST_PAUSE, max(0.0, (event.at - before.at).total_seconds() / speed)))
        show(event)


def _print(steps: list[CheckpointInfo], branches: list[RunBranch], *, left_out: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("step", "when", "node", "changed", "checkpoint"):
        table.add_column(title, no_wrap=title != "changed", justify="right" if title == "step" else "left")
    if left_out:
        table.add_row("...", "", f"{left_out} earlier steps: --limit shows more", "", "")
    for step in steps:
        style = "red" if step.damaged else "dim" if step.left else None
        table.add_row(*(Text(plain(cell)) for cell in _row(step)), style=style)
        for branch in branches:
            if branch.checkpoint_id == step.checkpoint_id:
                says = Text(plain(f"{'  ' * len(step.path)}└─ fork {branch.run_id}, {branch.status}"), style="cyan")
                table.add_row("", "", says, "", "")
    Console().print(table)
    if any(step.left for step in steps):
        typer.echo("Steps in brackets were left by a rewind; fork takes them up.", err=True)


def _row(step: CheckpointInfo) -> tuple[str, ...]:
    inside = "  " * len(step.path)
    number = f"({step.number})" if step.left else str(step.number)
    when = f"{step.at.astimezone():%H:%M:%S}" if step.at else ""
    changed = step.damaged or ", ".join(step.changed)
    return number, when, f"{inside}{_node(step)}", changed, step.short


def _node(step: CheckpointInfo) -> str:
    if step.source == "input" and not step.damaged:
        return f"{step.path[-1]} begins" if step.path else "request"
    return step.does
