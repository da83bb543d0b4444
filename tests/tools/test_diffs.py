from __future__ import annotations

import shutil

import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from nexus_agents.core.tool import tool_spec
from tools import diffs
from tools.checking import check_code
from tools.diffs import changed_lines, read_diff
from tools.git import commit
from tools.testing import run_tests

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
async def changed(job):
    """A workspace with one commit and, since then, a change, a deletion, a new file and a picture."""
    (job.workspace / "app.py").write_text("import os\n\n\ndef f():\n    return missing\n\n\ndef g():\n    return 2\n")
    (job.workspace / "gone.txt").write_text("x\n")
    (job.workspace / ".gitignore").write_text("build/\n")
    await commit(job.again("start"), "Start", ["."])
    (job.workspace / "app.py").write_text(
        "import os\n\n\ndef f():\n    return missing\n\n\ndef g():\n    x = 1\n    return also_missing\n"
    )
    (job.workspace / "gone.txt").unlink()
    (job.workspace / "ü new.py").write_text("import sys\n")
    (job.workspace / "logo.png").write_bytes(b"\x89PNG\0")
    (job.workspace / "build").mkdir()
    (job.workspace / "build/out.py").write_text("import sys\n")
    return job


async def test_the_list_of_files_comes_first_and_then_the_diff(changed) -> None:
    made = await read_diff(changed)
    assert made.summary == "4 files changed since " + made.since[:10] + " (+3 -2)"
    said = made.for_model()
    assert said.split("\n")[1:6] == [
        "changed app.py (+2 -1)",
        "deleted gone.txt (+0 -1)",
        "untracked logo.png (+0 -0)",
        "untracked ü new.py (+1 -0)",
        "",
    ]
    assert "@@ -6,4 +6,5 @@" in said
    assert "-    return 2\n+    x = 1\n+    return also_missing" in said
    assert "--- /dev/null\n+++ b/ü new.py\n@@ -0,0 +1,1 @@\n+import sys" in said
    one = await read_diff(changed, paths=["gone.txt"])
    assert [file.path for file in one.files] == ["gone.txt"]


async def test_a_long_diff_is_left_out_and_named(changed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "MOST_CHARACTERS", 1000)
    (changed.workspace / "long.txt").write_text("word\n" * 1000)
    made = await read_diff(changed)
    assert made.left_out == ["long.txt"]
    assert "name one in `paths`: long.txt" in made.for_model()
    one = await read_diff(changed, paths=["long.txt"])
    assert one.left_out == []
    assert len(one.for_model()) < 1300
    assert one.diff.endswith("[the rest is left out; read the file with `read_file`]")


async def test_changed_lines(changed) -> None:
    lines = await changed_lines(changed, changed.workspace, "HEAD")
    assert {name: 9 in each for name, each in lines.items()} == {"app.py": True, "logo.png": True, "ü new.py": True}
    assert lines["app.py"].numbers == {9, 10}


async def test_programs_that_the_repository_names_are_not_run(changed) -> None:
    (changed.workspace / ".gitattributes").write_text("*.py diff=evil\n")
    with (changed.workspace / ".git/config").open("a") as file:
        file.write(
            '[diff]\n\texternal = touch ran; true\n\tnoprefix = true\n[diff "evil"]\n\ttextconv = touch ran; cat\n'
        )
    assert "--- a/app.py" in (await read_diff(changed)).diff
    assert "ran" not in changed.tree()


async def test_what_cannot_be_compared_is_refused(job, changed) -> None:
    for since in ("", "none", "--output=x", "HEAD; ls", "HEAD:app.py"):
        with pytest.raises(ToolInputError) as caught:
            await read_diff(changed, since)
        assert caught.value.hint
    with pytest.raises(WorkspaceError):
        await read_diff(changed, paths=["../x"])
    shutil.rmtree(changed.workspace / ".git")
    with pytest.raises(ToolInputError, match="no git repository"):
        await read_diff(changed)
    assert tool_spec(read_diff).risk == "read"


async def test_checks_report_what_was_changed_and_nothing_else(changed) -> None:
    pytest.importorskip("ruff")
    pytest.importorskip("bandit")
    everything = await check_code(changed)
    assert ("app.py", 5, "ruff F821") in {(each.file, each.line, each.rule) for each in everything.findings}
    report = await check_code(changed, since="HEAD")
    assert [(each.file, each.line, each.rule) for each in report.findings] == [
        ("app.py", 10, "ruff F821"),
        ("app.py", 9, "ruff F841"),
        ("ü new.py", 1, "ruff F401"),
    ]
    assert report.files == 2


async def test_coverage_names_changed_lines_that_no_test_runs(changed) -> None:
    pytest.importorskip("coverage")
    (changed.workspace / "app.py").write_text(
        "def f(x):\n    if x:\n        return 1\n    return 2\n\n\ndef g():\n    y = 1\n    return y\n"
    )
    (changed.workspace / "test_app.py").write_text("import app\n\n\ndef test_f():\n    assert app.f(1) == 1\n")
    run = await run_tests(changed, coverage=True, since="HEAD")
    assert (run.passed, run.green) == (1, True)
    assert [(row.file, row.percent, row.missing) for row in run.coverage if row.file == "app.py"] == [
        ("app.py", 57.1, "4, 8-9")
    ]
    assert "app.py:4, 8-9" in run.uncovered
    assert not any(row.file == "test_app.py" for row in run.coverage)
    assert run.covered is not None
    assert run.summary.endswith(f"; {run.covered:g} % of the statements were run")
    assert ".coverage" not in {name.rpartition("/")[2] for name in changed.tree()}
    plain = await run_tests(changed.again("call-3"))
    assert (plain.covered, plain.coverage, plain.uncovered) == (None, [], [])
