"""What can be told of the MCP servers in agents.yaml without starting one."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.config import Config, McpServerConfig

if TYPE_CHECKING:
    from nexus_agents.core.reading import Location

__all__ = ["described", "program_of", "server_wrongs"]

VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def server_wrongs(config: Config) -> Iterator[tuple[Location, str, str]]:
    """Yield where, what is wrong with a server, and what to do."""
    if config.mcp_servers and importlib.util.find_spec("mcp") is None:
        yield (
            ("mcp_servers",),
            "MCP servers need a package that is not installed.",
            "Run: pip install 'nexus-agents[mcp]'",
        )
    for name, server in config.mcp_servers.items():
        if server.command and not program_of(server, config.folder):
            yield (
                ("mcp_servers", name, "command"),
                f"there is no program {server.command!r}.",
                "Install it, or give its whole path.",
            )
        if server.url and not re.match(r"https?://[^/\s]+", server.url):
            yield ("mcp_servers", name, "url"), f"{server.url!r} is no address.", "Write http://HOST:PORT/mcp or so."
        yield from _unset(("mcp_servers", name, "env"), server.env)
        yield from _unset(("mcp_servers", name, "headers"), server.headers)


def program_of(server: McpServerConfig, folder: str) -> str | None:
    """Return the path of a server's program, or None where there is none."""
    command = server.command or ""
    beside = Path(folder, command).expanduser()
    if os.sep in command and beside.is_file() and os.access(beside, os.X_OK):
        return str(beside)
    return None if os.sep in command else shutil.which(command)


def described(server: McpServerConfig) -> str:
    """Return a server in a few words: the program with what it is given, or the address."""
    return " ".join([server.command, *server.args]) if server.command else server.url or ""


def _unset(location: Location, variables: Mapping[str, str]) -> Iterator[tuple[Location, str, str]]:
    for name, value in variables.items():
        for found in VARIABLE.findall(value.replace("$$", "")):
            variable = found[0] or found[1]
            if variable not in os.environ:
                yield (
                    (*location, name),
                    f"${variable} is not set.",
                    f"Run: export {variable}=..., or write the value in another way.",
                )
