"""The MCP servers of agents.yaml as a source of tools."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, JsonValue

from nexus_agents.core.errors import ConfigError, NexusError
from nexus_agents.core.names import nearest
from nexus_agents.core.tool import Job, ToolSpec
from tools.mcp_client.arguments import read_arguments
from tools.mcp_client.connection import Connection

if TYPE_CHECKING:
    from mcp_types import CallToolResult, Tool

    from nexus_agents.core.config import McpServerConfig

__all__ = ["McpAnswer", "McpServers", "tool_name"]

LONGEST = 64
"""Characters of a tool's name that servers of models take (OpenAI: ^[a-zA-Z0-9_-]{1,64}$)."""

ANSWER = 100_000
"""Characters of an answer that are kept."""


class McpAnswer(BaseModel):
    """What an MCP tool answered."""

    summary: str
    text: str
    data: JsonValue = None
    """The structured answer, where the tool gives one."""

    def for_model(self) -> str:
        """Return what the model reads."""
        return self.text or json.dumps(self.data, ensure_ascii=False)


class McpServers:
    """Implements `ToolSource` of core: `SERVER_TOOL` is a tool, `SERVER.TOOL` the same, `SERVER.*` all of a server.

    Args:
        servers: By name.
        folder: Where their programs are started.
        logs: Where what they write to standard error goes, a file each.
        taken: Names that other tools have.
    """

    def __init__(
        self, servers: Mapping[str, McpServerConfig], *, folder: Path, logs: Path, taken: Container[str] = ()
    ) -> None:
        self._connections = {
            name: Connection(name, config, folder, logs / f"mcp-{name}.log") for name, config in servers.items()
        }
        self._taken = taken
        self._specs: dict[str, dict[str, ToolSpec]] = {}

    async def prepare(self, names: Sequence[str]) -> None:
        """Start the servers whose tools are named, all at once, where they do not run already.

        Raises:
            BackendDown: One does not start or does not answer.
            ConfigError: One cannot be started, or has a tool whose name is taken.
        """
        servers = dict.fromkeys(server for name in names if (server := self._server(name)))
        await asyncio.gather(*(self.tools(server) for server in servers if server not in self._specs))

    async def tools(self, server: str) -> list[str]:
        """Return the names of a server's tools; it is started where it does not run."""
        connection = self.connection(server)
        specs: dict[str, ToolSpec] = {}
        for told in await connection.tools():
            name = tool_name(server, told.name)
            if name in specs:
                # Two names that differ only in what cannot be written here.
                name = tool_name(server, f"{told.name}_{_short(told.name)}")
            if name in self._taken:
                raise ConfigError(
                    f"The tool {told.name} of the MCP server {server} would be named {name}, as another tool is.",
                    f"Name the server otherwise: mcp_servers.{server} in agents.yaml.",
                )
            specs[name] = _spec(connection, told, name)
        self._specs[server] = specs
        return list(specs)

    def connection(self, server: str) -> Connection:
        """Return one server."""
        return self._connections[server]

    def expand(self, names: Sequence[str]) -> list[str]:
        """Return the names of tools as models call them, each once."""
        found: list[str] = []
        for name in names:
            server = self._server(name)
            if server and name == f"{server}.*":
                found += self._specs.get(server, {})
            elif server and name.startswith(f"{server}."):
                found.append(tool_name(server, name.removeprefix(f"{server}.")))
            else:
                found.append(name)
        return list(dict.fromkeys(found))

    def spec(self, name: str) -> ToolSpec | None:
        """Return a tool, or None where the name is that of no server's.

        Raises:
            ConfigError: The server has no such tool.
        """
        server = self._server(name)
        if server is None:
            return None
        specs = self._specs.get(server, {})
        (full,) = self.expand([name]) or [name]
        if full not in specs:
            close = nearest(full, specs)
            raise ConfigError(
                f"The MCP server {server} has no tool named {name!r}.",
                f"Did you mean {close!r}?" if close else f"It has: {', '.join(specs) or 'none'}.",
            )
        return specs[full]

    async def aclose(self) -> None:
        """End all servers."""
        await asyncio.gather(*(connection.aclose() for connection in self._connections.values()))

    def _server(self, name: str) -> str | None:
        if name in self._taken or ":" in name:
            return None
        # No name of a server has an underscore or a stop.
        server = re.split(r"[._]", name, maxsplit=1)[0]
        return server if server in self._connections and server != name else None


def tool_name(server: str, tool: str) -> str:
    """Return the name that models call a server's tool by."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{server}_{tool}")
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}_{_short(tool)}"


def _spec(connection: Connection, told: Tool, name: str) -> ToolSpec:
    arguments = read_arguments(name, told.input_schema)

    async def call(job: Job, /, **given: Any) -> McpAnswer:
        return _answer(name, await connection.call(told.name, arguments.given(given)))

    return ToolSpec(
        name=name,
        description=told.description or told.title or f"{told.name} of {connection.name}",
        arguments=arguments.model,
        result=McpAnswer,
        function=call,
        risk=connection.config.risk,
        # Nobody has promised that a second call leaves what one leaves.
        resumable=False,
        extra="mcp",
        # The connection keeps the time of the call itself; a server that ended has to be started before it.
        timeout=2 * connection.config.timeout + 10,
    )


def _answer(name: str, result: CallToolResult) -> McpAnswer:
    text = "\n".join(_told(block) for block in result.content)
    if len(text) > ANSWER:
        text = f"{text[:ANSWER]}\n[{len(text) - ANSWER} more characters are left out]"
    if result.is_error:
        raise NexusError(f"{name}: {text or 'failed and gave no reason'}", "Call it otherwise, or do without it.")
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return McpAnswer(summary=first[:200] or "done", text=text, data=result.structured_content)


def _told(block: Any) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return f"[{block.type}, {block.mime_type}, {len(block.data) * 3 // 4} bytes: not shown]"
        case "resource":
            return getattr(block.resource, "text", None) or f"[{block.resource.uri}: not text]"
        case "resource_link":
            return f"[{block.name}: {block.uri}]"
        case other:
            return f"[{other}]"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
