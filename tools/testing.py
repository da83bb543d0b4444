"""The tool that runs the tests of the workspace with pytest, on a copy that is thrown away."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field

from nexus_agents.core.errors import MissingExtra, ToolInputError
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.work import TestReport
from tools.copying import copy_files
from tools.paths import inside, relative, require_workspace
from tools.sandbox import Completed, run_for
from tools.tree import walk

__all__ = ["TestFailure", "TestRun", "run_tests"]

SECONDS = 300.0
TAIL = 4000
"""Characters of the output that are handed on."""

MOST_FAILURES = 50
LONGEST_MESSAGE = 1500


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
    """What running the tests showed, test by test where they failed."""

    skipped: int = 0
    seconds: float = 0.0
    failures: list[TestFailure] = Field(default_factory=list[TestFailure])


@tool(risk="execute", extra="apps", timeout=SECONDS + 60, in_turn=True)
async def run_tests(job: Job, path: str = "") -> TestRun:
    """Run the tests of the workspace with pytest and report what failed and where.

    They run on a copy of the workspace: files that they write do not stay.

    Args:
        job: The call.
        path: A file or folder of tests, or one test as `tests/test_app.py::test_name`; empty for all.
    """
    if importlib.util.find_spec("pytest") is None:
        raise MissingExtra("Running tests", "apps")
    root = require_workspace(job.workspace)
    place, mark, test = path.partition("::")
    target = relative(root, inside(root, place)) if path else "."
    if not (root / target).exists():
        raise ToolInputError(f"There is no {path} to test.", "See which files there are with `list_files`.")
    folder = job.folder / "tests"
    copy, report = folder / "copy", folder / "report.xml"
    try:
        files = [name for name in walk(root) if not (root / name).is_relative_to(job.folder.resolve())]
        await asyncio.to_thread(copy_files, root, files, copy)
        report.unlink(missing_ok=True)
        target += mark + test
        argv = _pytest(copy, report, target)
        done = await run_for(
            job,
            [sys.executable, *argv],
            copy,
            timeout=SECONDS,
            env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            on_output=_show(job),
        )
        return _read_report(done, report, copy, f"python -m pytest -q {target}".removesuffix(" ."))
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
        cases = list(ET.parse(report).getroot().iter("testcase"))
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
    if done.timed_out:
        return f"The tests were ended after {done.seconds:.0f} s."
    if done.returncode == 5:
        return "There are no tests."
    counts = {"passed": run.passed, "failed": run.failed, "errors": run.errors, "skipped": run.skipped}
    if not any(counts.values()) or (done.returncode and not run.failed and not run.errors):
        return f"pytest ended with status {done.returncode} before the tests were done."
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{said} in {done.seconds:.1f} s"
