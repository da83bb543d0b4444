"""The tool that shows a model what there is in a repository, within a number of tokens."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from nexus_agents.core.errors import LimitReached, RunFailed, ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import inside, relative, require_workspace
from tools.sandbox import run_for

__all__ = ["RepositoryMap", "repository_map"]

SECONDS = 60.0
CHARACTERS_PER_TOKEN = 4
"""A usual figure for English and code; no tokenizer is asked."""

FEWEST, MOST = 200, 16_000

_CHILD = Path(__file__).with_name("map_child.py")


class RepositoryMap(BaseModel):
    """A map.

    Attributes:
        text: The map.
        files: Files that there are.
        source: How many of them are source in a language that can be outlined.
        shown: How many of those the map shows.
    """

    text: str
    files: int
    source: int
    shown: int

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.shown} of {self.source} source files mapped, {self.files} files in all"

    def for_model(self) -> str:
        """What the model is told."""
        return self.text


@tool(risk="read", timeout=SECONDS + 30, in_turn=True)
async def repository_map(job: Job, tokens: int = 2000, path: str = ".") -> RepositoryMap:
    """Show a map of the repository: its folders, then the definitions of its most used source files.

    Each line has a line number, a signature and the first line of its documentation. Files that git ignores are left
    out. Look at this before reading files.

    Args:
        job: The call.
        tokens: How long the map may be, 200 to 16000.
        path: A folder, to map that part alone in more detail.
    """
    if not FEWEST <= tokens <= MOST:
        raise ToolInputError(f"A map of {tokens} tokens cannot be made.", f"Ask for {FEWEST} to {MOST}.")
    root = require_workspace(job.workspace)
    below = relative(root, inside(root, path))
    if not (root / below).is_dir():
        raise ToolInputError(f"{path} is no folder.", "See which files there are with `list_files`.")
    argv = [sys.executable, "-I", str(_CHILD), str(tokens * CHARACTERS_PER_TOKEN), below]
    done = await run_for(job, argv, root, timeout=SECONDS, output_limit=1 << 20, fixed=True)
    if done.timed_out:
        raise LimitReached(f"The map took longer than {SECONDS:.0f} s.", "Map one folder with `path`.")
    if done.returncode != 0:
        raise RunFailed(f"The map ended with status {done.returncode}.", done.stderr.strip().rpartition("\n")[2])
    return RepositoryMap.model_validate(json.loads(done.stdout))
