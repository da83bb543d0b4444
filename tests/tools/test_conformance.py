"""Every registered tool: what a model reads of it, that it keeps to the workspace, that its answer is bounded."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_agents.core.config import Config
from nexus_agents.core.errors import NexusError, WorkspaceError
from nexus_agents.core.tool import ToolSpec, tool_spec
from nexus_agents.runtime.wiring import TOOLS, tool_registry

ROOT = Path(__file__).parents[2]

MOST_ANSWER = 100_000
"""Characters: what a model may be given by one call, some 25,000 tokens."""

OUTSIDE = ("../secret.txt", "/etc/passwd", "out/secret.txt", "sub/../../secret.txt", "~/x")
GIT = (".git/hooks/pre-commit", "sub/.git/config")

PATCH = "--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"

PATHS: dict[str, tuple[dict[str, Any], str, str]] = {
    # Tool: other arguments, the argument that takes a path, what is made of the path.
    "apply_patch": ({}, "patch", PATCH),
    "check_code": ({}, "paths", "[]"),
    "commit": ({"message": "Add"}, "paths", "[]"),
    "delete_file": ({}, "path", "{path}"),
    "edit_file": ({"old": "a", "new": "b"}, "path", "{path}"),
    "format_code": ({}, "paths", "[]"),
    "list_files": ({}, "pattern", "{path}"),
    "move_file": ({"target": "here.txt"}, "source", "{path}"),
    "read_diff": ({}, "paths", "[]"),
    "read_file": ({}, "path", "{path}"),
    "repository_map": ({}, "path", "{path}"),
    "run_tests": ({}, "path", "{path}"),
    "search_files": ({"pattern": "x"}, "glob", "{path}"),
    "write_file": ({"content": "x"}, "path", "{path}"),
}

NO_PATHS = {
    # They name no file of the workspace, or take the path in another way, which their own tests try.
    "assemble_podcast",
    "build_app",
    "clone_voice",
    "close_worktree",
    "debate",
    "forget",
    "list_models",
    "list_processes",
    "list_voices",
    "make_podcast",
    "merge_worktree",
    "open_worktree",
    "read_document",
    "read_process",
    "read_skill",
    "recall",
    "remember",
    "repository_state",
    "run_command",
    "run_workflow",
    "speak",
    "speak_document",
    "start_process",
    "stop_process",
}

WRITES = ("apply_patch", "commit", "delete_file", "edit_file", "move_file", "write_file")


def specs() -> Iterator[ToolSpec]:
    registry = tool_registry(Config())
    for name in TOOLS:
        yield tool_spec(registry.load(name))


def arguments(name: str, path: str) -> dict[str, Any]:
    others, argument, form = PATHS[name]
    return {**others, argument: [path] if form == "[]" else form.format(path=path)}


@pytest.fixture
def fenced(job):
    """A workspace with a link that leads out of it, and something outside that is not to be seen."""
    outside = job.workspace.parent
    (outside / "secret.txt").write_text("secret word\n")
    (job.workspace / "out").symlink_to(outside)
    (job.workspace / "sub").mkdir()
    (job.workspace / "a.txt").write_text("a\n")
    return job


def test_every_tool_is_looked_at() -> None:
    assert set(PATHS) | NO_PATHS == set(TOOLS)
    assert not set(PATHS) & NO_PATHS


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
def test_a_model_can_read_what_it_does(spec: ToolSpec) -> None:
    first, *rest = spec.description.splitlines()
    assert 20 < len(first) <= 120
    assert first[0].isupper()
    assert first.rstrip().endswith(".")
    assert len(spec.description) <= 1000
    assert not rest or not rest[0].strip(), "the first line stands alone"
    for name, schema in spec.arguments.model_json_schema().get("properties", {}).items():
        said = schema.get("description", "")
        assert 5 <= len(said) <= 300, name
        assert not re.search(r"\bjob\b", said)


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("name", PATHS)
async def test_no_tool_leaves_the_workspace(fenced, name: str, path: str) -> None:
    if name == "read_diff" and shutil.which("git") is None:
        pytest.skip("git is not installed")
    before = sorted(file.name for file in fenced.workspace.parent.iterdir())
    spec = tool_spec(tool_registry(Config()).load(name))
    if name in ("list_files", "search_files"):
        # A glob that does not leave by its name matches nothing there.
        with contextlib.suppress(NexusError):
            answer = await spec.function(fenced, **arguments(name, path))
            assert "secret" not in answer.for_model()
    else:
        with pytest.raises(NexusError) as caught:
            await spec.function(fenced, **arguments(name, path))
        assert caught.value.hint
        assert "secret word" not in str(caught.value)
    assert sorted(file.name for file in fenced.workspace.parent.iterdir()) == before
    assert (fenced.workspace.parent / "secret.txt").read_text() == "secret word\n"


@pytest.mark.parametrize("path", GIT)
@pytest.mark.parametrize("name", WRITES)
async def test_nothing_is_written_into_git(fenced, name: str, path: str) -> None:
    spec = tool_spec(tool_registry(Config()).load(name))
    with pytest.raises(WorkspaceError) as caught:
        await spec.function(fenced, **arguments(name, path))
    assert caught.value.hint
    assert not (fenced.workspace / ".git").exists()


BIG: dict[str, dict[str, Any]] = {
    "check_code": {},
    "list_files": {},
    "read_diff": {},
    "read_file": {"path": "big.txt"},
    "repository_map": {"tokens": 16000},
    "repository_state": {},
    "run_command": {"command": "cat big.txt; cat big.txt >&2"},
    "run_tests": {"coverage": True},
    "search_files": {"pattern": "e"},
}


@pytest.mark.parametrize("name", BIG)
async def test_an_answer_is_bounded(job, name: str) -> None:
    pytest.importorskip("ruff")
    pytest.importorskip("coverage")
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (job.workspace / "a.py").write_text("1\n")
    commit = tool_spec(tool_registry(Config()).load("commit"))
    await commit.function(job.again("start"), message="Start", paths=["a.py"])
    (job.workspace / "big.txt").write_text("a line of some length, e\n" * 40_000)
    long = "x" * 3000
    (job.workspace / "a.py").write_text("".join(f"value_{n} = undefined_{n}  # {long}\n" for n in range(300)))
    for number in range(250):
        (job.workspace / f"module_with_a_long_name_{number}.py").write_text("def f(a: int) -> int:\n    return a\n" * 9)
    (job.workspace / "test_big.py").write_text(
        "import pytest\n\n\n@pytest.mark.parametrize('n', range(300))\ndef test_a(n):\n    assert 'x' * 5000 == n\n"
    )
    spec = tool_spec(tool_registry(Config()).load(name))
    answer = await spec.function(job, **BIG[name])
    said = str(getattr(answer, "for_model", answer.model_dump_json)())
    assert 0 < len(said) <= MOST_ANSWER


def test_the_page_of_the_tools_is_complete() -> None:
    page = (ROOT / "docs/tools.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.M))
    assert rows == {spec.name: spec.risk for spec in specs()}
    for spec in specs():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{spec.name}` |"))
        assert row == f"| `{spec.name}` | {spec.risk} | {spec.description.splitlines()[0].replace('|', '')} |"
