"""`nexus init`: an agents.yaml for this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nexus_agents.cli.render import plain

__all__ = ["init"]


def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where it is written.")] = Path("agents.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write an agents.yaml for this machine: keys and model servers that were found, and every setting explained."""
    from nexus_agents.runtime.first_settings import look_around, write_settings

    found = look_around()
    write_settings(file, found, force=force)
    typer.echo(f"Wrote {plain(str(file))}. Found here:")
    for line in found.told:
        typer.echo(f"  {plain(line)}")
