"""Which model plays which role, and why: agents.yaml, what a person named, and recordings that stand for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.models.recorded import Tape, split_tape, tape_of_environment
from nexus_agents.models.resolve import Resolved, resolve_auto

if TYPE_CHECKING:
    from nexus_agents.models.recorded.folder import Recording

__all__ = ["Choice"]


class Choice:
    """The models of one run by role, by name only: nothing is made.

    Args:
        config: agents.yaml.
        override: The model that a person named for this run.
        workspace: The run's folder.
        origin: The folder that relative paths of a person start from.

    Attributes:
        tape: The recording that is made or played, where there is one.
        recording: Its folder, opened.

    Raises:
        ConfigError: A recording is not what it should be.
    """

    def __init__(self, config: Config, override: str | None, workspace: Path | None, origin: Path) -> None:
        self._config = config
        self._origin = origin
        named, self.override = split_tape(override, origin)
        declared, default = split_tape(config.default_model, Path(config.folder))
        self._default = default or "auto"
        self._auto: Resolved | None = None
        self.tape = named or declared or tape_of_environment()
        # A graph may call its agents after the model, which is named otherwise when it is replayed.
        model = override if named else config.default_model if declared else None
        words = {"<nexus-workspace>": workspace, "<nexus-origin>": origin, "<nexus-model>": model}
        self.recording = _open(self.tape, {name: word for name, word in words.items() if word}) if self.tape else None

    @property
    def replays(self) -> bool:
        """Whether answers come from a recording alone."""
        return self.tape is not None and self.tape.replay

    def tape_for(self, name: str) -> Recording | None:
        """Return the recording that calls of a `provider:model` go by, where one does."""
        return self.recording if self.tape and self.tape.takes(name) else None

    def of(self, role: str, name: str | None) -> tuple[Resolved, ModelConfig]:
        """Return the model that plays a role, and its settings.

        Raises:
            ConfigError: The name is that of another recording.
        """
        name = self._inside(name)
        if self.tape is None or self.recording is None or not self.tape.replay:
            return self._choose(role, name)
        own = self._config.agents.get(role)
        # A model that was named, and is not replayed, is itself; every other role is played as it was recorded.
        named = name or (own.model if own else None)
        if named and not self.tape.takes((chosen := self._choose(role, name))[0].name):
            return chosen
        played, _ = self.recording.player(role)
        shown = played or f"replay:{self.tape.folder}"
        return Resolved(shown, f"replayed from {self.tape.folder}"), ModelConfig(model=shown)

    def wanted(self, role: str, name: str | None) -> tuple[str, str]:
        """Return the name that a role asks for, an alias perhaps, and who says so."""
        own = self._config.agents.get(role)
        return next(
            (candidate, why)
            for candidate, why in (
                (self._inside(name), "named by the graph"),
                (self._inside(own.model) if own else None, f"agents.yaml names it for {role}"),
                (self.override, "named for this run"),
                (self._default, "the default_model of agents.yaml"),
            )
            if candidate
        )

    def served(self, name: str) -> bool:
        """Return whether `auto` found a `provider:model` on a server of this machine."""
        return self._auto is not None and self._auto.name == name and self._auto.base_url is not None

    def _choose(self, role: str, name: str | None) -> tuple[Resolved, ModelConfig]:
        wanted, reason = self.wanted(role, name)
        if wanted in self._config.models:
            settings = self._config.models[wanted]
            return Resolved(settings.model, f"{reason} ({wanted!r})", settings.base_url), settings
        if wanted == "auto":
            self._auto = self._auto or resolve_auto()
            return self._auto, ModelConfig(model=self._auto.name)
        return Resolved(wanted, reason), ModelConfig(model=wanted)

    def _inside(self, name: str | None) -> str | None:
        # A graph may name the model of the run again, with its recording.
        tape, inner = split_tape(name, self._origin)
        if tape and tape != self.tape:
            raise ConfigError(
                f"{name} is another recording than that of the run.",
                "A run has one recording: name it with --model, as default_model, or in $NEXUS_RECORD.",
            )
        return inner


def _open(tape: Tape, stands_for: dict[str, Path | str]) -> Recording:
    from nexus_agents.models.recorded.folder import Recording

    return Recording(tape.folder, stands_for, adding=not tape.replay)
