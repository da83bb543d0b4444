"""`nexus resume`: go on where a run was cut off."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.drive import drive
from nexus_agents.cli.options import ConfigFile, Json, Minutes, Money, Plain, Tokens, Turns, Yes, limits_of

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["Unknown", "resume"]


class Unknown(StrEnum):
    """What a person says of calls that were cut off."""

    AGAIN = "again"
    DONE = "done"
    SKIP = "skip"


def resume(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The run; by default the newest unfinished one.")
    ] = None,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    unknown: Annotated[
        Unknown | None,
        typer.Option(
            "--unknown",
            metavar="ANSWER",
            help="again, done or skip: the answer for calls that were cut off, instead of a question.",
        ),
    ] = None,
    tokens: Tokens = None,
    money: Money = None,
    minutes: Minutes = None,
    turns: Turns = None,
    config: ConfigFile = None,
) -> int:
    """Go on with a run that was cut off or waits; nothing that was finished is done again."""

    async def begin(runtime: Runtime) -> Run | None:
        found = await runtime.unfinished(run_id)
        if found is None:
            print("There is nothing to resume.", file=sys.stderr)  # noqa: T201
        return found

    answer = unknown.value if unknown else None
    budget = limits_of(tokens, money, minutes, turns)
    return drive(begin, as_json=as_json, plain=plain, yes=yes, unknown=answer, budget=budget, config=config)
