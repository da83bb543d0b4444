"""How much of the code tests have run: measured by coverage.py, read line by line."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel

from nexus_agents.core.errors import MissingExtra
from tools.diffs import Lines

__all__ = ["FileCoverage", "measured", "percent", "ranges", "read_coverage", "uncovered", "write_report"]

MOST_FILES = 200
DATA = ".coverage-of-nexus"


class FileCoverage(BaseModel):
    """A file and how much of it was run.

    Attributes:
        file: The file.
        percent: Of its statements.
        missing: Lines that were not run, such as `3-5, 9`.
    """

    file: str
    percent: float
    missing: str = ""


def measured(folder: Path) -> list[str]:
    """Return what is put before `-m pytest` to have it measured.

    Raises:
        MissingExtra: coverage.py is not installed.
    """
    if importlib.util.find_spec("coverage") is None:
        raise MissingExtra("Measuring coverage", "apps")
    return ["-m", "coverage", "run", f"--data-file={folder / DATA}", "--source=."]


def write_report(folder: Path, to: Path) -> list[str]:
    """Return the arguments of Python that turn what was measured into JSON."""
    return ["-m", "coverage", "json", "--quiet", f"--data-file={folder / DATA}", "-o", str(to)]


def read_coverage(report: Path) -> dict[str, tuple[int, frozenset[int]]]:
    """Return the number of statements and the lines that were not run by file; nothing where there is no report."""
    try:
        files = json.loads(report.read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return {}
    return {
        Path(name).as_posix(): (int(row["summary"]["num_statements"]), frozenset(row["missing_lines"]))
        for name, row in sorted(files.items())
        if row["summary"]["num_statements"]
    }


def percent(statements: int, missing: int) -> float:
    """Return the share of the statements that were run, in per cent."""
    return round(100 * (statements - missing) / statements, 1)


def uncovered(missing: Mapping[str, Iterable[int]], changed: Mapping[str, Lines]) -> list[str]:
    """Return the lines that were changed and not run, each file as `app.py:3-5, 9`."""
    rows = {
        name: [line for line in lines if name in changed and line in changed[name]] for name, lines in missing.items()
    }
    return [f"{name}:{ranges(lines)}" for name, lines in sorted(rows.items()) if lines]


def ranges(lines: Iterable[int]) -> str:
    """Return numbers as `3-5, 9`."""
    groups: list[list[int]] = []
    for line in sorted(lines):
        if groups and groups[-1][-1] == line - 1:
            groups[-1].append(line)
        else:
            groups.append([line])
    return ", ".join(f"{group[0]}-{group[-1]}" if len(group) > 1 else str(group[0]) for group in groups)
