"""The tool that checks code of the workspace: ruff, bandit, a type checker and node, none of which runs it."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, Field

from nexus_agents.core.errors import MissingExtra
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.work import Finding
from tools.checkers import CHECKERS, MOST_JAVASCRIPT, configures_pyright, javascript_files, node_version
from tools.diffs import changed_lines
from tools.paths import inside, relative, require_workspace
from tools.python_code import SECONDS, python_files

__all__ = ["CheckReport", "check_code"]

MOST_FINDINGS = 100


class CheckReport(BaseModel):
    """What the checkers found.

    Attributes:
        findings: Worst first.
        files: Files that were checked.
        tools: What was run, with versions.
        missing: What is not installed.
        truncated: Whether there are more findings, or files that were not looked at.
    """

    findings: list[Finding] = Field(default_factory=list[Finding])
    files: int
    tools: list[str]
    missing: list[str] = Field(default_factory=list[str])
    truncated: bool = False

    @property
    def summary(self) -> str:
        """What people are told."""
        serious = sum(found.severity == "high" for found in self.findings)
        return f"{len(self.findings)} findings, {serious} of them serious, in {self.files} files"


@tool(risk="read", extra="apps", timeout=3 * SECONDS + 60, in_turn=True)
async def check_code(job: Job, paths: list[str] | None = None, types: bool = False, since: str = "") -> CheckReport:
    """Check code of the workspace for errors and weaknesses: Python with ruff and bandit, JavaScript with node.

    Every finding has file, line, severity, rule and the evidence.

    Args:
        job: The call.
        paths: Files or folders; all where none is given.
        types: Check types as well, which takes longer: with pyright where the project has settings of it, else mypy.
        since: A commit, branch or tag: report only findings on lines that were changed since then.
    """
    root = require_workspace(job.workspace)
    python = python_files(root, paths or [])
    scripts = javascript_files(root, [relative(root, inside(root, path)) for path in paths or []])
    changed = await changed_lines(job, root, since) if since else None
    if changed is not None:
        python, scripts = ([name for name in names if name[2:] in changed] for names in (python, scripts))
    wanted = ["ruff", "bandit", *([_type_checker(root)] if types else [])]
    installed = [name for name in wanted if importlib.util.find_spec(name)]
    missing = [name for name in wanted if name not in installed]
    if not installed:
        raise MissingExtra("Checking code", "apps")
    tools = [f"{name} {version(name)}" for name in installed]
    todo = [(name, python) for name in installed if python]
    if scripts:
        node = await node_version(job, root)
        tools += [f"node {node}"] if node else []
        missing += [] if node else ["node"]
        todo += [("node", scripts)] if node else []
    findings: list[Finding] = []
    for number, (name, files) in enumerate(todo):
        job.progress(number / len(todo), name)
        findings += await CHECKERS[name](job, root, files)
    if changed is not None:
        findings = [found for found in findings if found.file in changed and found.line in changed[found.file]]
    order = ["high", "medium", "low", "info"]
    findings.sort(key=lambda found: (order.index(found.severity), found.file, found.line, found.rule))
    return CheckReport(
        findings=findings[:MOST_FINDINGS],
        files=len(python) + len(scripts),
        tools=tools,
        missing=missing,
        truncated=len(findings) > MOST_FINDINGS or len(scripts) > MOST_JAVASCRIPT,
    )


def _type_checker(root: Path) -> str:
    return "pyright" if configures_pyright(root) and importlib.util.find_spec("pyright") else "mypy"
