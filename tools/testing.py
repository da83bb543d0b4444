"""The tool that runs the tests of the workspace with pytest, on a copy that is thrown away."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import stat
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field

from nexus_agents.core.errors import MissingExtra, ToolInputError
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.work import TestReport, owner_of
from tools.copying import copy_files
from tools.coverage import MOST_FILES, FileCoverage, measured, percent, ranges, read_coverage, uncovered, write_report
from tools.diffs import Lines, changed_lines
from tools.paths import inside, relative, require_workspace
from tools.sandbox import Completed, run_for
from tools.tree import walk

__all__ = ["TestFailure", "TestRun", "run_tests"]

SECONDS = 300.0
TAIL = 4000
"""Characters of the output that are handed on."""

LARGEST_REPORT = 32 << 20

MOST_FAILURES = 20
LONGEST_MESSAGE = 1200


class TestFailure(BaseModel):
    """A test that failed, or could not be run.

    Attributes:
        test: Its name as pytest writes it.
        file: Where it broke.
        line: The line, counted from 1; 0 where pytest does not say.
        message: The end of what pytest says.
    """

    __test__ = False  # pytest, this is not a test class

    test: str
    file: str
    line: int
    message: str


class TestRun(TestReport):
    """What running the tests showed, test by test where they failed.

    Attributes:
        skipped: Tests that were left out by their own choice.
        seconds: How long it took.
        failures: What failed.
        covered: Per cent of the statements that were run, tests not counted; None where it was not measured.
        coverage: The same by file, the least covered first.
        uncovered: Lines that were changed since the commit that was named, and were not run.
    """

    skipped: int = 0
    seconds: float = 0.0
    failures: list[TestFailure] = Field(default_factory=list[TestFailure])
    covered: float | None = None
    coverage: list[FileCoverage] = Field(default_factory=list[FileCoverage])
    uncovered: list[str] = Field(default_factory=list[str])


@tool(risk="execute", extra="apps", timeout=SECONDS + 60, in_turn=True)
async def run_tests(job: Job, path: str = "", coverage: bool = False, since: str = "") -> TestRun:
    """Run the tests of the workspace with pytest and report what failed and where.

    They run on a copy of the workspace: files that they write do not stay.

    Args:
        job: The call.
        path: A file or folder of tests, or one test as `tests/test_app.py::test_name`; empty for all.
        coverage: Measure which lines the tests run: per cent by file, and the lines that were not run.
        since: With `coverage`, a commit, branch or tag: name the lines changed since then that no test runs.
    """
    if importlib.util.find_spec("pytest") is None:
        raise MissingExtra("Running tests", "apps")
    root = require_workspace(job.workspace)
    place, mark, test = path.partition("::")
    target = relative(root, inside(root, place)) if path else "."
    if not (root / target).exists():
        raise ToolInputError(f"There is no {path} to test.", "See which files there are with `list_files`.")
    before = measured(job.folder.resolve() / "tests") if coverage or since else []
    changed = await changed_lines(job, root, since) if since else {}
    # Links followed: in the sandbox there is one name for a place.
    folder = job.folder.resolve() / "tests"
    copy, report = folder / "copy", folder / "report.xml"
    try:
        files = [name for name in walk(root) if not (root / name).is_relative_to(job.folder.resolve())]
        await asyncio.to_thread(copy_files, root, files, copy)
        report.unlink(missing_ok=True)
        target += mark + test
        argv = _pytest(copy, report, target)
        done = await run_for(
            job,
            [sys.executable, *before, *argv],
            copy,
            timeout=SECONDS,
            env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            on_output=_show(job),
            root=folder,
        )
        run = _read_report(done, report, copy, f"python -m pytest -q {target}".removesuffix(" ."))
        if before:
            said = folder / "coverage.json"
            await run_for(job, [sys.executable, *write_report(folder, said)], copy, timeout=60.0, root=folder)
            _add_coverage(run, said, changed)
        return run
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _pytest(root: Path, report: Path, target: str) -> list[str]:
    """Everything is named, since pytest would look for settings in the folders above the workspace, too."""
    argv = ["-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"]
    argv += ["-c", str(_settings(root)), f"--rootdir={root}", f"--confcutdir={root}"]
    return [*argv, "-o", "junit_family=xunit1", f"--junitxml={report}", f"./{target}"]


def _settings(root: Path) -> Path:
    for name, mark in (
        ("pytest.ini", ""),
        (".pytest.ini", ""),
        ("pyproject.toml", "[tool.pytest"),
        ("tox.ini", "[pytest]"),
        ("setup.cfg", "[tool:pytest]"),
    ):
        file = root / name
        if file.is_file() and mark in file.read_text("utf-8", "replace"):
            return file
    return Path("/dev/null")


def _show(job: Job) -> Callable[[str], None]:
    def show(piece: str) -> None:
        if shares := re.findall(r"\[\s*(\d+)%\]", piece):
            job.progress(int(shares[-1]) / 100, f"{shares[-1]} % of the tests")

    return show


def _read_report(done: Completed, report: Path, root: Path, command: str) -> TestRun:
    output = "\n".join(part.strip("\n") for part in (done.stdout, done.stderr) if part.strip())
    run = TestRun(
        passed=0,
        failed=0,
        command=command,
        sandbox=f"{done.level}; on a copy of the workspace",
        summary="",
        seconds=done.seconds,
        # The temporary place of the copy means nothing to the reader.
        output_tail=output.replace(f"{root}/", "").replace(str(root), ".")[-TAIL:],
    )
    try:
        cases = list(ET.fromstring(_read_file(report)).iter("testcase"))
    except (OSError, ET.ParseError):
        cases = []
    for case in cases:
        problem = next((part for part in case if part.tag in ("failure", "error")), None)
        if problem is not None:
            run.failed += problem.tag == "failure"
            run.errors += problem.tag == "error"
            if len(run.failures) < MOST_FAILURES:
                run.failures.append(_failure(case, problem, root))
        elif case.find("skipped") is not None:
            run.skipped += 1
        else:
            run.passed += 1
    run.summary = _summary(run, done)
    if not run.failed and not run.errors and done.returncode not in (0, 5):
        run.errors = 1  # pytest itself broke, or a test ended the process: that is not green
    return run


def _add_coverage(run: TestRun, report: Path, changed: dict[str, Lines]) -> None:
    files = {name: row for name, row in read_coverage(report).items() if owner_of(name) != "testing"}
    rows = sorted((percent(count, len(missing)), name) for name, (count, missing) in files.items())
    run.coverage = [
        FileCoverage(file=name, percent=share, missing=ranges(files[name][1])[:300])
        for share, name in rows[:MOST_FILES]
    ]
    if files:
        run.covered = percent(sum(row[0] for row in files.values()), sum(len(row[1]) for row in files.values()))
    run.uncovered = uncovered({name: missing for name, (_, missing) in files.items()}, changed)
    if run.covered is not None:
        run.summary += f"; {run.covered:g} % of the statements were run"


def _read_file(path: Path) -> bytes:
    # Tests can put anything in its place: a link that leads elsewhere, a pipe that never ends.
    place = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(place, "rb") as file:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise OSError("this is no file")
        return file.read(LARGEST_REPORT)


def _failure(case: ET.Element, problem: ET.Element, root: Path) -> TestFailure:
    text = (problem.text or problem.get("message") or "").replace(f"{root}/", "")
    file, line = case.get("file", ""), int(case.get("line", "-1")) + 1  # xunit1 counts from 0
    # The last "file:line: Error" of the traceback that is in the workspace.
    for place in re.finditer(r"^([^\s:][^:\n]*\.py):(\d+): ", text, re.M):
        if not place[1].startswith(("/", "..")):
            file, line = place[1], int(place[2])
    name = case.get("name", "")
    group = case.get("classname", "").replace(".", "/")
    test = f"{case.get('file') or group}::{name}" if name else group
    return TestFailure(test=test, file=file, line=line, message=text.strip()[-LONGEST_MESSAGE:])


def _summary(run: TestRun, done: Completed) -> str:
    if done.limit:
        return f"The tests were ended: they went beyond the limit of {done.limit}."
    if done.timed_out:
        return f"The tests were ended after {done.seconds:.0f} s."
    if done.returncode == 5:
        return "There are no tests."
    counts = {"passed": run.passed, "failed": run.failed, "errors": run.errors, "skipped": run.skipped}
    if not any(counts.values()) or (done.returncode and not run.failed and not run.errors):
        return f"pytest ended with status {done.returncode} before the tests were done."
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{said} in {done.seconds:.1f} s"
