"""The checkers of code, each run without running that code, and what they say as findings."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

from nexus_agents.core.errors import RunFailed, ToolInputError
from nexus_agents.core.tool import Job
from nexus_agents.core.work import Finding, owner_of
from tools.python_code import ruff_settings, run_checker
from tools.sandbox import Completed, run_for
from tools.tree import walk

__all__ = ["CHECKERS", "configures_pyright", "javascript_files", "node_version"]

Severity = Literal["info", "low", "medium", "high"]

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

LONGEST_TEXT, LONGEST_SOURCE = 300, 160
"""Characters of a checker's words, and of the line that they are about."""

MOST_JAVASCRIPT = 50
"""Files: each is a process of node, some 100 ms."""

NODE_SECONDS = 20.0


def configures_pyright(root: Path) -> Path | None:
    """Return the file in which a workspace has settings of pyright, or None."""
    for name, mark in (("pyrightconfig.json", ""), ("pyproject.toml", "[tool.pyright")):
        if (root / name).is_file() and mark in (root / name).read_text("utf-8", "replace"):
            return root / name
    return None


def javascript_files(root: Path, paths: list[str]) -> list[str]:
    """Return JavaScript below some paths, or all of it, each with `./` before its name; not what is minified."""
    found = {
        f"./{name}" for path in paths or ["."] for name in walk(root, path) if name.endswith((".js", ".mjs", ".cjs"))
    }
    return sorted(name for name in found if not name.endswith(".min.js"))


async def node_version(job: Job, root: Path) -> str:
    """Return the version of node, or nothing where it is not installed."""
    try:
        done = await run_for(job, ["node", "--version"], root, timeout=NODE_SECONDS, fixed=True)
    except ToolInputError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


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
        if row["test_id"] == "B101" and owner_of(row["filename"]) == "testing":
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


async def _pyright(job: Job, root: Path, files: list[str]) -> list[Finding]:
    settings = configures_pyright(root)
    project = [f"--project={settings}"] if settings else files
    done = await run_checker(job, root, ["pyright", "--outputjson", *project], statuses=(0, 1))
    wanted = {name.removeprefix("./") for name in files}
    findings: list[Finding] = []
    for row in _json(done, "pyright")["generalDiagnostics"]:
        if "range" not in row or not Path(row["file"]).is_relative_to(root):
            continue
        severity: Severity = "medium" if row["severity"] == "error" else "info"
        rule = f"pyright {row.get('rule', 'syntax')}"
        found = _finding(root, row["file"], row["range"]["start"]["line"] + 1, severity, rule, row["message"])
        if found.file in wanted:
            findings.append(found)
    return findings


async def _node(job: Job, root: Path, files: list[str]) -> list[Finding]:
    findings: list[Finding] = []
    folder = job.folder / "node"
    try:
        for name in files[:MOST_JAVASCRIPT]:
            source = (root / name).read_text("utf-8", "replace")
            place, argument = root, name
            if not name.endswith(".cjs") and re.search(r"^\s*(import|export)\b", source, re.M):
                # Node tells modules from scripts by the suffix alone.
                folder.mkdir(parents=True, exist_ok=True)
                await asyncio.to_thread((folder / "module.mjs").write_text, source, "utf-8")
                place, argument = folder, "./module.mjs"
            done = await run_for(job, ["node", "--check", argument], place, timeout=NODE_SECONDS, fixed=True)
            line = re.search(r":(\d+)$", done.stderr, re.M)
            error = re.search(r"^SyntaxError: (.*)$", done.stderr, re.M)
            # JSX in a .js file is for a build step, not for node.
            if done.returncode and line and error and "token '<'" not in error[1]:
                findings.append(_finding(root, name, int(line[1]), "high", "node syntax", error[1]))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return findings


Checker = Callable[[Job, Path, list[str]], Awaitable[list[Finding]]]

CHECKERS: dict[str, Checker] = {"ruff": _ruff, "bandit": _bandit, "mypy": _mypy, "pyright": _pyright, "node": _node}
"""By name: the call, the workspace and the files (each with `./` before its name) give findings."""


def _finding(root: Path, file: str, line: int, severity: Severity, rule: str, text: str) -> Finding:
    path = Path(file)
    name = path.relative_to(root).as_posix() if path.is_absolute() else path.as_posix()
    try:
        source = (root / name).read_text("utf-8", "replace").split("\n")[line - 1].strip()[:LONGEST_SOURCE]
    except (OSError, IndexError):
        source = ""
    said = text.strip()[:LONGEST_TEXT]
    evidence = f"{said} | {source}" if source else said
    return Finding(file=name, line=line, severity=severity, rule=rule, evidence=evidence, owner=owner_of(name))


def _ruff_severity(rule: str) -> Severity:
    for start, severity in _RUFF_SEVERITIES:
        if rule.startswith(start):
            return severity
    return "low"


def _json(done: Completed, name: str) -> Any:
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise RunFailed(f"{name} gave no readable answer.", done.stderr.strip()[-300:]) from error
