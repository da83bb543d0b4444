"""`nexus voices`: which voices there are, whose they are, and who said so."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.drive import approved_by, drive
from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json, Plain, Workspace, Yes
from nexus_agents.cli.render import plain
from nexus_agents.core.errors import InputError, PersonNeeded

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.core.voices import Consent, Voice
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["app"]

app = typer.Typer(help="List voices, record consent, fit a voice to a clip.", invoke_without_command=True)

STATEMENT = "I agree that my voice in this recording is imitated by the owner of this installation."


@app.callback()
def listing(context: typer.Context, as_json: Json = False, config: ConfigFile = None) -> None:
    """List the voices that can speak."""
    if context.invoked_subcommand:
        return

    async def read(runtime: Runtime) -> list[Voice]:
        return [*await runtime.house.speech.presets(), *await runtime.memory.voices.list()]

    found = look(read, config)
    if as_json:
        for voice in found:
            typer.echo(voice.model_dump_json())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("voice", "language", "engine", "description"):
        table.add_column(title)
    for voice in found:
        table.add_row(Text(plain(voice.name)), voice.language, voice.engine, Text(plain(voice.description)))
    Console().print(table)


@app.command("consent")
def consent(
    clip: Annotated[Path, typer.Argument(help="The recording, 3 to 30 seconds of one voice.")],
    speaker: Annotated[str, typer.Option(help="Whose voice it is.")] = "",
    approved_by_name: Annotated[str, typer.Option("--approved-by", help="Your name: who records this.")] = "",
    statement: Annotated[str, typer.Option(help="What the speaker agreed to.")] = "",
    scope: Annotated[str, typer.Option(help="What for.")] = "",
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A consent for this clip that was written down before."),
    ] = None,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Record that the owner of a voice agrees to its imitation; only a person may do this."""
    from nexus_agents.runtime.consents import clip_facts, make_consent, read_record

    facts = clip_facts(clip)
    if record is not None:
        given = read_record(record, facts)
    else:
        if not (speaker and approved_by_name) and not sys.stdin.isatty():
            raise PersonNeeded(
                "A consent needs a person: nobody is at this terminal.",
                f"Say who: nexus voices consent {shlex.quote(str(clip))} --speaker NAME --approved-by NAME",
            )
        typer.echo(f"{plain(str(clip))}: {facts.seconds:.1f} s, SHA-256 {facts.sha256[:16]}...", err=True)
        speaker = speaker or typer.prompt("Whose voice is it?", err=True)
        approved_by_name = approved_by_name or typer.prompt("Your own name", err=True)
        statement = statement or (typer.prompt("What they agreed to", STATEMENT, err=True) if _asks() else STATEMENT)
        given = make_consent(facts, speaker, approved_by_name, statement, scope)

    async def write(runtime: Runtime) -> Consent:
        await runtime.memory.voices.add_consent(given)
        return given

    kept = look(write, config)
    if as_json:
        typer.echo(kept.model_dump_json())
        return
    typer.echo(plain(f"Recorded: {kept.speaker} agrees, says {kept.approved_by}. Scope: {kept.scope}."))
    typer.echo(plain(f"Clone it with: nexus voices clone {shlex.quote(str(clip))}"), err=True)


@app.command("clone")
def clone(
    clip: Annotated[str, typer.Argument(help="The recording.")],
    name: Annotated[str, typer.Option(help="Name of the voice; the recording's own by default.")] = "",
    transcript: Annotated[str, typer.Option(help="The words of the recording: the likeness gets closer.")] = "",
    workspace: Workspace = None,
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> int:
    """Fit a voice to a recording whose consent is recorded."""

    async def begin(runtime: Runtime) -> Run:
        return await runtime.start(
            f"clone the voice in {clip}",
            graph="call",
            inputs={
                "tool": "clone_voice",
                "arguments": {"reference_audio": clip, "speaker_name": name, "transcript": transcript},
            },
            workspace=workspace,
            approved=approved_by(yes),
        )

    return drive(begin, as_json=as_json, plain=plain, yes=yes, config=config)


@app.command("revoke")
def revoke(clip: Annotated[Path, typer.Argument(help="The recording.")], config: ConfigFile = None) -> None:
    """Take a consent back: the voice does not speak any more, and what was derived from the clip is deleted."""
    from nexus_agents.runtime.consents import clip_facts, forget_clip

    facts = clip_facts(clip)

    async def write(runtime: Runtime) -> tuple[int, list[str]]:
        return await forget_clip(runtime.memory.voices, facts.sha256)

    count, voices = look(write, config)
    if not count:
        raise InputError(f"No consent is recorded for {clip}.", "See the voices with: nexus voices")
    typer.echo(f"Revoked {count} consent(s); deleted: {', '.join(voices) or 'no voice was made of it'}.")


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The voice.")], config: ConfigFile = None) -> None:
    """Delete a voice that was made here; its consent stays."""
    from nexus_agents.runtime.consents import delete_files

    async def write(runtime: Runtime) -> bool:
        voice = await runtime.memory.voices.get(name)
        if voice is not None:
            delete_files(voice)
        return await runtime.memory.voices.remove(name)

    if not look(write, config):
        raise InputError(f"There is no voice of your own named {name!r}.", "See the voices with: nexus voices")
    typer.echo(f"Deleted {name}.")


def _asks() -> bool:
    return sys.stdin.isatty()
