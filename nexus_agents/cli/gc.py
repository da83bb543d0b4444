"""`nexus gc`: says what nobody needs any more, asks, and gives the room back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.cli.render import plain, size
from nexus_agents.core.errors import PersonNeeded

if TYPE_CHECKING:
    from nexus_agents.core.history import Freed
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["gc"]

NAMED = 5
"""Runs that are named; more are counted."""


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be freed.")] = False,
    keep_days: Annotated[
        float, typer.Option("--keep-days", min=0, max=36_500, help="Keep what was deleted or has ended since.")
    ] = 0.0,
    prune: Annotated[
        bool, typer.Option("--prune", help="Of finished threads keep the newest step only: no fork, no rewind.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Give room back: deleted runs for good, values and folders that nothing refers to; unfinished runs are kept."""
    from nexus_agents.runtime.cleaning import clean

    async def count(runtime: Runtime) -> Freed:
        return await clean(runtime, keep_days=keep_days, prune=prune, dry=True)

    async def do(runtime: Runtime) -> Freed:
        return await clean(runtime, keep_days=keep_days, prune=prune, dry=False)

    found = look(count, config)
    if dry_run or found.nothing:
        _tell(found, as_json, "Would free" if dry_run and not found.nothing else "")
        return
    if not yes:
        if not sys.stdin.isatty():
            _tell(found, False, "Would free")
            raise PersonNeeded("Nothing was freed: nobody is at this terminal.", "Say that you mean it: nexus gc --yes")
        _tell(found, False, "This frees")
        if not typer.confirm("Go on?", err=True):
            return
    _tell(look(do, config), as_json, "Freed")


def _tell(freed: Freed, as_json: bool, begins: str) -> None:
    if as_json:
        typer.echo(freed.model_dump_json())
        return
    if not begins:
        typer.echo("There is nothing to free.", err=True)
        return
    typer.echo(plain(f"{begins} {size(freed.bytes)}:"))
    for line in _lines(freed):
        typer.echo(plain(f"  {line}"))


def _lines(freed: Freed) -> list[str]:
    named = ", ".join(freed.runs[:NAMED]) + (", ..." if len(freed.runs) > NAMED else "")
    counts = (
        (len(freed.runs), f"deleted runs, for good: {named}"),
        (freed.checkpoints, "steps of finished threads"),
        (freed.values, "values that no step refers to"),
        (freed.lists, "lists without values"),
        (freed.blobs, "pieces of content that nothing refers to"),
        (len(freed.folders), "folders of tool calls whose runs are gone"),
        (len(freed.sockets), "sockets that nobody listens on"),
    )
    return [f"{count} {what}" for count, what in counts if count]
