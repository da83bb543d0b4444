from __future__ import annotations

from pathlib import Path

import pytest

from nexus_agents.core.errors import NexusError, ToolInputError, WorkspaceError
from tools.paths import inside, relative


def test_a_path_below_the_workspace_is_found(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "link").symlink_to("src")
    assert inside(tmp_path, "src/new/a.py") == tmp_path.resolve() / "src/new/a.py"
    assert inside(tmp_path, "link/a.py") == tmp_path.resolve() / "src/a.py"
    assert relative(tmp_path, inside(tmp_path, "./src//a.py")) == "src/a.py"
    assert relative(tmp_path, inside(tmp_path, ".")) == "."


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "a/..", "~/x", "out/x", "out", "loop/x", "deep/y"]
)
def test_leaving_the_workspace_is_refused(tmp_path: Path, path: str) -> None:
    workspace = tmp_path / "w"
    (workspace / "a").mkdir(parents=True)
    (workspace / "out").symlink_to(tmp_path)
    (workspace / "loop").symlink_to("loop")
    (workspace / "deep").symlink_to("a/../../elsewhere")
    with pytest.raises(WorkspaceError) as caught:
        inside(workspace, path)
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "n" * 300, "x/" * 5000, "half \ud800"])
def test_malformed_paths_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ToolInputError):
        inside(tmp_path, path)


@pytest.mark.parametrize("path", [".git", ".git/hooks/pre-commit", "sub/.GIT/config", "g/config"])
def test_what_is_gits_is_not_written(tmp_path: Path, path: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "g").symlink_to(".git")
    inside(tmp_path, path)
    with pytest.raises(WorkspaceError, match="git"):
        inside(tmp_path, path, writing=True)
    inside(tmp_path, ".gitignore", writing=True)


def test_an_absolute_path_in_the_workspace_is_told_its_relative_form(tmp_path: Path) -> None:
    with pytest.raises(NexusError) as caught:
        inside(tmp_path, f"{tmp_path.resolve()}/src/a.py")
    assert caught.value.hint == "Give it as src/a.py."


def test_a_missing_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        inside(tmp_path / "none", "a")
