"""`nexus runs`: what was asked, how it stands, and what it used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.cli.render import plain
from nexus_agents.runtime.tally import cost_text, tally_of

if TYPE_CHECKING:
    from nexus_agents.core.budget import Spent
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["runs"]


def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List runs, newest first."""

    async def read(runtime: Runtime) -> list[tuple[Run, Spent]]:
        listed = await runtime.memory.runs.list(limit=limit)
        used = await runtime.memory.events.usage([run.id for run in listed])
        return [(run, tally_of(used[run.id]).spent) for run in listed]

    found = look(read, config)
    if as_json:
        for run, spent in found:
            # How long was worked is told by other events: nexus show has it.
            used = spent.model_dump(mode="json", exclude={"minutes"})
            typer.echo(json.dumps({**run.model_dump(mode="json"), "spent": used}, ensure_ascii=False))
        return
    if not found:
        typer.echo('No runs yet. Try: nexus run "debate: is 91 prime?"', err=True)
        return
    _print(found)


def _print(found: list[tuple[Run, Spent]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = [
        {
            "run": run.id,
            "status": run.status,
            "when": f"{run.created_at.astimezone():%Y-%m-%d %H:%M}",
            "thread": plain(run.thread_id) if run.thread_id != run.id else "",
            "tokens": f"{spent.tokens:,}" if spent.turns else "",
            "cost": _cost(spent),
            "request": plain(run.request),
        }
        for run, spent in found
    ]
    table = Table(box=None, pad_edge=False)
    # A column in which nothing stands would take its room from the requests.
    titles = [title for title in rows[0] if title == "request" or any(row[title] for row in rows)]
    for title in titles:
        table.add_column(title, no_wrap=title != "request", justify="right" if title in ("tokens", "cost") else "left")
    for row in rows:
        table.add_row(*(Text(row[title]) for title in titles))
    Console().print(table)


def _cost(spent: Spent) -> str:
    if not spent.unpriced:
        return cost_text(spent.money, 0)
    return f"{cost_text(spent.money, 0)} + ?" if spent.money else "?"
