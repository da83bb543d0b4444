"""Options that several commands share, declared once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from nexus_agents.core.budget import Limits

__all__ = [
    "ConfigFile",
    "Json",
    "Minutes",
    "Model",
    "Money",
    "Plain",
    "RunId",
    "Tokens",
    "Turns",
    "Unsafe",
    "Workspace",
    "Yes",
    "limits_of",
]


def _positive(value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} is no limit: it must be greater than 0.")
    return value


RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run, or the beginning of its id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output; for runs, one event a line.")]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Approve tools up to running programs; never the imitation of a voice without consent."
    ),
]
Unsafe = Annotated[
    bool, typer.Option("--unsafe", help="Let code that a model wrote run where no full sandbox is there to hold it.")
]
Plain = Annotated[
    bool, typer.Option("--plain", help="No colours, no bars, nothing drawn over: for screen readers and logs.")
]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="PROVIDER:MODEL", help="The model, for instance builtin:nexus."),
]
Workspace = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", metavar="DIR", help="The folder to work in; made if missing."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="An agents.yaml; by default the one found here.")
]

_BUDGET = "Budget"

Tokens = Annotated[
    int | None,
    typer.Option(
        "--tokens", metavar="N", min=1, rich_help_panel=_BUDGET, help="The most tokens, in and out, of the whole run."
    ),
]
Money = Annotated[
    float | None,
    typer.Option(
        "--money",
        metavar="USD",
        callback=_positive,
        rich_help_panel=_BUDGET,
        help="The most that its models may cost, in US dollars; prices must be known.",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        metavar="N",
        callback=_positive,
        rich_help_panel=_BUDGET,
        help="The most minutes at work; waiting for a person does not count.",
    ),
]
Turns = Annotated[
    int | None,
    typer.Option("--turns", metavar="N", min=1, rich_help_panel=_BUDGET, help="The most calls of a model."),
]


def limits_of(tokens: int | None, money: float | None, minutes: float | None, turns: int | None) -> Limits | None:
    """Return the budget that the options name; None where they name none."""
    limits = Limits(tokens=tokens, money=money, minutes=minutes, turns=turns)
    return None if limits.unlimited else limits
