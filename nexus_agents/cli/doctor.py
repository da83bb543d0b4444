"""`nexus doctor`: what is there, what is not, which model is used and why."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.core.errors import ExitCode

if TYPE_CHECKING:
    from nexus_agents.runtime.checks import Check
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["doctor"]


def doctor(
    as_json: Json = False,
    new_memory_key: Annotated[
        bool, typer.Option("--new-memory-key", help="Print a new key for an encrypted memory, and look at nothing.")
    ] = False,
    config: ConfigFile = None,
) -> int:
    """Look at this installation: model, memory, voices, sandbox, extras."""
    if new_memory_key:
        # 256 bits, as AES-256 takes them.
        typer.echo(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        return int(ExitCode.DONE)
    from nexus_agents.runtime.checks import check_all

    async def read(runtime: Runtime) -> list[Check]:
        return await check_all(runtime)

    found = look(read, config)
    if as_json:
        for check in found:
            typer.echo(check.model_dump_json())
    else:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        styles = {"ok": "green", "absent": "yellow", "broken": "red"}
        for check in found:
            table.add_row(Text(check.state, style=styles[check.state]), Text(check.what), Text(check.says))
        Console().print(table)
    return int(ExitCode.FAILED if any(check.state == "broken" for check in found) else ExitCode.DONE)
