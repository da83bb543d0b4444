"""A real MCP server for tests: `python notes_server.py [HOW]`; what it does is written to $NOTES_LOG.

HOW: `deaf` never answers, `broken` ends at once, `stubborn` goes on when its input is closed.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field


class Note(BaseModel):
    title: str
    tags: list[str] = []


def log(text: str) -> None:
    with Path(os.environ["NOTES_LOG"]).open("a") as file:
        file.write(f"{text}\n")


def main(how: str) -> None:
    log(f"start {os.getpid()}")
    if how == "broken":
        sys.exit("no notes here: the file is gone")
    if how == "deaf":
        time.sleep(3600)

    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server: Any = MCPServer("notes")

    @server.tool()
    def add(text: Annotated[str, Field(description="What is noted.", max_length=20)], times: int = 1) -> str:
        """Write a note down."""
        log(f"add {text} {times}")
        return f"noted {text}"

    @server.tool()
    def keep(note: Note, json: bool = False) -> Note:
        """Keep a note that has parts."""
        log(f"keep {note.title} {json}")
        return note

    @server.tool(name="fail.now")
    def fail() -> str:
        """Fail."""
        raise ToolError("the paper tore")

    @server.tool()
    def environment() -> dict[str, str]:
        """Tell the environment."""
        return dict(os.environ)

    @server.tool()
    def hang() -> str:
        """Take for ever."""
        log("hang")
        time.sleep(3600)
        return "never"

    @server.tool()
    def die() -> str:
        """End the server."""
        log("die")
        os._exit(3)

    if how.startswith("http:"):
        server.run("streamable-http", port=int(how[5:]))
    else:
        server.run()
    while how == "stubborn":
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
