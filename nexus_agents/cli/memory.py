"""`nexus memory`: what was remembered, searched, corrected, moved."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.cli.render import plain
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.facts import KINDS, USER, Fact, FactKind, Namespace, Scope, project_namespace, run_namespace

if TYPE_CHECKING:
    from nexus_agents.core.facts import FoundFact
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["app"]

app = typer.Typer(help="Search, add, list, forget, export and import what agents remember.", no_args_is_help=True)

SCOPES: tuple[Scope, ...] = ("user", "project", "run")

ScopeName = Annotated[
    str, typer.Option(metavar="SCOPE", help="user, project (the folder) or run; by default all that apply.")
]
Into = Annotated[str, typer.Option(metavar="SCOPE", help="Who needs it: user, project (the folder) or run.")]
Folder = Annotated[
    Path | None, typer.Option("--workspace", "-w", metavar="DIR", help="The project's folder; by default this one.")
]
RunId = Annotated[str, typer.Option("--run", metavar="RUN", help="The run, or the beginning of its id.")]
Kind = Annotated[str, typer.Option(metavar="KIND", help=f"Only this kind: {', '.join(KINDS)}.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="Number of the fact, as the lists show it.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")]


@app.command("search")
def search(
    query: Annotated[str, typer.Argument(help="What you want to know, in plain words.")],
    scope: ScopeName = "",
    workspace: Folder = None,
    run: RunId = "",
    kind: Kind = "",
    limit: Limit = 10,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Find facts by words, and by meaning where an embedder is installed."""
    kinds = _kinds(kind)

    async def read(runtime: Runtime) -> tuple[list[FoundFact], str]:
        places = await _places(runtime, scope, workspace, run)
        facts = runtime.memory.facts
        return await facts.search(query, places, kinds=kinds, limit=limit), facts.search_mode

    found, mode = look(read, config)
    if as_json:
        for one in found:
            typer.echo(one.model_dump_json())
        return
    typer.echo(plain(f"Searched by {mode}"), err=True)
    _table([one.fact for one in found], [one.by for one in found], "found by")


@app.command("add")
def add(
    text: Annotated[str, typer.Argument(help="The fact, in one sentence.")],
    scope: Into = "project",
    workspace: Folder = None,
    run: RunId = "",
    kind: Annotated[str, typer.Option(metavar="KIND", help=f"One of: {', '.join(KINDS)}.")] = "fact",
    key: Annotated[str, typer.Option(help="A short name: what is added under it again supersedes this.")] = "",
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    days: Annotated[float, typer.Option(min=0, help="For how long it holds, in days; 0 is for good.")] = 0,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Remember a fact."""
    kinds = _kinds(kind)
    if not scope:
        raise ConfigError("A fact needs one scope.", f"Name one of: {', '.join(SCOPES)}.")

    async def write(runtime: Runtime) -> Fact:
        (place,) = await _places(runtime, scope, workspace, run)
        return await runtime.memory.facts.put(
            Fact(
                namespace=place,
                key=key,
                kind=kinds[0] if kinds else "fact",
                text=text,
                author="user",
                run_id=place[1] if place[0] == "run" else None,
                source=source or "nexus memory add",
                ttl=days * 24 * 60 or None,
            )
        )

    fact = look(write, config)
    typer.echo(fact.model_dump_json() if as_json else plain(f"Remembered as fact {fact.id}: {fact.text}"))


@app.command("list")
def listing(
    scope: ScopeName = "",
    workspace: Folder = None,
    run: RunId = "",
    kind: Kind = "",
    limit: Limit = 50,
    everything: Annotated[bool, typer.Option("--all", help="Of all projects and runs, not only of this one.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Also what was superseded, forgotten or expired.")] = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List facts, newest first."""
    kinds = _kinds(kind)

    async def read(runtime: Runtime) -> list[Fact]:
        places = [] if everything else await _places(runtime, scope, workspace, run)
        return await runtime.memory.facts.list(places, kinds=kinds, limit=limit, history=history)

    found = look(read, config)
    if as_json:
        for fact in found:
            typer.echo(fact.model_dump_json())
        return
    if history:
        _table(found, [fact.ended or "" for fact in found], "ended")
    else:
        _table(found)


@app.command("forget")
def forget(
    number: Number,
    undo: Annotated[bool, typer.Option("--undo", help="Restore it instead.")] = False,
    erase: Annotated[bool, typer.Option("--erase", help="Delete it with all its history; there is no undo.")] = False,
    config: ConfigFile = None,
) -> None:
    """Let a fact hold no longer; it stays in the history and can be restored."""
    if undo:
        restore(number, config)
        return

    async def write(runtime: Runtime) -> tuple[Fact, int]:
        facts = runtime.memory.facts
        fact = await facts.find(number)
        if fact is None:
            raise InputError(f"There is no fact {number}.", "See them with: nexus memory list --all --history")
        if erase:
            return fact, await facts.erase(fact.namespace, fact.key)
        if fact.valid_to:
            raise InputError(
                f"Fact {number} holds no longer: it was {fact.ended}.", "See all with: nexus memory list --history"
            )
        await facts.forget(fact.namespace, fact.key)
        return fact, 0

    fact, erased = look(write, config)
    if erase:
        typer.echo(plain(f"Erased with its history, {erased} in all: {fact.text}"))
        return
    typer.echo(plain(f"Forgotten: {fact.text}"))
    typer.echo(f"Take it back with: nexus memory restore {number}", err=True)


@app.command("restore")
def restore(number: Number, config: ConfigFile = None) -> None:
    """Let a fact hold again that was forgotten, superseded or has expired."""

    async def write(runtime: Runtime) -> Fact:
        return await runtime.memory.facts.restore(number)

    fact = look(write, config)
    typer.echo(plain(f"Restored as fact {fact.id}: {fact.text}"))


@app.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="The file; standard output by default.")] = None,
    scope: ScopeName = "",
    workspace: Folder = None,
    run: RunId = "",
    everything: Annotated[bool, typer.Option("--all", help="Of all projects and runs, not only of this one.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Also what was superseded, forgotten or expired.")] = False,
    config: ConfigFile = None,
) -> None:
    """Write facts as JSON, one a line, oldest first."""

    async def read(runtime: Runtime) -> list[Fact]:
        places = [] if everything else await _places(runtime, scope, workspace, run)
        return await runtime.memory.facts.list(places, history=history)

    # Numbers belong to one memory only.
    lines = [fact.model_dump_json(exclude={"id", "superseded_by"}) for fact in reversed(look(read, config))]
    if file is None:
        for line in lines:
            typer.echo(line)
        return
    _write(file, "".join(f"{line}\n" for line in lines))
    typer.echo(f"{len(lines)} facts in {plain(str(file))}", err=True)


@app.command("import")
def load(
    file: Annotated[Path, typer.Argument(help="What `nexus memory export` wrote.")],
    scope: Annotated[
        str, typer.Option(metavar="SCOPE", help="Put all of it there: user, project or run; by default where it was.")
    ] = "",
    workspace: Folder = None,
    run: RunId = "",
    config: ConfigFile = None,
) -> None:
    """Take in facts that were exported; what is known already, or newer here, is passed over."""
    given = _read(file)

    async def write(runtime: Runtime) -> tuple[int, int]:
        moved = given
        if scope:
            (place,) = await _places(runtime, scope, workspace, run)
            moved = [fact.model_copy(update={"namespace": place}) for fact in given]
        counts = await runtime.memory.facts.load(moved)
        await runtime.memory.facts.embed_pending(_told if sys.stderr.isatty() else None)
        return counts

    taken, passed = look(write, config)
    typer.echo(f"{taken} facts taken in, {passed} passed over.")


async def _places(runtime: Runtime, scope: str, workspace: Path | None, run: str) -> list[Namespace]:
    if scope not in ("", *SCOPES):
        raise ConfigError(f"There is no scope {scope!r}.", f"There are: {', '.join(SCOPES)}.")
    if scope == "run" and not run:
        raise ConfigError("Which run is not said.", "Name it with --run RUN; see the runs with: nexus runs")
    places: list[Namespace] = []
    if scope == "run" or (run and not scope):
        found = await runtime.memory.runs.get(run)
        if found is None:
            raise InputError(f"There is no run {run}.", "See the runs with: nexus runs")
        places.append(run_namespace(found.id))
    if scope in ("", "project"):
        places.append(project_namespace(workspace or Path.cwd()))
    if scope in ("", "user"):
        places.append(USER)
    return places


def _kinds(kind: str) -> list[FactKind]:
    if kind and kind not in KINDS:
        raise ConfigError(f"There is no kind {kind!r} of facts.", f"There are: {', '.join(KINDS)}.")
    return [kind] if kind else []


def _table(facts: Sequence[Fact], notes: Sequence[str] = (), noted: str = "") -> None:
    if not facts:
        typer.echo('Nothing. Add a fact with: nexus memory add "..."', err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("id", "scope", "kind", "when", "author", *([noted] if notes else []), "fact"):
        table.add_column(title, no_wrap=title != "fact")
    for place, fact in enumerate(facts):
        note = [notes[place]] if notes else []
        when = f"{fact.created_at.astimezone():%Y-%m-%d}"
        shown = (str(fact.id), plain(fact.namespace[0]), fact.kind, when, plain(fact.author), *note, plain(fact.text))
        table.add_row(*(Text(cell) for cell in shown))
    Console().print(table)


def _write(file: Path, text: str) -> None:
    half = file.with_name(f"{file.name}.half")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(file)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise InputError(f"{file} cannot be written: {error.strerror}.", "Name another file.") from error


def _read(file: Path) -> list[Fact]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(
            f"{file} cannot be read: {reason}.", "Name a file that `nexus memory export` wrote."
        ) from error
    return list(_facts(file, text.splitlines()))


def _facts(file: Path, lines: Iterable[str]) -> Iterable[Fact]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Fact.model_validate(json.loads(line)).model_copy(update={"id": None, "superseded_by": None})
        except ValueError as error:
            raise InputError(
                f"{file}, line {number}, is no fact of the shared context.",
                "Name a file that `nexus memory export` wrote; nothing of this one was taken in.",
            ) from error


def _told(done: int, of: int) -> None:
    typer.echo(f"\r{done} of {of} facts made ready for search by meaning", nl=done == of, err=True)
