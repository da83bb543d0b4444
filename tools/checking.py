"""The tool that checks the Python code of the workspace with ruff, bandit and mypy, none of which runs it."""

from __future__ import annotations

import importlib.util
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from nexus_agents.core.errors import MissingExtra, RunFailed
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.work import Finding
from tools.paths import require_workspace
from tools.python_code import SECONDS, python_files, ruff_settings, run_checker
from tools.sandbox import Completed

__all__ = ["CheckReport", "check_code"]

Severity = Literal["info", "low", "medium", "high"]
Owner = Literal["backend", "frontend", "testing"]

MOST_FINDINGS = 200
CHECK_RULES = "E4,E7,E9,F,B,ASYNC,PLE"

_RUFF_SEVERITIES: tuple[tuple[str, Severity], ...] = (
    # Names that do not exist fail when the line is reached; what is merely unused does not.
    ("invalid-syntax", "high"),
    ("F82", "high"),
    ("F7", "high"),
    ("F50", "medium"),
    ("E9", "high"),
    ("PLE", "high"),
    ("B", "medium"),
    ("ASYNC", "medium"),
)

_BANDIT_SEVERITIES: dict[str, Severity] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}


class CheckReport(BaseModel):
    """What the checkers found.

    Attributes:
        findings: Worst first.
        files: Python files that were checked.
        tools: What was run, with versions.
        missing: What is not installed.
        truncated: Whether there are more findings.
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


@tool(risk="read", extra="apps", timeout=3 * SECONDS + 30, in_turn=True)
async def check_code(job: Job, paths: list[str] | None = None, types: bool = False) -> CheckReport:
    """Check Python code of the workspace for errors and weaknesses, with ruff and bandit.

    Args:
        job: The call.
        paths: Files or folders; all where none is given.
        types: Check types with mypy as well, which takes longer.
    """
    root = require_workspace(job.workspace)
    files = python_files(root, paths or [])
    wanted = ["ruff", "bandit", *(["mypy"] if types else [])]
    installed = [name for name in wanted if importlib.util.find_spec(name)]
    if not installed:
        raise MissingExtra("Checking code", "apps")
    findings: list[Finding] = []
    for number, name in enumerate(installed if files else []):
        job.progress(number / len(installed), name)
        findings += await _CHECKERS[name](job, root, files)
    order = ["high", "medium", "low", "info"]
    findings.sort(key=lambda found: (order.index(found.severity), found.file, found.line, found.rule))
    return CheckReport(
        findings=findings[:MOST_FINDINGS],
        files=len(files),
        tools=[f"{name} {version(name)}" for name in installed],
        missing=[name for name in wanted if name not in installed],
        truncated=len(findings) > MOST_FINDINGS,
    )


async def _ruff(job: Job, root: Path, files: list[str]) -> list[Finding]:
    options = ["check", "--exit-zero", "--quiet", "--no-cache", "--output-format=json"]
    done = await run_checker(job, root, ["ruff", *options, *ruff_settings(root, CHECK_RULES), *files])
    findings: list[Finding] = []
    for row in _json(done, "ruff"):
        rule = row["code"] or "invalid-syntax"
        file, line = row["filename"], row["location"]["row"]
        findings.append(_finding(root, file, line, _ruff_severity(rule), f"ruff {rule}", row["message"]))
    return findings


async def _bandit(job: Job, root: Path, files: list[str]) -> list[Finding]:
    done = await run_checker(job, root, ["bandit", "-q", "--exit-zero", "-f", "json", *files])
    findings: list[Finding] = []
    for row in _json(done, "bandit")["results"]:
        if row["test_id"] == "B101" and _owner(row["filename"]) == "testing":
            continue  # tests are made of asserts
        severity = _BANDIT_SEVERITIES.get(row["issue_severity"], "info")
        rule = f"bandit {row['test_id']}"
        findings.append(_finding(root, row["filename"], row["line_number"], severity, rule, row["issue_text"]))
    return findings


async def _mypy(job: Job, root: Path, files: list[str]) -> list[Finding]:
    # Settings of the workspace are left out: they can name plugins, which mypy would run.
    options = ["--config-file=", "--cache-dir=/dev/null", "--no-incremental", "--no-error-summary"]
    options += ["--output=json", "--ignore-missing-imports", "--namespace-packages"]
    options += ["--explicit-package-bases", "--check-untyped-defs"]
    done = await run_checker(job, root, ["mypy", *options, *files], statuses=(0, 1, 2))
    findings: list[Finding] = []
    for text in done.stdout.splitlines():
        if not text.startswith("{"):
            continue
        row = json.loads(text)
        if row["code"] == "syntax":
            continue  # ruff has it
        severity: Severity = "medium" if row["severity"] == "error" else "info"
        findings.append(
            _finding(root, row["file"], max(row["line"], 1), severity, f"mypy {row['code']}", row["message"])
        )
    if done.returncode == 2 and not findings and '"code": "syntax"' not in done.stdout:
        raise RunFailed("mypy could not check the code.", (done.stderr or done.stdout).strip()[-300:])
    return findings


_CHECKERS = {"ruff": _ruff, "bandit": _bandit, "mypy": _mypy}


def _finding(root: Path, file: str, line: int, severity: Severity, rule: str, text: str) -> Finding:
    path = Path(file)
    name = path.relative_to(root).as_posix() if path.is_absolute() else path.as_posix()
    try:
        source = (root / name).read_text("utf-8", "replace").split("\n")[line - 1].strip()[:200]
    except (OSError, IndexError):
        source = ""
    evidence = f"{text.strip()} | {source}" if source else text.strip()
    return Finding(file=name, line=line, severity=severity, rule=rule, evidence=evidence, owner=_owner(name))


def _ruff_severity(rule: str) -> Severity:
    for start, severity in _RUFF_SEVERITIES:
        if rule.startswith(start):
            return severity
    return "low"


def _owner(name: str) -> Owner:
    path = Path(name)
    if path.name.startswith(("test_", "conftest")) or path.stem.endswith("_test") or "tests" in path.parts:
        return "testing"
    return "frontend" if {"frontend", "static", "templates", "ui"} & set(path.parts) else "backend"


def _json(done: Completed, name: str) -> Any:
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise RunFailed(f"{name} gave no readable answer.", done.stderr.strip()[-300:]) from error
