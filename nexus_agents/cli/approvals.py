"""`nexus approvals`: what was answered for more than one call, and taking it back."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json, RunId

if TYPE_CHECKING:
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["approvals"]


def approvals(
    run_id: RunId,
    revoke: Annotated[
        list[str] | None, typer.Option("--revoke", metavar="ENTRY", help="Take this one back; may be given again.")
    ] = None,
    everything: Annotated[bool, typer.Option("--revoke-all", help="Take all of them back.")] = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show what was answered for more than one call in the thread of a run, or take it back."""

    async def read(runtime: Runtime) -> list[str]:
        if revoke or everything:
            return await runtime.revoke(run_id, *(revoke or ()))
        return await runtime.standing(run_id)

    entries = look(read, config)
    if as_json:
        typer.echo(json.dumps(entries))
        return
    for entry in entries:
        typer.echo(entry)
    if revoke or everything:
        print("Taken back: it is asked again." if entries else "There is nothing to take back.", file=sys.stderr)  # noqa: T201
    elif entries:
        how = f"nexus approvals {run_id} --revoke ENTRY, or --revoke-all"
        print(f"A `not:` in front is an answer of never. Take back: {how}", file=sys.stderr)  # noqa: T201
    else:
        print("Nothing was answered for more than one call.", file=sys.stderr)  # noqa: T201
