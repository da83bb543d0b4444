"""`nexus workflow`: steps of agents that are written down in a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.config import tell_faults
from nexus_agents.cli.drive import approved_by, drive
from nexus_agents.cli.options import ConfigFile, Json, Model, Plain, Workspace, Yes
from nexus_agents.cli.render import plain as harmless
from nexus_agents.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["app"]

app = typer.Typer(name="workflow", help="Run and check workflow files.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The workflow, a YAML file.")]
Given = Annotated[
    list[str] | None,
    typer.Option("--context", metavar="NAME=VALUE", help="A value that all steps see; as often as there are values."),
]


@app.command("run")
def run(
    file: File,
    context: Given = None,
    workspace: Workspace = None,
    model: Model = None,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> int:
    """Let agents work the steps of a workflow file; `nexus resume` goes on with it and needs no file."""
    given = _given(context)

    async def begin(runtime: Runtime) -> Run:
        from nexus_agents.runtime.workflow_file import read_workflow

        found = read_workflow(file, runtime.settings.config, given)
        return await runtime.start(
            found.request,
            graph="workflow",
            inputs=found.inputs,
            workspace=workspace,
            model=model,
            approved=approved_by(yes),
        )

    return drive(begin, as_json=as_json, plain=plain, yes=yes, config=config)


@app.command("check")
def check(file: File, context: Given = None, as_json: Json = False, config: ConfigFile = None) -> int:
    """Look for all that is wrong with a workflow file, and say in which order its steps run."""
    from nexus_agents.runtime.settings import load_settings
    from nexus_agents.runtime.workflow_check import in_waves
    from nexus_agents.runtime.workflow_file import check_workflow_file

    ready, faults = check_workflow_file(file, load_settings(config).config, _given(context))
    if faults or ready is None:
        return tell_faults(faults, as_json)
    if not as_json:
        order = ", then ".join(" and ".join(wave) for wave in in_waves(ready.steps))
        typer.echo(harmless(f"{ready.name} is in order: {order}."))
        if missing := [name for name, value in ready.context.items() if value is None]:
            typer.echo(harmless(f"It asks for: {', '.join(f'--context {name}=...' for name in missing)}"))
    return int(ExitCode.DONE)


def _given(context: list[str] | None) -> dict[str, str]:
    given: dict[str, str] = {}
    for each in context or ():
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"{each!r} is no value of the context.", "Write it as --context NAME=VALUE.")
        given[name.strip()] = value
    return given
