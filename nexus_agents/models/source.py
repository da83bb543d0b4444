"""Chat models by role: names are resolved, providers imported on first use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nexus_agents.core.budget import Price
from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.models import ModelProfile
from nexus_agents.core.registry import Registry
from nexus_agents.models.choosing import Choice
from nexus_agents.models.names import check_fallbacks, check_name, fallbacks_of
from nexus_agents.models.profiles import assumed, fixed_profile, hosted_profile, settled
from nexus_agents.models.providers import PROVIDERS
from nexus_agents.models.resolve import Resolved
from nexus_agents.models.served import is_near, served_profile
from nexus_agents.models.servers import ollama_address

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from nexus_agents.core.budget import Price
    from nexus_agents.core.memory_ports import ProfileStore

__all__ = ["Asking", "Models"]

Asking = Literal["never", "once", "again"]
"""Whether a profile may cost calls of the model: never, where none is kept and the model is near, or in any case."""


class Models:
    """The models of one run.

    Args:
        config: agents.yaml.
        override: The model that a person named for this run; it plays every role that names no other.
        profiles: Where what servers say of their models is kept; nowhere by default.
        workspace: The run's folder; recordings are kept free of it.
        origin: The folder that the request came from, for relative paths; the current one by default.

    Raises:
        ConfigError: The override, a fallback or a recording is not what it should be.
    """

    def __init__(
        self,
        config: Config,
        *,
        override: str | None = None,
        profiles: ProfileStore | None = None,
        workspace: Path | None = None,
        origin: Path | None = None,
    ) -> None:
        self._config = config
        self._store = profiles
        self._origin = origin or Path.cwd()
        self._choice = Choice(config, override, workspace, self._origin)
        self._made: dict[tuple[str, str | None], BaseChatModel] = {}
        self._known: dict[tuple[str, str | None], ModelProfile] = {}
        self._learning = asyncio.Lock()
        self._providers = Registry("model provider", PROVIDERS, "nexus.models", config.providers)
        check_fallbacks(config, self._providers)
        if self._choice.override:
            self.check(self.describe("assistant"))

    def check(self, name: str) -> tuple[str, str]:
        """Return provider and model of a `provider:model`.

        Raises:
            ConfigError: There is no such provider, or no such built-in model.
        """
        return check_name(name, self._providers, self._config.models)

    def get(self, role: str, *, name: str | None = None) -> BaseChatModel:
        """Return the model that plays a role, the same one each time; see `ModelSource` in core."""
        if (role, name) not in self._made:
            from nexus_agents.models.whole_calls import WholeCalls

            made = self._make(role, name)
            own = made.callbacks if isinstance(made.callbacks, list) else []
            if not any(isinstance(handler, WholeCalls) for handler in own):
                made.callbacks = [*own, WholeCalls()]
            self._made[role, name] = made
        return self._made[role, name]

    def describe(self, role: str, *, name: str | None = None) -> str:
        """Return the `provider:model` behind a role."""
        return self._choice.of(role, name)[0].name

    def by_rules(self, role: str, *, name: str | None = None) -> bool:
        """Return whether a role is played by a built-in model."""
        return self.describe(role, name=name).startswith("builtin:")

    def reason(self, role: str, *, name: str | None = None) -> str:
        """Return why a role has the model that it has, in words."""
        return self._choice.of(role, name)[0].reason

    def fallbacks(self, role: str, *, name: str | None = None) -> Sequence[str]:
        """Return the names to ask where a model cannot be reached, in order: those of agents.yaml, and theirs."""
        return () if self._choice.replays else fallbacks_of(self._config, self._choice.wanted(role, name)[0])

    def price(self, name: str) -> Price | None:
        """Return what a `provider:model` costs, or None where nobody knows.

        agents.yaml comes first; where several of its models are called the same, the dearest counts. Beyond that, the
        models that ship with Nexus cost nothing, and those of a server are unknown.
        """
        from nexus_agents.core.budget import Price
        from nexus_agents.models.prices import FREE, dearest, public_price

        def known_price(model: str, served: bool) -> Price | None:
            if model.partition(":")[0] in ("builtin", "scripted", "replay"):
                return FREE
            return None if served else public_price(model)

        prices: list[Price | None] = []
        for settings in self._aliases(name):
            served = bool(settings.base_url) or self._is_served(settings.model)
            declared = settings.price
            own = Price(input=declared.input, output=declared.output) if declared else None
            prices.append(own or known_price(settings.model, served))
        if not prices:
            prices = [known_price(name, self._is_served(name))]
        known = [price for price in prices if price is not None]
        return dearest(known) if len(known) == len(prices) else None

    async def profile(self, role: str, *, name: str | None = None, asking: Asking = "once") -> ModelProfile:
        """Return what is known about a model; see `ModelSource` in core.

        Args:
            role: The role that it plays.
            name: The model, where the caller insists on one.
            asking: Whether the model itself may be called for it.

        Raises:
            ConfigError: No such provider or model, or it cannot be made.
        """
        resolved, settings = self._choice.of(role, name)
        key = (resolved.name, resolved.base_url)
        async with self._learning:
            known = None if asking == "again" else self._known.get(key)
            if known is None:
                known = await self._learn(role, resolved, settings, asking)
                if asking != "never":
                    self._known[key] = known
        profile = settled(known, settings)
        recording = self._choice.tape_for(resolved.name)
        if recording and recording.adding:
            recording.note_player(role, resolved.name, profile)
        return profile

    async def _learn(self, role: str, resolved: Resolved, settings: ModelConfig, asking: Asking) -> ModelProfile:
        name = resolved.name
        recording = self._choice.tape_for(name)
        if recording and self._choice.replays:
            return recording.player(role)[1] or assumed(name)
        if fixed := fixed_profile(name):
            return fixed
        base = self._address(resolved)
        if base is None:
            return hosted_profile(name, self._create(resolved, settings, role))
        kept = await self._store.get(name, base) if self._store else None
        told = await asyncio.to_thread(served_profile, name, base)
        if told and name.startswith("ollama:"):
            from nexus_agents.models.ollama import context_of

            told = told.model_copy(update={"context": context_of(told.context)})
        if kept and asking != "again":
            # What a model can do stays; with how much context its server was started may not, and costs nothing to ask.
            if told and told.context not in (None, kept.context):
                kept = kept.model_copy(update={"context": told.context})
                await self._keep(kept)
            return kept
        known = told or assumed(name, base)
        if asking == "never" or (asking == "once" and not is_near(base)):
            return known
        from nexus_agents.models.probe import MOST_TOKENS, PATIENCE, probe

        limits = {"max_output": MOST_TOKENS, "timeout": min(PATIENCE, settings.timeout)}
        found = await probe(self._create(resolved, settings.model_copy(update=limits), role), known)
        if found:
            await self._keep(found)
        return found or known

    async def _keep(self, profile: ModelProfile) -> None:
        if self._store:
            await self._store.put(profile)

    def _address(self, resolved: Resolved) -> str | None:
        """Return the server that a model is asked from; None for a hosted one."""
        provider = resolved.name.partition(":")[0]
        if provider == "ollama":
            return resolved.base_url or ollama_address()
        return resolved.base_url or (os.environ.get("OPENAI_BASE_URL") if provider == "openai" else None)

    def _is_served(self, name: str) -> bool:
        return self._choice.served(name) or self._address(Resolved(name, "")) is not None

    def _aliases(self, name: str) -> list[ModelConfig]:
        if name in self._config.models:
            return [self._config.models[name]]
        return [settings for settings in self._config.models.values() if settings.model == name]

    def _make(self, role: str, name: str | None) -> BaseChatModel:
        resolved, settings = self._choice.of(role, name)
        recording = self._choice.tape_for(resolved.name)
        if recording is None:
            return self._create(resolved, settings, role)
        from nexus_agents.models.recorded.chat import RecordedChatModel

        if self._choice.replays:
            return RecordedChatModel(recording, role=role, model=resolved.name)
        recording.note_player(role, resolved.name)
        inner = self._create(resolved, settings, role)
        return RecordedChatModel(recording, role=role, model=resolved.name, inner=inner)

    def _create(self, resolved: Resolved, settings: ModelConfig, role: str) -> BaseChatModel:
        provider, model = self.check(resolved.name)
        if provider in self._providers:
            create = self._providers.load(provider)
            if provider == "scripted":
                model = self._file(model)
            return create(model, settings.model_copy(update={"base_url": resolved.base_url}), role)
        from nexus_agents.models.elsewhere import create_elsewhere

        return create_elsewhere(provider, model, settings)

    def _file(self, path: str) -> str:
        # What agents.yaml names lies beside it; what a person names, where they are.
        beside = Path(self._config.folder, path).expanduser()
        return str((beside if beside.exists() else self._origin / Path(path).expanduser()).absolute())
