from __future__ import annotations

import shutil

import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from nexus_agents.core.tool import tool_spec
from tools.checking import check_code
from tools.formatting import format_code

pytest.importorskip("ruff")
pytest.importorskip("bandit")

BAD = """import os
import subprocess

def start(command):
    subprocess.call(command, shell=True)
    return undefined
"""


async def test_findings_say_where_what_and_whose(job) -> None:
    (job.workspace / "app.py").write_text(BAD)
    (job.workspace / "tests").mkdir()
    (job.workspace / "tests/test_app.py").write_text("import os\n\n\ndef test_a():\n    assert 1\n")
    (job.workspace / "broken.py").write_text("def f(:\n")
    report = await check_code(job)
    found = {(each.file, each.line, each.severity, each.rule, each.owner) for each in report.findings}
    assert ("app.py", 1, "low", "ruff F401", "backend") in found
    assert ("app.py", 6, "high", "ruff F821", "backend") in found
    assert ("app.py", 5, "high", "bandit B602", "backend") in found
    assert ("tests/test_app.py", 1, "low", "ruff F401", "testing") in found
    assert ("broken.py", 1, "high", "ruff invalid-syntax", "backend") in found
    assert not any(each.rule == "bandit B101" for each in report.findings)
    assert [each.severity for each in report.findings] == sorted(
        (each.severity for each in report.findings), key=["high", "medium", "low", "info"].index
    )
    undefined = next(each for each in report.findings if each.rule == "ruff F821")
    assert undefined.evidence == "Undefined name `undefined` | return undefined"
    assert report.files == 3
    assert [name.split()[0] for name in report.tools] == ["ruff", "bandit"]
    assert report.missing == []
    assert job.tree() == {"app.py", "tests/test_app.py", "broken.py"}
    assert await check_code(job.after_crash()) == report


async def test_asserts_outside_tests_are_found_and_paths_are_kept_to(job) -> None:
    (job.workspace / "a.py").write_text("assert True\n")
    (job.workspace / "b.py").write_text("import os\n")
    report = await check_code(job, ["a.py"])
    assert [each.rule for each in report.findings] == ["bandit B101"]
    assert (await check_code(job, ["./b.py", "."])).files == 2


async def test_types_are_checked_where_asked(job) -> None:
    pytest.importorskip("mypy")
    (job.workspace / "a.py").write_text("import b\n\nx: int = b.name()\n")
    (job.workspace / "b.py").write_text('def name() -> str:\n    return ""\n')
    # A plugin named in settings would be run.
    (job.workspace / "mypy.ini").write_text("[mypy]\nplugins = evil.py\n")
    (job.workspace / "evil.py").write_text("open('ran', 'w').close()\n")
    report = await check_code(job, types=True)
    assert [(each.rule, each.file, each.line) for each in report.findings if "mypy" in each.rule] == [
        ("mypy assignment", "a.py", 3)
    ]
    assert job.tree() == {"a.py", "b.py", "mypy.ini", "evil.py"}


async def test_pyright_is_taken_where_the_project_has_settings_of_it(job) -> None:
    pytest.importorskip("pyright")
    (job.workspace / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (job.workspace / "a.py").write_text('x: int = "one"\n')
    (job.workspace / "b.py").write_text('x: int = "one"\n')
    report = await check_code(job, ["a.py"], types=True)
    assert [(each.rule, each.file, each.line) for each in report.findings] == [
        ("pyright reportAssignmentType", "a.py", 1)
    ]
    assert report.tools[2].startswith("pyright ")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_the_syntax_of_javascript_is_checked(job) -> None:
    for name, text in {
        "static/bad.js": "const a = 1;\nfunction f( {\n",
        "static/module.js": 'import { x } from "./y.js";\nexport const a = ;\n',
        "static/good.js": 'import { x } from "./y.js";\nexport const a = x?.b ?? 1;\n',
        "static/old.cjs": "module.exports = 1;\n",
        "static/lib.min.js": "function (",
        "jsx.js": "const a = <b>1</b>;\n",
        "node_modules/x/index.js": "function (",
        "evil.js": "require('fs').writeFileSync('ran', '')\n",
    }.items():
        (job.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (job.workspace / name).write_text(text)
    report = await check_code(job)
    assert [(each.file, each.line, each.severity, each.rule, each.owner) for each in report.findings] == [
        ("static/bad.js", 3, "high", "node syntax", "frontend"),
        ("static/module.js", 2, "high", "node syntax", "frontend"),
    ]
    assert report.findings[1].evidence == "Unexpected token ';' | export const a = ;"
    assert report.tools[-1].startswith("node v")
    assert "ran" not in job.tree()


async def test_code_of_the_workspace_is_not_run(job) -> None:
    for name in ("ruff.py", "json.py", "bandit.py", "sitecustomize.py"):
        (job.workspace / name).write_text("open('ran', 'w').close()\n")
    report = await check_code(job)
    assert report.files == 4
    assert "ran" not in job.tree()


async def test_settings_above_do_not_count_and_its_own_do(job) -> None:
    (job.workspace.parent / "ruff.toml").write_text('lint.select = ["D"]\n')
    (job.workspace / "a.py").write_text("import os\n")
    assert [each.rule for each in (await check_code(job)).findings] == ["ruff F401"]
    (job.workspace / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["D100"]\n')
    assert [each.rule for each in (await check_code(job)).findings] == ["ruff D100"]


async def test_an_empty_workspace_has_no_findings(job) -> None:
    report = await check_code(job)
    assert (report.findings, report.files) == ([], 0)
    assert (await format_code(job)).changed == []


async def test_formatting_reports_what_it_changed_and_twice_is_once(job) -> None:
    messy = job.workspace / "src" / "messy.py"
    messy.parent.mkdir()
    messy.write_text("import sys\nimport os, json\ndef f( a,b ):\n  return os, sys,a\n")
    messy.chmod(0o755)
    (job.workspace / "fine.py").write_text("x = 1\n")
    (job.workspace / "broken.py").write_text("def f(:\n")
    report = await format_code(job)
    assert (report.changed, report.unchanged, report.skipped) == (["src/messy.py"], 1, ["broken.py"])
    assert messy.read_text() == "import os\nimport sys\n\n\ndef f(a, b):\n    return os, sys, a\n"
    assert messy.stat().st_mode & 0o777 == 0o755
    again = await format_code(job.after_crash())
    assert (again.changed, again.unchanged) == ([], 2)
    assert job.tree() == {"src/messy.py", "fine.py", "broken.py"}
    assert list(job.folder.iterdir()) == []


async def test_wrong_paths_are_refused(job) -> None:
    for call in (check_code, format_code):
        with pytest.raises(ToolInputError):
            await call(job, ["none.py"])
        with pytest.raises(WorkspaceError):
            await call(job, ["../x.py"])


def test_they_are_declared() -> None:
    assert [(tool_spec(each).risk, tool_spec(each).extra) for each in (check_code, format_code)] == [
        ("read", "apps"),
        ("write", "apps"),
    ]
