"""One MCP server: started, asked, and ended again."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, TextIO

from nexus_agents.core.errors import BackendDown, ConfigError, MissingExtra, NexusError, ToolInputError

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult, Tool

    from nexus_agents.core.config import McpServerConfig

__all__ = ["Connection", "expanded"]

CHILD = Path(__file__).with_name("child.py")
UNKNOWN = "Nobody knows whether the call took effect: look before you make it again."
TAIL = 2000
"""Bytes of what a server said last that are looked through for a reason."""


class Connection:
    """A server that is started when it is first asked for; one that has ended is started anew by the next call.

    Args:
        name: Its name in agents.yaml.
        config: What stands under it.
        folder: The folder that its program is started in.
        log: Where what it writes to standard error goes.
    """

    def __init__(self, name: str, config: McpServerConfig, folder: Path, log: Path) -> None:
        self.name = name
        self.config = config
        self._folder = folder
        self._log = log
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._client: Client | None = None
        self._tools: list[Tool] = []

    async def tools(self) -> list[Tool]:
        """Return the tools of the server, which is started where it is not running.

        Raises:
            BackendDown: It does not start, or does not answer in time.
            ConfigError: Its program is not there, or a variable that it is to be given is not set.
            MissingExtra: The package that speaks the protocol is not installed.
        """
        async with self._lock:
            if self._client is None:
                await self._start()
            return self._tools

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool.

        Raises:
            ToolInputError: The server refused the arguments.
            NexusError: It refused the call, did not answer in time, or ended meanwhile.
        """
        from mcp.shared.exceptions import MCPError
        from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS

        await self.tools()
        client = self._client
        assert client is not None
        try:
            async with asyncio.timeout(self.config.timeout):
                return await client.call_tool(tool, arguments)
        except TimeoutError as error:
            # Told to the model: a limit would end the run, and a resume would make the call again.
            raise NexusError(
                f"The MCP server {self.name} did not answer {tool} within {self.config.timeout:g} s.", UNKNOWN
            ) from error
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                await self.aclose()
                raise NexusError(
                    f"The MCP server {self.name} ended during the call: {self._reason() or error.message}",
                    UNKNOWN,
                ) from error
            kind = ToolInputError if error.code == INVALID_PARAMS else NexusError
            raise kind(f"The MCP server {self.name} refused {tool}: {error.message}", "Call it otherwise.") from error

    async def aclose(self) -> None:
        """End the server: its input is closed, and after some seconds it and what it started are killed."""
        self._client = None
        self._leave.set()
        if self._task is not None:
            with suppress(Exception, asyncio.CancelledError):
                await self._task
            self._task = None

    async def _start(self) -> None:
        await self.aclose()
        self._leave = asyncio.Event()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A task of its own: what is opened there must be closed there, whichever run was the first to ask.
        self._task = asyncio.create_task(self._hold(ready), name=f"mcp {self.name}")
        try:
            await asyncio.wait_for(ready, self.config.timeout)
        except TimeoutError as error:
            self._task.cancel()
            await self.aclose()
            raise BackendDown(
                f"The MCP server {self.name} did not answer within {self.config.timeout:g} s.{self._aside()}",
                f"Try it by hand, give mcp_servers.{self.name}.timeout more seconds, or remove it from agents.yaml.",
            ) from error
        except BaseException:
            self._task.cancel()
            await self.aclose()
            raise

    async def _hold(self, ready: asyncio.Future[None]) -> None:
        try:
            async with AsyncExitStack() as stack:
                client = await self._open(stack)
                self._tools, cursor = [], None
                while True:
                    page = await client.list_tools(cursor=cursor)
                    self._tools += page.tools
                    cursor = page.next_cursor
                    if not cursor:
                        break
                self._client = client
                if not ready.done():
                    ready.set_result(None)
                await self._leave.wait()
        except Exception as error:
            self._client = None
            if not ready.done():
                ready.set_exception(self._failure(error))

    async def _open(self, stack: AsyncExitStack) -> Client:
        try:
            from mcp import Client, StdioServerParameters
            from mcp.client.stdio import stdio_client
            from mcp.client.streamable_http import streamable_http_client
        except ImportError as error:
            raise MissingExtra(f"The MCP server {self.name}", "mcp") from error
        if self.config.url:
            import httpx2

            headers = {key: expanded(value, f"{self.name}.headers.{key}") for key, value in self.config.headers.items()}
            timeout = httpx2.Timeout(self.config.timeout, read=None)
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=timeout))
            transport = streamable_http_client(self.config.url, http_client=http)
        else:
            log = stack.enter_context(self._open_log())
            variables = {key: expanded(value, f"{self.name}.env.{key}") for key, value in self.config.env.items()}
            order = [str(os.getpid()), self._program(), *self.config.args]
            parameters = StdioServerParameters(
                command=sys.executable,
                args=["-I", "-S", str(CHILD), *order],
                env=variables,
                cwd=self._folder,
            )
            transport = stdio_client(parameters, errlog=log)
        return await stack.enter_async_context(Client(transport))

    def _program(self) -> str:
        command = self.config.command or ""
        beside = Path(self._folder, command).expanduser()
        found = str(beside) if os.sep in command and beside.is_file() else shutil.which(command)
        if found is None:
            raise ConfigError(
                f"The MCP server {self.name} cannot be started: there is no program {command!r}.",
                f"Install it, or correct mcp_servers.{self.name}.command in agents.yaml.",
            )
        return found

    def _open_log(self) -> TextIO:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # What it said in earlier lives is of no use to anybody.
        return self._log.open("w", encoding="utf-8")

    def _failure(self, error: Exception) -> NexusError:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, NexusError):
            return error
        where = self.config.url or " ".join([self.config.command or "", *self.config.args])
        said = self._reason() if not self.config.url else ""
        return BackendDown(
            f"The MCP server {self.name} does not start: {said or str(error) or type(error).__name__}",
            f"Try it by hand ({where}), or remove it from agents.yaml; then run: nexus resume.",
        )

    def _aside(self) -> str:
        said = self._reason() if not self.config.url else ""
        return f" It said: {said}" if said else ""

    def _reason(self) -> str:
        try:
            said = self._log.read_bytes()[-TAIL:].decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return said[-1].strip()[:300] if said else ""


def expanded(value: str, where: str) -> str:
    """Return a value of agents.yaml with `$NAME` and `${NAME}` taken from the environment; `$$` stands for `$`.

    Raises:
        ConfigError: There is no such variable.
    """
    try:
        return Template(value).substitute(os.environ)
    except KeyError as error:
        raise ConfigError(
            f"mcp_servers.{where} names ${error.args[0]}, which is not set.", f"Run: export {error.args[0]}=..."
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"mcp_servers.{where} has a $ that no name follows.", "Write $NAME, or $$ for the sign itself."
        ) from error
