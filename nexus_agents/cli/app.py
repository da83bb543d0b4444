"""The commands, put together; and the one place where an error becomes two lines and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nexus_agents.cli import (
    approvals,
    debate,
    doctor,
    gc,
    history,
    init,
    memory,
    models,
    podcast,
    resume,
    runs,
    say,
    show,
    speak,
    voices,
    workflow,
)
from nexus_agents.cli import config as config_command
from nexus_agents.cli import run as run_command
from nexus_agents.cli.options import ConfigFile
from nexus_agents.cli.render import plain, silence
from nexus_agents.core.errors import ExitCode, InputError, NexusError
from nexus_agents.core.registry import load_dotted

__all__ = ["app", "run"]

app = typer.Typer(
    name="nexus",
    help="A workstation of agents for people who own their models.",
    invoke_without_command=True,
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
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", metavar="DIR", help="The folder that new sessions of the app work in."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """A workstation of agents for people who own their models; alone, in a terminal, it opens the app."""
    if context.invoked_subcommand is not None:
        if workspace or config:
            raise InputError(
                "--workspace and --config in front of a command are for the app alone.",
                f"Write them behind it: nexus {context.invoked_subcommand} ... --workspace DIR",
            )
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        # By dotted name: the command line knows of the app only that there is one.
        load_dotted("tui.app:run", "app")(workspace, config)
        return
    typer.echo(context.get_help())
    raise typer.Exit(int(ExitCode.USAGE))


app.command("run")(run_command.run)
app.command("runs")(runs.runs)
app.command("show")(show.show)
app.command("resume")(resume.resume)
app.command("say")(say.say)
app.command("approvals")(approvals.approvals)
app.command("history")(history.history)
app.command("fork")(history.fork)
app.command("rewind")(history.rewind)
app.command("replay")(history.replay)
app.add_typer(workflow.app, name="workflow")
app.command("debate")(debate.debate)
app.command("podcast")(podcast.podcast)
app.command("speak")(speak.speak)
app.add_typer(voices.app, name="voices")
app.add_typer(memory.app, name="memory")
app.add_typer(models.app, name="models")
app.command("doctor")(doctor.doctor)
app.command("init")(init.init)
app.add_typer(config_command.app, name="config")
app.command("gc")(gc.gc)


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; whatever goes wrong is two lines on standard error."""
    try:
        answer = app(arguments, prog_name="nexus", standalone_mode=False)
    except NexusError as error:
        return tell(error)
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        return int(ExitCode.INTERRUPTED)
    except (BrokenPipeError, SystemExit) as error:
        # Typer and Rich turn the pipe into an exit of their own.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        silence()
        return int(ExitCode.DONE)
    except Exception as error:
        return tell(_unexpected(error))
    return answer if isinstance(answer, int) else int(ExitCode.DONE)


def tell(error: NexusError) -> int:
    """Say what is wrong and what to do, and return the exit code."""
    print(plain(error.message), file=sys.stderr)  # noqa: T201
    if error.hint:
        print(plain(error.hint), file=sys.stderr)  # noqa: T201
    return int(error.exit_code)


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "nexus"
    tell(NexusError(" ".join(error.format_message().split()), f"See: {command} --help"))
    return int(ExitCode.USAGE)


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
