"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ConfigFile", "Json", "Model", "Plain", "RunId", "Unsafe", "Workspace", "Yes"]

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
