"""Searches with ripgrep where it is installed: the same answers as the search process, sooner in big workspaces."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job
from tools.sandbox import run_for
from tools.search_child import LARGEST, LONGEST_LINE
from tools.tree import SKIPPED, compile_glob, walk

__all__ = ["search_with_ripgrep", "understands"]

_DIFFERS = re.compile(r"\[\[|&&|--|~~|\\[<>zZKGQE]|\{,|\(\?[=!<>(#]|\\[1-9]|\(\?P[=>]")
"""What means something else to ripgrep than to Python, or is unknown to it: look-around, references, sets of sets."""


def understands(pattern: str) -> bool:
    """Tell whether ripgrep takes a regular expression of Python as Python does."""
    return _DIFFERS.search(pattern) is None


async def search_with_ripgrep(
    job: Job, root: Path, pattern: str, glob: str, most: int, seconds: float
) -> dict[str, Any] | None:
    """Return what was found as `search_child` reports it; None where ripgrep is not there or cannot do it.

    Args:
        job: The call.
        root: The workspace.
        pattern: A regular expression that `understands` accepts.
        glob: Which files, as `compile_glob` reads it.
        most: How many matches at most.
        seconds: Time limit.
    """
    found = _Found(glob, most)
    options = ["--no-config", "--json", "--sort=path", "--hidden", "--no-ignore", "--no-messages", "--no-heading"]
    options += ["--encoding=none", f"--max-filesize={LARGEST}", "--no-require-git"]
    options += [] if glob in ("**/*", "**") else [f"--glob={glob.removeprefix('./')}"]
    options += [f"--glob=!{name}" for name in sorted(SKIPPED)]  # the last that fits counts
    argv = ["rg", *options, "-e", pattern, "."]
    work = asyncio.create_task(
        run_for(job, argv, root, timeout=seconds, output_limit=4096, on_output=found.read, fixed=True)
    )
    enough = asyncio.create_task(found.enough.wait())
    try:
        await asyncio.wait({work, enough}, return_when=asyncio.FIRST_COMPLETED)
        if found.enough.is_set():
            return found.result(found.with_matches(), truncated=True)
        done = await work
    except ToolInputError:  # not installed
        return None
    finally:
        for task in (work, enough):
            task.cancel()
        await asyncio.wait({work, enough})
    if done.timed_out:
        raise ToolInputError(f"The search took longer than {seconds:.0f} s.", "Search fewer files.")
    if done.returncode not in (0, 1):
        return None
    return found.result(await asyncio.to_thread(found.count, root), truncated=False)


class _Found:
    """Reads the lines of JSON that ripgrep prints."""

    def __init__(self, glob: str, most: int) -> None:
        self._named = compile_glob(glob)
        self._most = most
        self.enough = asyncio.Event()
        self._rest = ""
        self._matches: list[dict[str, Any]] = []

    def read(self, piece: str) -> None:
        *lines, self._rest = (self._rest + piece).split("\n")
        for line in lines:
            if line.startswith('{"type":"match"'):
                self._add(json.loads(line)["data"])

    def result(self, files: int, *, truncated: bool) -> dict[str, Any]:
        return {"matches": self._matches, "files_searched": files, "truncated": truncated}

    def with_matches(self) -> int:
        return len({match["path"] for match in self._matches})

    def count(self, root: Path) -> int:
        """Count the files that were looked at, which ripgrep does not say of those without a match."""
        paths = [root / name for name in walk(root) if self._named.fullmatch(name)]
        return sum(not path.is_symlink() and path.stat().st_size <= LARGEST for path in paths if path.exists())

    def _add(self, data: dict[str, Any]) -> None:
        path = _text(data["path"]).removeprefix("./")
        if not self._named.fullmatch(path):
            return
        if len(self._matches) == self._most:
            self.enough.set()
            return
        text = _text(data["lines"]).rstrip("\n").rstrip("\r")[:LONGEST_LINE]
        self._matches.append({"path": path, "line": data["line_number"], "text": text})


def _text(value: dict[str, str]) -> str:
    return value["text"] if "text" in value else base64.b64decode(value["bytes"]).decode("utf-8", "replace")
