from __future__ import annotations

import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from tools.testing import run_tests

pytest.importorskip("pytest")

TESTS = """
import sqlite3, pathlib, pytest
from app import double

def test_good():
    assert double(2) == 4

def test_wrong():
    assert double(2) == 5

@pytest.fixture
def broken():
    raise RuntimeError("no fixture")

def test_error(broken):
    pass

@pytest.mark.skip
def test_skipped():
    pass

class TestGroup:
    def test_leaves_a_database(self):
        sqlite3.connect("left.db").execute("create table t (a)")
        pathlib.Path("app.py").unlink()
"""


async def test_a_report_names_what_failed_and_nothing_is_left(job) -> None:
    (job.workspace / "tests").mkdir()
    (job.workspace / "app.py").write_text("def double(x):\n    return 2 * x\n")
    (job.workspace / "tests/test_app.py").write_text(TESTS)
    report = await run_tests(job)
    assert (report.passed, report.failed, report.errors, report.skipped) == (2, 1, 1, 1)
    assert not report.green
    assert report.summary.startswith("2 passed, 1 failed, 1 errors, 1 skipped in ")
    by_name = {failure.test: failure for failure in report.failures}
    assert set(by_name) == {"tests/test_app.py::test_wrong", "tests/test_app.py::test_error"}
    wrong = by_name["tests/test_app.py::test_wrong"]
    assert (wrong.file, wrong.line) == ("tests/test_app.py", 9)
    assert "assert 4 == 5" in wrong.message
    assert by_name["tests/test_app.py::test_error"].line == 13
    assert "copy of the workspace" in report.sandbox
    assert report.command == "python -m pytest -q"
    assert "1 failed" in report.output_tail
    assert str(job.folder) not in report.model_dump_json()
    assert job.tree() == {"app.py", "tests/test_app.py"}
    assert list(job.folder.iterdir()) == []
    again = await run_tests(job.after_crash())
    assert again.passed == report.passed
    assert job.reports[-1][0] == 1.0


async def test_green_and_one_file_only(job) -> None:
    (job.workspace / "test_a.py").write_text("def test_a():\n    pass\n")
    (job.workspace / "test_b.py").write_text("def test_b():\n    raise ValueError('no')\n")
    for path in ("test_a.py", "test_a.py::test_a"):
        report = await run_tests(job, path)
        assert report.green
        assert report.command == f"python -m pytest -q {path}"


async def test_settings_above_the_workspace_do_not_count(job) -> None:
    above = job.workspace.parent
    (above / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (above / "conftest.py").write_text("raise RuntimeError('from above')\n")
    (job.workspace / "test_a.py").write_text("def test_a():\n    pass\n")
    assert (await run_tests(job)).green
    (job.workspace / "pyproject.toml").write_text('[tool.pytest.ini_options]\npython_files = ["check_*.py"]\n')
    (job.workspace / "check_b.py").write_text("def test_b():\n    pass\ndef test_c():\n    pass\n")
    assert (await run_tests(job)).passed == 2


async def test_a_test_file_that_cannot_be_read_is_an_error(job) -> None:
    (job.workspace / "test_a.py").write_text("import no_such_module\n")
    report = await run_tests(job)
    assert (report.passed, report.errors) == (0, 1)
    assert "no_such_module" in report.failures[0].message
    assert report.failures[0].test.startswith("test_a")


async def test_tests_that_end_the_process_are_not_green(job) -> None:
    (job.workspace / "test_a.py").write_text("import os\ndef test_a():\n    pass\ndef test_b():\n    os._exit(0)\n")
    report = await run_tests(job)
    assert not report.green
    assert report.summary


async def test_no_tests_are_not_green(job) -> None:
    report = await run_tests(job)
    assert not report.green
    assert report.summary == "There are no tests."


async def test_a_report_that_is_no_file_is_not_read(job) -> None:
    (job.workspace / "secret.xml").write_text("<testsuites><testsuite><testcase name='x'/></testsuite></testsuites>")
    code = """
import atexit, os, pathlib

def leave(make):
    report = pathlib.Path("../report.xml")
    report.unlink(missing_ok=True)
    make(report)
    os._exit(0)

def test_link():
    leave(lambda report: report.symlink_to({place!r}))

def test_pipe():
    leave(os.mkfifo)
"""
    (job.workspace / "test_a.py").write_text(code.replace("{place!r}", repr(str(job.workspace / "secret.xml"))))
    for name in ("test_link", "test_pipe"):
        report = await run_tests(job, f"test_a.py::{name}")
        assert not report.green
        assert report.passed == 0


async def test_wrong_paths_are_refused(job) -> None:
    with pytest.raises(ToolInputError):
        await run_tests(job, "none")
    with pytest.raises(WorkspaceError):
        await run_tests(job, "../other")
    (job.workspace / "-x.py").write_text("def test_x():\n    pass\n")
    assert (await run_tests(job, "-x.py")).green
