"""`nexus resume`: go on where a run was cut off."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.answering import Answer, Given
from nexus_agents.cli.drive import drive
from nexus_agents.cli.options import ConfigFile, Json, Minutes, Money, Plain, Tokens, Turns, Unsafe, Yes, limits_of
from nexus_agents.core.errors import InputError

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["Unknown", "resume"]

_QUESTIONS = "Questions that the run has asked"


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
    unsafe: Unsafe = False,
    unknown: Annotated[
        Unknown | None,
        typer.Option(
            "--unknown",
            metavar="ANSWER",
            help="again, done or skip: the answer for calls that were cut off, instead of a question.",
        ),
    ] = None,
    answer: Annotated[
        Answer | None,
        typer.Option(
            "--answer",
            metavar="ANSWER",
            rich_help_panel=_QUESTIONS,
            help="yes (once), always (calls of this kind, in this thread), no, or never.",
        ),
    ] = None,
    arguments: Annotated[
        str | None,
        typer.Option(
            "--arguments",
            metavar="JSON",
            rich_help_panel=_QUESTIONS,
            help="With --answer yes: call with these instead.",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", rich_help_panel=_QUESTIONS, help="With --answer: why; the agent is told.")
    ] = "",
    question: Annotated[
        str | None,
        typer.Option(
            "--question",
            metavar="ID",
            rich_help_panel=_QUESTIONS,
            help="With --answer: the one that is meant; by default all that are open.",
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

    if answer is None and (arguments is not None or reason or question is not None):
        raise InputError(
            "--arguments, --reason and --question say more about an answer, and there is none.",
            "Give one: --answer yes, always, no or never.",
        )
    return drive(
        begin,
        as_json=as_json,
        plain=plain,
        yes=yes,
        unsafe=unsafe,
        unknown=unknown.value if unknown else None,
        given=Given(answer, arguments, reason, question) if answer else None,
        budget=limits_of(tokens, money, minutes, turns),
        config=config,
    )
