"""`nexus runs`: what was asked, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.cli.render import plain

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["runs"]


def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List runs, newest first."""

    async def read(runtime: Runtime) -> list[Run]:
        return await runtime.memory.runs.list(limit=limit)

    found = look(read, config)
    if as_json:
        for run in found:
            typer.echo(run.model_dump_json())
        return
    if not found:
        typer.echo('No runs yet. Try: nexus run "debate: is 91 prime?"', err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("run", "status", "when", "thread", "request"):
        table.add_column(title, no_wrap=title != "request")
    for run in found:
        thread = plain(run.thread_id) if run.thread_id != run.id else ""
        when = f"{run.created_at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(run.id, run.status, when, Text(thread), Text(plain(run.request)))
    Console().print(table)
