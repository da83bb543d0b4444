"""`nexus models`: which models there are, what is known of one, and a new try at what it can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.look import look
from nexus_agents.cli.options import ConfigFile, Json
from nexus_agents.cli.render import plain

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_agents.core.models import ModelCard, ModelListing
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["app"]

app = typer.Typer(help="List models, show what is known of one, try one out.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of agents.yaml, PROVIDER:MODEL, or auto.")]


@app.command("list")
def listing(as_json: Json = False, config: ConfigFile = None) -> None:
    """List the models of agents.yaml, of local servers, of the keys that are found, and the built-in ones."""
    from nexus_agents.runtime.models import list_models

    async def read(runtime: Runtime) -> Sequence[ModelListing]:
        return await list_models(runtime)

    found = look(read, config)
    if as_json:
        for one in found:
            typer.echo(one.model_dump_json())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("name", "from", "where", ""):
        table.add_column(title, no_wrap=title == "name")
    for one in found:
        stands_for = f" = {one.model}" if one.name != one.model else ""
        says = "auto" if one.auto else one.says
        table.add_row(
            Text(plain(one.name + stands_for), style="" if one.usable else "dim"),
            one.kind,
            Text(plain(one.where)),
            Text(plain(says), style="green" if one.auto else "" if one.usable else "yellow"),
        )
    Console().print(table)
    chosen = next(one for one in found if one.auto)
    typer.echo(plain(f"auto takes {chosen.name}: {chosen.says}"), err=True)


@app.command("show")
def show(name: Name, as_json: Json = False, config: ConfigFile = None) -> None:
    """Show what is known of a model: what it can do, what it costs, what stands in for it. It is not called."""
    _print(name, False, as_json, config)


@app.command("probe")
def probe(name: Name, as_json: Json = False, config: ConfigFile = None) -> None:
    """Try a model out by three short calls, and keep what it can do; a hosted model may charge for them."""
    _print(name, True, as_json, config)


def _print(name: str, probing: bool, as_json: bool, config: Path | None) -> None:
    from nexus_agents.runtime.models import model_card

    async def read(runtime: Runtime) -> ModelCard:
        return await model_card(runtime, name, probe=probing)

    card = look(read, config)
    if as_json:
        typer.echo(card.model_dump_json())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for what, says in _lines(card):
        table.add_row(what, Text(plain(says)))
    Console().print(table)


def _lines(card: ModelCard) -> list[tuple[str, str]]:
    profile, price = card.profile, card.price
    cost = f"${price.input:g} in, ${price.output:g} out for a million tokens" if price else "unknown"
    return [
        ("model", card.model + (f" ({card.reason})" if card.reason else "")),
        ("served by", f"{profile.server} {profile.base_url or ''}".strip()),
        ("context", f"{profile.context:,} tokens" if profile.context else "unknown"),
        ("output", f"{profile.max_output:,} tokens at most" if profile.max_output else "as the model likes"),
        ("tools", _yes(profile.tools)),
        ("JSON schema", _yes(profile.json_schema)),
        ("streaming", _yes(profile.streaming)),
        ("pictures", _yes(profile.vision)),
        ("known from", profile.source),
        ("price", f"{cost} ({card.price_source})"),
        ("fallbacks", ", ".join(card.fallbacks) or "none"),
    ]


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
