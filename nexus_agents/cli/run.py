"""`nexus run`: a request in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.drive import approved_by, drive
from nexus_agents.cli.options import (
    ConfigFile,
    Json,
    Minutes,
    Model,
    Money,
    Plain,
    Tokens,
    Turns,
    Unsafe,
    Workspace,
    Yes,
    limits_of,
)

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["run"]


def run(
    request: Annotated[str, typer.Argument(help='What you want: "create a user API with name and email".')],
    thread: Annotated[
        str | None,
        typer.Option("--thread", "-t", metavar="T", help="Go on in a thread: its workspace, its history."),
    ] = None,
    workspace: Workspace = None,
    model: Model = None,
    tokens: Tokens = None,
    money: Money = None,
    minutes: Minutes = None,
    turns: Turns = None,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    unsafe: Unsafe = False,
    config: ConfigFile = None,
) -> int:
    """Do what a request in plain words asks for."""

    async def begin(runtime: Runtime) -> Run:
        return await runtime.start(
            request,
            thread_id=thread,
            workspace=workspace,
            model=model,
            approved=approved_by(yes, unsafe),
            budget=limits_of(tokens, money, minutes, turns),
        )

    return drive(begin, as_json=as_json, plain=plain, yes=yes, unsafe=unsafe, config=config)
