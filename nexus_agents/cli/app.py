"""The commands, put together; and the one place where an error becomes two lines and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import click
import typer

from nexus_agents.cli import debate, doctor, podcast, resume, runs, show, speak, voices
from nexus_agents.cli import run as run_command
from nexus_agents.core.errors import ExitCode, NexusError

__all__ = ["app", "run"]

app = typer.Typer(
    name="nexus",
    help="A workstation of agents for people who own their models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"nexus {version('nexus-agents')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A workstation of agents for people who own their models."""


app.command("run")(run_command.run)
app.command("runs")(runs.runs)
app.command("show")(show.show)
app.command("resume")(resume.resume)
app.command("debate")(debate.debate)
app.command("podcast")(podcast.podcast)
app.command("speak")(speak.speak)
app.add_typer(voices.app, name="voices")
app.command("doctor")(doctor.doctor)


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; whatever goes wrong is two lines on standard error."""
    try:
        answer = app(arguments, prog_name="nexus", standalone_mode=False)
    except NexusError as error:
        return tell(error)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe went away (`nexus show X | head`): there is nobody left to tell.
        sys.stderr.close()
        return int(ExitCode.DONE)
    except Exception as error:
        return tell(_unexpected(error))
    return answer if isinstance(answer, int) else int(ExitCode.DONE)


def tell(error: NexusError) -> int:
    """Say what is wrong and what to do, and return the exit code."""
    print(error.message, file=sys.stderr)  # noqa: T201
    if error.hint:
        print(error.hint, file=sys.stderr)  # noqa: T201
    return int(error.exit_code)


def _unexpected(error: Exception) -> NexusError:
    from nexus_agents.runtime.faults import explain
    from nexus_agents.runtime.settings import load_settings
    from nexus_agents.runtime.wiring import log_to

    try:
        log_file = load_settings().log_file
    except NexusError as first:
        return first
    log_to(log_file)
    return explain(error, log_file=log_file, doing="working on a command")
