"""The tool that formats the Python code of the workspace with ruff."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, Field

from nexus_agents.core.errors import MissingExtra
from nexus_agents.core.tool import Job, tool
from tools.copying import copy_files
from tools.paths import inside, require_workspace
from tools.python_code import RUFF_FILES, python_files, ruff_settings, run_checker
from tools.text_files import write_atomically

__all__ = ["FormatReport", "format_code"]

FIX_RULES = "E4,E7,E9,F,I"


class FormatReport(BaseModel):
    """What formatting changed.

    Attributes:
        changed: Files that were rewritten.
        unchanged: How many were in order.
        skipped: Files that are not valid Python.
        tools: What was run, with its version.
    """

    changed: list[str]
    unchanged: int
    skipped: list[str] = Field(default_factory=list[str])
    tools: list[str]

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{len(self.changed)} files formatted, {self.unchanged} were in order"


@tool(risk="write", extra="apps", timeout=270.0, in_turn=True)
async def format_code(job: Job, paths: list[str] | None = None) -> FormatReport:
    """Format Python code of the workspace with ruff: sorted imports, safe fixes, one layout.

    Args:
        job: The call.
        paths: Files or folders; all where none is given.
    """
    if importlib.util.find_spec("ruff") is None:
        raise MissingExtra("Formatting code", "apps")
    root = require_workspace(job.workspace)
    files = python_files(root, paths or [])
    tools = [f"ruff {version('ruff')}"]
    if not files:
        return FormatReport(changed=[], unchanged=0, tools=tools)
    # On a copy: ruff writes in place, and ended in the middle it would leave half a file.
    copy = job.folder / "format"
    try:
        settings = [name for name in RUFF_FILES if (root / name).is_file()]
        await asyncio.to_thread(copy_files, root, [*files, *settings], copy)
        before = {name: (copy / name).read_bytes() for name in files}
        options = ["--fix", "--exit-zero", "--quiet", "--no-cache", "--output-format=json"]
        done = await run_checker(job, copy, ["ruff", "check", *options, *ruff_settings(copy, FIX_RULES), *files])
        layout = ["ruff", "format", "--quiet", "--no-cache", *ruff_settings(copy)]
        # Status 2: some file is not valid Python; the others are formatted.
        await run_checker(job, copy, [*layout, *files], statuses=(0, 2))
        changed = await asyncio.to_thread(_bring_back, job, root, copy, before)
    finally:
        await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)
    wrong = {row["filename"] for row in json.loads(done.stdout or "[]") if row["code"] in (None, "invalid-syntax")}
    skipped = sorted({Path(name).relative_to(copy.resolve()).as_posix() for name in wrong} - set(changed))
    unchanged = len(files) - len(changed) - len(skipped)
    return FormatReport(changed=changed, unchanged=unchanged, skipped=skipped, tools=tools)


def _bring_back(job: Job, root: Path, copy: Path, before: dict[str, bytes]) -> list[str]:
    changed: list[str] = []
    for name, old in before.items():
        new = (copy / name).read_bytes()
        # What was edited meanwhile is newer than what was formatted.
        if new != old and (root / name).read_bytes() == old:
            shown = name.removeprefix("./")
            file = inside(root, shown, writing=True)
            write_atomically(file, new, call=f"{job.run_id}/{job.call_id}", name=shown)
            changed.append(shown)
    return changed
