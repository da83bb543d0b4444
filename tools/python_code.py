"""Runs the checkers of Python code (ruff, bandit, mypy) on files of the workspace, without running that code."""

from __future__ import annotations

import sys
from pathlib import Path

from nexus_agents.core.errors import RunFailed, ToolInputError
from nexus_agents.core.tool import Job
from tools.paths import inside, relative
from tools.sandbox import Completed, run_for
from tools.tree import walk

__all__ = ["RUFF_FILES", "SECONDS", "python_files", "ruff_settings", "run_checker"]

SECONDS = 120.0
"""Time limit of one checker."""

RUFF_FILES = ("ruff.toml", ".ruff.toml", "pyproject.toml")
"""Where settings of ruff stand, the first one found being the one that counts."""

MOST_FILES = 2000
OUTPUT_BYTES = 32 << 20

UNFIT_RULES = "B008"
"""A call as a default value is how FastAPI declares dependencies."""


def python_files(root: Path, paths: list[str]) -> list[str]:
    """Return the Python files below some paths of a workspace, or all of it, each with `./` before its name.

    Raises:
        ToolInputError: A path does not exist, or there are more than 2000 files.
        WorkspaceError: A path leaves the workspace.
    """
    found: dict[str, None] = {}
    for path in paths or ["."]:
        below = relative(root, inside(root, path))
        if not (root / below).exists():
            raise ToolInputError(f"There is no {path} to check.", "See which files there are with `list_files`.")
        # `./` so that no name can be taken for an option.
        found |= {f"./{name}": None for name in walk(root, below) if name.endswith((".py", ".pyi"))}
    if len(found) > MOST_FILES:
        raise ToolInputError(f"There are more than {MOST_FILES} Python files.", "Name some of them.")
    return sorted(found)


def ruff_settings(root: Path, rules: str = "") -> list[str]:
    """Return the options that name the workspace's own settings, or ours; never those of a folder above it.

    Args:
        root: The workspace.
        rules: Rules that are selected where the workspace has no settings; empty for the formatter.
    """
    for name in RUFF_FILES:
        file = root / name
        if file.is_file() and (name != "pyproject.toml" or "[tool.ruff" in file.read_text("utf-8", "replace")):
            return ["--config", str(file), "--force-exclude"]
    return ["--isolated", *(["--select", rules, "--ignore", UNFIT_RULES] if rules else [])]


async def run_checker(job: Job, cwd: Path, argv: list[str], statuses: tuple[int, ...] = (0,)) -> Completed:
    """Run a checker that is installed beside Nexus.

    Args:
        job: The call that it is run for.
        cwd: The folder that paths in `argv` are relative to.
        argv: Name of the module and its arguments.
        statuses: Exit statuses that are no failure.

    Raises:
        RunFailed: It broke, or took too long.
    """
    # -I keeps the folder itself off the import path: a file `ruff.py` or `json.py` in it would be run.
    command = [sys.executable, "-I", "-m", *argv]
    done = await run_for(job, command, cwd, timeout=SECONDS, output_limit=OUTPUT_BYTES, fixed=True)
    if done.timed_out:
        raise RunFailed(f"{argv[0]} took longer than {SECONDS:.0f} s.", "Name fewer files.")
    if done.returncode not in statuses:
        said = done.stderr.strip() or done.stdout.strip()
        raise RunFailed(f"{argv[0]} ended with status {done.returncode}.", said[-300:])
    return done
