"""agents.yaml as typed models; every value has a default, so that the file may be absent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from nexus_agents.core.budget import Limits

__all__ = [
    "ROLES",
    "AgentConfig",
    "ApprovalsConfig",
    "Config",
    "DebateConfig",
    "DevelopmentConfig",
    "GraphsConfig",
    "McpServerConfig",
    "MemoryConfig",
    "ModelConfig",
    "PriceConfig",
    "SandboxConfig",
]

Decision = Literal["allow", "ask", "never"]
AgentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
"""Letters, digits, hyphens and underscores: servers of models take no other."""
ServerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,31}$")]
"""Letters, digits and hyphens: an underscore comes between it and the name of a tool."""

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
    """A million tokens that are sent."""
    output: float = Field(ge=0)
    """A million tokens that come back."""


class ModelConfig(_Section):
    """A model under a name of your own."""

    model: str
    """`provider:model`."""
    base_url: str | None = None
    """Address of an OpenAI-compatible server, for instance http://127.0.0.1:8080/v1."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; never the key itself."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """How freely it chooses its words; absent leaves it to the provider."""
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
    """Who decides; absent for the first debater that is a language model, else `builtin:judge`."""
    rounds: int = Field(default=2, ge=1, le=10)
    """Rounds of criticism at most; agreement ends it earlier."""


class DevelopmentConfig(_Section):
    """The development graph."""

    max_rounds: int = Field(default=3, ge=1, le=20)
    """How often findings go back to the agents before the run ends with what is open."""
    confirm_plan: bool = False
    """Whether a person reads the plan, and may change it, before anything is built."""


class GraphsConfig(_Section):
    """Settings of each graph."""

    debate: DebateConfig = DebateConfig()
    """Models that criticise each other."""
    development: DevelopmentConfig = DevelopmentConfig()
    """A team that plans, builds, tests and reviews."""


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
    """Tools that only look."""
    write: Decision = "allow"
    """Tools that change the workspace."""
    execute: Decision = "ask"
    """Tools that run programs: tests, commands."""
    spend: Decision = "ask"
    """Tools that spend money."""


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

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["command"]}, {"required": ["url"]}]})

    command: str | None = None
    """The program; it is looked for as a shell would, and started in the folder of agents.yaml."""
    args: list[str] = Field(default_factory=list[str])
    """What the program is given."""
    env: dict[str, str] = Field(default_factory=dict[str, str])
    """Variables beside the clean ones; `$NAME` takes a value from the environment of Nexus."""
    url: str | None = None
    """Address of a server that is running already (streamable HTTP), instead of a program."""
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    """What is sent along with each request to that address; `$NAME` as above."""
    risk: Literal["read", "write", "execute", "spend"] = "execute"
    """What its tools may do: they cannot be trusted to say so themselves."""
    timeout: float = Field(default=60.0, gt=0)
    """Seconds until it must have started, and until a call of one of its tools is given up."""

    @model_validator(mode="after")
    def _one_way(self) -> McpServerConfig:
        if (self.command is None) == (self.url is None):
            raise ValueError("it has a command or a url, one of the two")
        return self


class Config(_Section):
    """The whole of agents.yaml."""

    default_model: str = "auto"
    """`auto`: $NEXUS_MODEL, then API keys, then local servers, then the built-in model."""
    models: dict[str, ModelConfig] = Field(default_factory=dict[str, ModelConfig])
    """Models under names of your own."""
    agents: dict[AgentName, AgentConfig] = Field(default_factory=dict[AgentName, AgentConfig])
    """What each agent uses; one that does not ship with Nexus, and has a prompt, is an agent of your own."""
    graphs: GraphsConfig = GraphsConfig()
    """Settings of each graph."""
    approvals: ApprovalsConfig = ApprovalsConfig()
    """What tools need before they run."""
    memory: MemoryConfig = MemoryConfig()
    """Where the memory lies, and what it withstands."""
    sandbox: SandboxConfig = SandboxConfig()
    """What programs that agents run are held to."""
    budget: Limits = Limits()
    """What a run may use up; the command line may name other limits for one run."""
    skills: list[str] = Field(default_factory=list[str])
    """Folders of skills (each with a SKILL.md), beside `skills/` in the home folder and in the workspace."""
    mcp_servers: dict[ServerName, McpServerConfig] = Field(default_factory=dict[ServerName, McpServerConfig])
    """Servers of tools; an agent is given them as `SERVER.TOOL`, or `SERVER.*` for all."""
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
