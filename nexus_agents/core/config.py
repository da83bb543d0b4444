"""agents.yaml as typed models; every value has a default, so that the file may be absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nexus_agents.core.budget import Limits
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.names import nearest

__all__ = [
    "AgentConfig",
    "Config",
    "DebateConfig",
    "DevelopmentConfig",
    "GraphsConfig",
    "McpServerConfig",
    "MemoryConfig",
    "ModelConfig",
    "SandboxConfig",
    "read_config",
]

Decision = Literal["allow", "ask", "never"]
Location = tuple[str | int, ...]

ROLES = (
    "assistant",
    "planning",
    "backend",
    "frontend",
    "testing",
    "review",
    "media",
    "debater",
    "judge",
)
"""Agents that ship with Nexus; a name that is like none of them may be an agent of your own."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceConfig(_Section):
    """What a model costs, in US dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class ModelConfig(_Section):
    """A model under a name of your own."""

    model: str
    """`provider:model`."""
    base_url: str | None = None
    """Address of an OpenAI-compatible server, for instance http://127.0.0.1:8080/v1."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; never the key itself."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    timeout: float = Field(default=120.0, gt=0)
    """Seconds until a call of this model is given up."""
    fallbacks: list[str] = Field(default_factory=list[str])
    """Models that are asked, in this order, where this one cannot be reached."""
    context: int | None = Field(default=None, ge=1024)
    """Context length in tokens, where the server does not tell it; Ollama is made to use so much of it (num_ctx)."""
    max_output: int | None = Field(default=None, ge=1)
    """Tokens that one answer may have at most."""
    price: PriceConfig | None = None
    """Where it is not publicly known, or is another; 0 and 0 for a model that costs nothing."""
    budget: Limits = Limits()
    """What this model may use up in one run."""


class AgentConfig(_Section):
    """What may be changed about an agent."""

    model: str | None = None
    """`provider:model`, a name under `models`, or absent for the default."""
    tools: list[str] | None = None
    """Names of tools; absent for the agent's own choice."""
    prompt: str | None = None
    """Path of a file with the system prompt, relative to agents.yaml."""
    output: str | None = None
    """package.module:Class of the pydantic model that it hands over; for an agent of your own, absent for words."""
    limits: Limits = Limits()
    """What this agent may use up in one run."""


class DebateConfig(_Section):
    """The debate graph."""

    debaters: list[str] = Field(default_factory=list[str])
    """Two or more models; empty for the default model twice, or for the two built-in solvers."""
    judge: str | None = None
    rounds: int = Field(default=2, ge=1, le=10)


class DevelopmentConfig(_Section):
    """The development graph."""

    max_rounds: int = Field(default=3, ge=1, le=20)
    """How often findings go back to the agents before the run ends with what is open."""
    confirm_plan: bool = False
    """Whether a person reads the plan, and may change it, before anything is built."""


class GraphsConfig(_Section):
    """Settings of each graph."""

    debate: DebateConfig = DebateConfig()
    development: DevelopmentConfig = DevelopmentConfig()


class MemoryConfig(_Section):
    """Where the memory lies, and what it withstands."""

    url: str | None = None
    """`sqlite:///FILE` or `postgresql://user@host/database`; $NEXUS_DATABASE comes first, a file in the home folder
    last."""
    durability: Literal["process", "power"] = "process"
    """What each commit on SQLite survives: any kill of the process, or a power failure too."""
    encrypted: bool = False
    """Whether the states of graphs are encrypted, with the key in $NEXUS_MEMORY_KEY or in the keyring of the system."""


class ApprovalsConfig(_Section):
    """What a tool of each risk class needs before it runs. Identity always needs a recorded consent."""

    read: Decision = "allow"
    write: Decision = "allow"
    execute: Decision = "ask"
    spend: Decision = "ask"


class SandboxConfig(_Section):
    """What programs that agents run are held to; docs/sandbox.md."""

    level: Literal["auto", "bubblewrap", "landlock", "docker", "podman", "floor"] = "auto"
    """`auto`: bubblewrap where it can be used, else Landlock; what no language model wrote may do with limits alone."""
    domains: list[str] = Field(default_factory=list[str])
    """Names of hosts that programs may reach, `*.` in front for all below one; none by default."""
    memory_mb: int = Field(default=4096, ge=64)
    """Address space of each process, and memory of all of a command together (MiB)."""
    image: str = "python:3.12-slim"
    """Image for docker and podman."""


class McpServerConfig(_Section):
    """A server of tools that speaks the Model Context Protocol: a program, or an address."""

    command: str | None = None
    args: list[str] = Field(default_factory=list[str])
    env: dict[str, str] = Field(default_factory=dict[str, str])
    """Variables beside the clean ones; `$NAME` takes a value from the environment of Nexus."""
    url: str | None = None
    risk: Literal["read", "write", "execute", "spend"] = "execute"
    """What its tools may do: they cannot be trusted to say so themselves."""


class Config(_Section):
    """The whole of agents.yaml."""

    default_model: str = "auto"
    """`auto`: $NEXUS_MODEL, then API keys, then local servers, then the built-in model."""
    models: dict[str, ModelConfig] = Field(default_factory=dict[str, ModelConfig])
    agents: dict[str, AgentConfig] = Field(default_factory=dict[str, AgentConfig])
    graphs: GraphsConfig = GraphsConfig()
    approvals: ApprovalsConfig = ApprovalsConfig()
    memory: MemoryConfig = MemoryConfig()
    sandbox: SandboxConfig = SandboxConfig()
    budget: Limits = Limits()
    """What a run may use up; the command line may name other limits for one run."""
    skills: list[str] = Field(default_factory=list[str])
    """Folders of skills (each with a SKILL.md), beside `skills/` in the home folder and in the workspace."""
    mcp_servers: dict[str, McpServerConfig] = Field(default_factory=dict[str, McpServerConfig])
    retries: int = Field(default=4, ge=1, le=10)
    """Attempts at a model call that meets a transient fault."""
    tools: dict[str, str] = Field(default_factory=dict[str, str])
    """More tools: name to package.module:function."""
    more_graphs: dict[str, str] = Field(default_factory=dict[str, str])
    """More graphs: name to package.module:build."""
    providers: dict[str, str] = Field(default_factory=dict[str, str])
    """More chat-model providers: name to package.module:function."""
    folder: str = Field(default="", exclude=True)
    """Folder of the file, for relative paths in it; set on reading."""


def read_config(
    data: Mapping[str, Any] | None, *, file: str, folder: str, line_of: Callable[[Location], int]
) -> Config:
    """Check what was read from agents.yaml.

    Args:
        data: The parsed file; None where it is empty.
        file: Its path, for messages.
        folder: Its folder, for relative paths in it.
        line_of: Returns the line on which a key stands.

    Raises:
        ConfigError: With file, line and, for a wrong key, the nearest right one.
    """
    try:
        config = Config.model_validate({**(data or {}), "folder": folder})
        for name in config.agents:
            close = nearest(name, ROLES)
            if name not in ROLES and close:
                where = f"{file}, line {line_of(('agents', name))}"
                raise ConfigError(f"{where}: there is no agent named {name!r}.", f"Did you mean {close!r}?")
        return config
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{file}, line {line_of(first['loc'])}"
        dotted = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            close = nearest(str(first["loc"][-1]), _keys_at(first["loc"][:-1]))
            hint = f"Did you mean {close!r}?" if close else f"Keys here: {', '.join(_keys_at(first['loc'][:-1]))}."
            raise ConfigError(f"{where}: there is no setting {dotted!r}.", hint) from error
        raise ConfigError(
            f"{where}: {dotted}: {first['msg']}.",
            f"It is {first['input']!r} now; docs/configuration.md lists every setting.",
        ) from error


def _keys_at(location: Location) -> list[str]:
    section: type[BaseModel] | None = Config
    skip = False
    for part in location:
        if skip or section is None:
            skip = False
            continue
        annotation = section.model_fields[str(part)].annotation if str(part) in section.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
        else:
            section = {"models": ModelConfig, "agents": AgentConfig, "mcp_servers": McpServerConfig}.get(str(part))
            skip = True
    return [name for name in section.model_fields if name != "folder"] if section else []
