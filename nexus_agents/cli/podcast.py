"""`nexus podcast`: an episode from documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nexus_agents.cli.drive import approved_by, drive
from nexus_agents.cli.options import (
    ConfigFile,
    Json,
    Model,
    Money,
    Plain,
    Tokens,
    Turns,
    Workspace,
    Yes,
    limits_of,
)

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["podcast"]


def podcast(
    sources: Annotated[list[str], typer.Argument(metavar="FILE...", help="Text or Markdown documents.")],
    host: Annotated[str, typer.Option(metavar="VOICE", help="Voice of the host; see: nexus voices")] = "",
    guest: Annotated[str, typer.Option(metavar="VOICE", help="Voice of the guest.")] = "",
    title: Annotated[str, typer.Option(help="Title of the episode; the document's own by default.")] = "",
    minutes: Annotated[float, typer.Option(min=0, max=180, help="Wanted length; 0 leaves it to the material.")] = 0,
    model: Model = None,
    workspace: Workspace = None,
    tokens: Tokens = None,
    money: Money = None,
    turns: Turns = None,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> int:
    """Make a podcast of two speakers from documents."""
    inputs: dict[str, Any] = {
        "sources": sources,
        "host_voice": host,
        "guest_voice": guest,
        "title": title,
        "topic": "",
        "minutes": minutes,
    }

    async def begin(runtime: Runtime) -> Run:
        return await runtime.start(
            f"podcast: {', '.join(sources)}",
            graph="podcast",
            inputs=inputs,
            workspace=workspace,
            model=model,
            approved=approved_by(yes),
            # --minutes is the length of the episode here.
            budget=limits_of(tokens, money, None, turns),
        )

    return drive(begin, as_json=as_json, plain=plain, yes=yes, config=config)
