"""`nexus debate`: two models answer, criticise each other, and a judge decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nexus_agents.cli.drive import approved_by, drive
from nexus_agents.cli.options import (
    ConfigFile,
    Json,
    Minutes,
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

__all__ = ["debate"]


def debate(
    question: Annotated[str, typer.Argument(help='The question, for instance "is 2^61 - 1 prime?".')],
    models: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Two or more models; those of agents.yaml by default.")
    ] = None,
    judge: Annotated[str | None, typer.Option(metavar="MODEL", help="Who decides.")] = None,
    rounds: Annotated[int, typer.Option(min=0, max=10, help="Rounds of criticism; 0 leaves it to agents.yaml.")] = 0,
    workspace: Workspace = None,
    tokens: Tokens = None,
    money: Money = None,
    minutes: Minutes = None,
    turns: Turns = None,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> int:
    """Let two models debate a question until the answer holds."""
    inputs: dict[str, Any] = {
        "models": [name.strip() for name in models.split(",") if name.strip()] if models else [],
        "judge": judge or "",
        "rounds": rounds,
    }

    async def begin(runtime: Runtime) -> Run:
        return await runtime.start(
            question,
            graph="debate",
            inputs=inputs,
            workspace=workspace,
            approved=approved_by(yes),
            budget=limits_of(tokens, money, minutes, turns),
        )

    return drive(begin, as_json=as_json, plain=plain, yes=yes, config=config)
