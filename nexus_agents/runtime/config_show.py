"""The settings in force: where each file was found, what is set, which agents there are; secrets never."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from nexus_agents.agents.roster import Roster
from nexus_agents.core.config import ROLES
from nexus_agents.core.errors import NexusError
from nexus_agents.models.source import Models
from nexus_agents.runtime.servers_check import described

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.runtime.settings import Settings

__all__ = ["AgentShown", "InForce", "in_force", "without_secrets"]

VARIABLES = ("NEXUS_HOME", "NEXUS_CONFIG", "NEXUS_MODEL", "NEXUS_DATABASE", "NEXUS_EMBEDDER", "OPENAI_BASE_URL")
"""What is shown of the environment; keys are not."""

HIDDEN = "***"
SECRET = r"key|token|secret|passw(?:or)?d|auth"


class AgentShown(BaseModel):
    """An agent as it would play now."""

    name: str
    own: bool
    """Whether agents.yaml describes it; else it ships with Nexus or with another package."""
    model: str
    tools: list[str] | None
    """None for its own choice."""
    prompt: str | None
    """The file, where agents.yaml names one."""
    output: str


class InForce(BaseModel):
    """All that `nexus config show` has to say."""

    home: str
    agents_yaml: str | None
    database: str
    log: str
    environment: dict[str, str]
    """Variables that change something, as far as they are set."""
    settings: dict[str, Any]
    agents: list[AgentShown]
    servers: dict[str, str]
    """MCP servers: the program or the address."""


def in_force(settings: Settings) -> InForce:
    """Return what is in force now, with every secret hidden."""
    config = settings.config
    return InForce(
        home=str(settings.home),
        agents_yaml=str(settings.config_file) if settings.config_file else None,
        database=without_secrets(settings.database_url),
        log=str(settings.log_file),
        environment={name: without_secrets(os.environ[name]) for name in VARIABLES if os.environ.get(name)},
        settings=_settings(config),
        agents=_agents(config),
        servers={name: _told(name, config) for name in config.mcp_servers},
    )


def without_secrets(text: str) -> str:
    """Return a text without the passwords and keys that addresses and command lines hold."""
    text = re.sub(r"(\b[\w+.-]+://[^/\s:@]*):[^/\s@]+@", rf"\1:{HIDDEN}@", text)
    return re.sub(rf"((?:{SECRET})[\w-]*=)[^&\s]+", rf"\1{HIDDEN}", text, flags=re.I)


def _settings(config: Config) -> dict[str, Any]:
    shown = config.model_dump(mode="json", exclude_defaults=False)
    for name, server in config.mcp_servers.items():
        told = shown["mcp_servers"][name]
        told["args"] = _arguments(server.args)
        told["url"] = without_secrets(server.url) if server.url else None
        for place in ("env", "headers"):
            # `$NAME` says where a secret is; anything else may be one.
            told[place] = {key: value if _is_reference(value) else HIDDEN for key, value in told[place].items()}
    for told in shown["models"].values():
        told["base_url"] = without_secrets(told["base_url"]) if told["base_url"] else None
    shown["memory"]["url"] = without_secrets(config.memory.url) if config.memory.url else None
    return shown


def _is_reference(value: str) -> bool:
    return re.fullmatch(r"(?:[A-Za-z]+ )?\$(?:\w+|\{\w+\})", value) is not None


def _arguments(arguments: list[str]) -> list[str]:
    shown: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        named = re.fullmatch(rf"--?[\w-]*(?:{SECRET})[\w-]*", before, re.I) and not argument.startswith("-")
        # No path and no word: long, without a stop, letters and digits in a heap.
        heap = re.fullmatch(r"(?=.*[0-9])(?=.*[A-Za-z])[\w+=-]{20,}", argument)
        shown.append(HIDDEN if named or heap else without_secrets(argument))
    return shown


def _told(name: str, config: Config) -> str:
    server = config.mcp_servers[name]
    return described(
        server.model_copy(update={"args": _arguments(server.args), "url": without_secrets(server.url or "")})
    )


def _agents(config: Config) -> list[AgentShown]:
    models, roster = Models(config), Roster(config)
    shown: list[AgentShown] = []
    for name in [*roster, *(role for role in ROLES if role not in roster)]:
        settings = config.agents.get(name)
        try:
            model = models.describe(name)
            output = roster[name].output.__name__ if name in roster else ""
        except NexusError as error:
            model, output = "", error.message
        shown.append(
            AgentShown(
                name=name,
                own=name in roster.own,
                model=model,
                tools=settings.tools if settings else None,
                prompt=str(Path(config.folder, settings.prompt)) if settings and settings.prompt else None,
                output=output,
            )
        )
    return shown
