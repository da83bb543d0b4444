"""Which models there are: for people, and for agents that may choose."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.models import ModelCard, ModelListing
from nexus_agents.models.builtin import NAMES
from nexus_agents.models.profiles import assumed, settled
from nexus_agents.models.providers import ELSEWHERE
from nexus_agents.models.resolve import KEYS, Resolved, resolve_auto
from nexus_agents.models.servers import LocalServer, find_servers
from nexus_agents.models.source import Models

if TYPE_CHECKING:
    from nexus_agents.core.budget import Price
    from nexus_agents.core.memory_ports import ProfileStore

__all__ = ["Catalog"]


class Catalog:
    """Implements `ModelCatalog` of core.

    Args:
        config: agents.yaml.
        profiles: Where what servers say of their models is kept.
    """

    def __init__(self, config: Config, profiles: ProfileStore | None = None) -> None:
        self._config = config
        self._profiles = profiles

    async def list(self) -> Sequence[ModelListing]:
        """Return the models of agents.yaml, of local servers, of the keys that are found, and the built-in ones."""
        servers = await asyncio.to_thread(find_servers)
        auto = resolve_auto(servers=servers)
        found = [*self._aliases(), *_served(servers), *_keyed(), *_builtin()]
        if not any(_is(one, auto) for one in found):
            found.insert(0, ModelListing(name=auto.name, model=auto.name, kind="variable", where="$NEXUS_MODEL"))
        # An alias may stand for the very model that auto takes: auto takes it by its own name.
        chosen = next(place for place, one in enumerate(found) if _is(one, auto))
        found[chosen] = found[chosen].model_copy(update={"auto": True, "says": auto.reason})
        return found

    async def card(self, name: str, *, probe: bool = False) -> ModelCard:
        """Return all that is known about one model.

        Args:
            name: A name of agents.yaml, `provider:model`, or `auto`.
            probe: Whether to try the model out, though it may have been before, and though it may cost.

        Raises:
            ConfigError: There is no such model, or it cannot be made and is to be tried out.
        """
        models = Models(self._config, profiles=self._profiles)
        model = models.describe("assistant", name=name)
        models.check(model)
        try:
            profile = await models.profile("assistant", name=name, asking="again" if probe else "never")
        except ConfigError as error:
            if probe:
                raise
            unmade = assumed(model).model_copy(update={"source": error.message.rstrip(".")})
            profile = settled(unmade, self._config.models.get(name) or ModelConfig(model=model))
        price = models.price(name if name in self._config.models else model)
        return ModelCard(
            name=name,
            model=model,
            reason=models.reason("assistant", name=name) if name == "auto" else "",
            profile=profile,
            price=price,
            price_source=self._price_source(name, model, price),
            fallbacks=list(models.fallbacks("assistant", name=name)),
        )

    def _aliases(self) -> Iterator[ModelListing]:
        for alias, settings in self._config.models.items():
            provider = settings.model.partition(":")[0]
            key = settings.api_key_env or _key_of(provider)
            wants = _wants(provider, "" if settings.base_url and not settings.api_key_env else key)
            where = settings.base_url or (f"${key}" if key else "")
            yield ModelListing(
                name=alias, model=settings.model, kind="alias", where=where, says=wants, usable=not wants
            )

    def _price_source(self, name: str, model: str, price: Price | None) -> str:
        declared = [one for key, one in self._config.models.items() if key == name or one.model == model]
        if any(one.price for one in declared):
            return "agents.yaml"
        if price is None:
            return "nobody says; a model of a local server needs a `price` in agents.yaml, 0 where it costs nothing"
        return "it runs here" if model.startswith(("builtin:", "scripted:")) else "genai-prices, the highest there is"


def _served(servers: Sequence[LocalServer]) -> Iterator[ModelListing]:
    for server in servers:
        for model in server.models:
            name, wants = f"{server.provider}:{model}", _wants(server.provider, "")
            says = wants or server.kind
            yield ModelListing(name=name, model=name, kind="server", where=server.base_url, says=says, usable=not wants)


def _keyed() -> Iterator[ModelListing]:
    for variable, provider, model in KEYS:
        if os.environ.get(variable):
            name, wants = f"{provider}:{model}", _wants(provider, variable)
            yield ModelListing(name=name, model=name, kind="key", where=f"${variable}", says=wants, usable=not wants)


def _builtin() -> Iterator[ModelListing]:
    for model in NAMES:
        name = f"builtin:{model}"
        yield ModelListing(name=name, model=name, kind="builtin", says="rules that ship with Nexus")


def _is(listing: ModelListing, auto: Resolved) -> bool:
    if listing.kind == "alias" or listing.model != auto.name:
        return False
    return auto.base_url is None or listing.where == auto.base_url


def _key_of(provider: str) -> str:
    return "OPENAI_API_KEY" if provider == "openai" else ELSEWHERE[provider].key if provider in ELSEWHERE else ""


def _wants(provider: str, key: str) -> str:
    """Return what a provider lacks before it can be used; nothing where it lacks nothing."""
    package = ELSEWHERE.get(provider)
    if package and not package.installed:
        return f"needs: pip install 'nexus-agents[{package.extra}]'"
    return f"needs ${key}" if key and not os.environ.get(key) else ""
