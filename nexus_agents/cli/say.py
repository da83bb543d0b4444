"""`nexus say`: a word to a run that is at work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json, RunId

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["say"]


def say(
    run_id: RunId,
    text: Annotated[str, typer.Argument(help="What its agents should know, or do otherwise.")],
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Say something to a run that is at work, or waits; its agents hear it at their next turn."""

    async def write(runtime: Runtime) -> AnyEvent:
        return await runtime.say(run_id, text)

    event = look(write, config)
    if as_json:
        typer.echo(event.model_dump_json())
    else:
        print("Said. It is heard at the next turn of each agent.", file=sys.stderr)  # noqa: T201
