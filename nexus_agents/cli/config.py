"""`nexus config`: the settings checked, shown, and described for editors."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.cli.render import plain
from nexus_agents.core.errors import ExitCode

if TYPE_CHECKING:
    from nexus_agents.core.reading import Fault
    from nexus_agents.runtime.config_show import InForce

__all__ = ["Described", "app", "tell_faults"]

app = typer.Typer(name="config", help="Check and show settings.", no_args_is_help=True)


class Described(StrEnum):
    """Files that there is a schema of."""

    AGENTS = "agents"
    WORKFLOW = "workflow"


@app.command("check")
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="An agents.yaml; by default the one that is in force.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Look for all that is wrong with an agents.yaml: its form, and whether what it names is there."""
    from nexus_agents.runtime.config_check import check_config
    from nexus_agents.runtime.servers_check import described
    from nexus_agents.runtime.settings import find_config, find_home, read_yaml

    path = find_config(file, find_home())
    if path is None:
        typer.echo("There is no agents.yaml: every setting has its default. Write one with: nexus init", err=True)
        return int(ExitCode.DONE)
    if faults := check_config(path):
        return tell_faults(faults, as_json)
    if not as_json:
        typer.echo(f"{plain(str(path))} is in order.")
        for name, server in read_yaml(path).mcp_servers.items():
            typer.echo(f"MCP server {name}: {plain(described(server))} (`nexus doctor` starts it)")
    return int(ExitCode.DONE)


@app.command("show")
def show(as_json: Json = False, config: ConfigFile = None) -> None:
    """Show the settings in force, and where each file was found; secrets never."""
    from nexus_agents.runtime.config_show import in_force
    from nexus_agents.runtime.settings import load_settings

    found = in_force(load_settings(config))
    typer.echo(found.model_dump_json() if as_json else plain(_as_yaml(found)))


@app.command("schema")
def schema(
    of: Annotated[
        Described, typer.Argument(metavar="[KIND]", help="agents or workflow: of which file.")
    ] = Described.AGENTS,
) -> None:
    """Print the JSON schema that editors check and complete a file by."""
    from nexus_agents.core.schema import FOLDER

    typer.echo((FOLDER / f"{of.value}.schema.json").read_text(encoding="utf-8"), nl=False)


def tell_faults(faults: list[Fault], as_json: bool) -> int:
    """Print what is wrong with a file, one fault a line, and return the exit code."""
    for fault in faults:
        # They are what was asked for: data, not narration.
        told = f"{fault.file}, line {fault.line}: {fault.message} {fault.hint}"
        typer.echo(fault.model_dump_json() if as_json else plain(" ".join(told.split())))
    return int(ExitCode.USAGE)


def _as_yaml(found: InForce) -> str:
    import yaml

    files = {
        "home": found.home,
        "agents.yaml": found.agents_yaml or "none: defaults",
        "database": found.database,
        "log": found.log,
        **{f"${name}": value for name, value in found.environment.items()},
    }
    lines = ["# Where things are, and what the environment says.", *(f"# {key}: {told}" for key, told in files.items())]
    lines += ["", "# Agents, and the model that each would have now."]
    for agent in found.agents:
        does = [agent.model, f"hands over {agent.output}" if agent.output else "", "your own" if agent.own else ""]
        does += [f"tools {', '.join(agent.tools) or 'none'}" if agent.tools is not None else "", agent.prompt or ""]
        lines.append(f"# {agent.name}: {'; '.join(part for part in does if part)}")
    lines += ["", "# The settings in force."]
    return "\n".join(lines) + "\n" + yaml.safe_dump(found.settings, sort_keys=False, allow_unicode=True).rstrip()
