"""Chat models by role: names are resolved, providers imported on first use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.budget import Price
from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.models import ModelProfile
from nexus_agents.core.names import nearest
from nexus_agents.core.registry import Registry
from nexus_agents.models.recorded import Tape, split_tape, tape_of_environment
from nexus_agents.models.resolve import Resolved, resolve_auto

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from nexus_agents.models.recorded.folder import Recording

__all__ = ["PROVIDERS", "Models"]

PROVIDERS = {
    "builtin": "nexus_agents.models.builtin:create",
    "openai": "nexus_agents.models.openai_compatible:create",
    "scripted": "nexus_agents.models.scripted:create",
}
"""Providers that ship with Nexus; every other name is tried with LangChain's `init_chat_model`."""

KNOWN_ELSEWHERE = (
    "anthropic",
    "google_genai",
    "groq",
    "mistralai",
    "ollama",
    "openrouter",
    "deepseek",
    "xai",
)


class Models:
    """The models of one run.

    Args:
        config: agents.yaml.
        override: The model that a person named for this run; it plays every role that names no other.
        workspace: The run's folder; recordings are kept free of it.
        origin: The folder that the request came from, for relative paths; the current one by default.
    """

    def __init__(
        self,
        config: Config,
        *,
        override: str | None = None,
        workspace: Path | None = None,
        origin: Path | None = None,
    ) -> None:
        self._config = config
        self._origin = origin or Path.cwd()
        self._workspace = workspace
        named, self._override = split_tape(override, self._origin)
        declared, default = split_tape(config.default_model, Path(config.folder))
        self._default = default or "auto"
        self._named = override if named else config.default_model if declared else None
        self._tape = named or declared or tape_of_environment()
        self._recording: Recording | None = None
        self._auto: Resolved | None = None
        self._made: dict[tuple[str, str | None], BaseChatModel] = {}
        self._providers = Registry("model provider", PROVIDERS, "nexus.models", config.providers)
        if self._tape:
            self._recording = self._open(self._tape)
        if self._override:
            self._check(self.describe("assistant"))

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

    def _make(self, role: str, name: str | None) -> BaseChatModel:
        resolved, settings = self._settle(role, name)
        if not self._recording or not self._tape or not self._tape.takes(resolved.name):
            return self._create(resolved, settings, role)
        from nexus_agents.models.recorded.chat import RecordedChatModel

        if self._tape.replay:
            return RecordedChatModel(self._recording, role=role, model=resolved.name)
        self._recording.note_player(role, resolved.name)
        inner = self._create(resolved, settings, role)
        return RecordedChatModel(self._recording, role=role, model=resolved.name, inner=inner)

    def _create(self, resolved: Resolved, settings: ModelConfig, role: str) -> BaseChatModel:
        provider, model = self._check(resolved.name)
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

    def _open(self, tape: Tape) -> Recording:
        from nexus_agents.models.recorded.folder import Recording

        # A graph may call its agents after the model, which is named otherwise when it is replayed.
        words = {"<nexus-workspace>": self._workspace, "<nexus-origin>": self._origin, "<nexus-model>": self._named}
        return Recording(tape.folder, {name: word for name, word in words.items() if word}, adding=not tape.replay)

    def describe(self, role: str, *, name: str | None = None) -> str:
        """Return the `provider:model` behind a role."""
        return self._settle(role, name)[0].name

    def fallbacks(self, role: str, *, name: str | None = None) -> Sequence[str]:
        """Return the names of the models to ask where that one cannot be reached."""
        return self._settle(role, name)[1].fallbacks

    def price(self, name: str) -> Price | None:
        """Return what a model costs, as agents.yaml says."""
        own = next((one.price for one in self._config.models.values() if one.model == name and one.price), None)
        if own:
            return Price(input=own.input, output=own.output)
        return Price(input=0, output=0) if name.startswith("builtin:") else None

    async def profile(self, role: str, *, name: str | None = None) -> ModelProfile:
        """Return what is known about a model, from agents.yaml."""
        _, settings = self._settle(role, name)
        return ModelProfile(name=self.describe(role, name=name), context=settings.context, source="agents.yaml")

    def reason(self, role: str) -> str:
        """Return why a role has the model that it has, in words."""
        return self._settle(role, None)[0].reason

    def _settle(self, role: str, name: str | None) -> tuple[Resolved, ModelConfig]:
        name = self._inside(name)
        if not self._recording or not self._tape or not self._tape.replay:
            return self._choose(role, name)
        own = self._config.agents.get(role)
        # A model that was named, and is not replayed, is itself; every other role is played as it was recorded.
        named = name or (own.model if own else None)
        if named and not self._tape.takes((chosen := self._choose(role, name))[0].name):
            return chosen
        played, _ = self._recording.player(role)
        shown = played or f"replay:{self._tape.folder}"
        return Resolved(shown, f"replayed from {self._tape.folder}"), ModelConfig(model=shown)

    def _inside(self, name: str | None) -> str | None:
        # A graph may name the model of the run again, with its recording.
        tape, inner = split_tape(name, self._origin)
        if tape and tape != self._tape:
            raise ConfigError(
                f"{name} is another recording than that of the run.",
                "A run has one recording: name it with --model, as default_model, or in $NEXUS_RECORD.",
            )
        return inner

    def _choose(self, role: str, name: str | None) -> tuple[Resolved, ModelConfig]:
        own = self._config.agents.get(role)
        wanted, reason = next(
            (candidate, why)
            for candidate, why in (
                (name, "named by the graph"),
                (self._inside(own.model) if own else None, f"agents.yaml names it for {role}"),
                (self._override, "named for this run"),
                (self._default, "the default_model of agents.yaml"),
            )
            if candidate
        )
        if wanted in self._config.models:
            settings = self._config.models[wanted]
            return Resolved(settings.model, f"{reason} ({wanted!r})", settings.base_url), settings
        if wanted == "auto":
            self._auto = self._auto or resolve_auto()
            return self._auto, ModelConfig(model=self._auto.name)
        return Resolved(wanted, reason), ModelConfig(model=wanted)

    def _check(self, name: str) -> tuple[str, str]:
        provider, colon, model = name.partition(":")
        known = [*self._providers, *KNOWN_ELSEWHERE]
        if not colon or not model:
            close = nearest(name, [*self._config.models, "auto"])
            raise ConfigError(
                f"{name!r} is not a model: it has no provider.",
                f"Did you mean {close!r}?"
                if close
                else "Write provider:model, for instance builtin:nexus or openai:gpt-5-mini.",
            )
        if provider not in known:
            close = nearest(provider, known)
            raise ConfigError(
                f"There is no model provider named {provider!r} (in {name!r}).",
                f"Did you mean '{close}:{model}'?" if close else f"There are: {', '.join(sorted(known))}.",
            )
        if provider == "builtin":
            from nexus_agents.models.builtin import NAMES

            if model not in NAMES:
                raise ConfigError(
                    f"There is no built-in model named {model!r}.",
                    f"There are: {', '.join(f'builtin:{known_name}' for known_name in NAMES)}.",
                )
        return provider, model
