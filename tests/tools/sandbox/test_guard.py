"""What git would run is put back, whatever was done to it; here without a sandbox, by the same hands."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.sandbox.guard import Guard


@pytest.fixture
def git(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    hook = tmp_path / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    return tmp_path / ".git"


def everything(git: Path) -> dict[str, tuple[int, bytes | str]]:
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted([git, *git.rglob("*")]):
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path)] = mode, content
    return found


def plant(git: Path) -> None:
    (git / "hooks" / "pre-commit").write_text("harm")


def change_hook(git: Path) -> None:
    (git / "hooks" / "pre-push").write_text("harm")
    (git / "hooks" / "pre-push").chmod(0o777)


def change_mode(git: Path) -> None:
    (git / "hooks" / "pre-push").chmod(0o700)


def remove_hooks(git: Path) -> None:
    shutil.rmtree(git / "hooks")


def link_hooks(git: Path) -> None:
    shutil.rmtree(git / "hooks")
    (git.parent / "evil").mkdir()
    (git / "hooks").symlink_to(git.parent / "evil")


def change_config(git: Path) -> None:
    (git / "config").write_text("[core]\n\tfsmonitor = harm\n")


def replace_config(git: Path) -> None:
    (git / "config").unlink()
    (git / "config").mkdir()
    (git / "config" / "x").write_text("")


def pipe_for_config(git: Path) -> None:
    (git / "config").unlink()
    os.mkfifo(git / "config")


def common(git: Path) -> None:
    (git / "commondir").write_text("../evil\n")


def own_settings(git: Path) -> None:
    (git / "config.worktree").write_text("[core]\n\thooksPath = /evil\n")


def move(git: Path) -> None:
    git.rename(git.parent / "elsewhere")
    (git / "hooks").mkdir(parents=True)
    (git / "hooks" / "pre-commit").write_text("harm")


def move_and_link(git: Path) -> None:
    git.rename(git.parent / "elsewhere")
    git.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "harm",
    [
        plant,
        change_hook,
        change_mode,
        remove_hooks,
        link_hooks,
        change_config,
        replace_config,
        pipe_for_config,
        common,
        own_settings,
        move,
        move_and_link,
    ],
)
def test_it_is_put_back(git: Path, harm: Callable[[Path], None]) -> None:
    before = everything(git)
    guard = Guard(str(git.parent))
    assert not guard.touched()
    harm(git)
    assert guard.touched()
    changed = guard.close()
    assert changed
    assert all(name.startswith(".git") for name in changed)
    assert everything(git) == before


def test_commits_are_no_harm(git: Path) -> None:
    guard = Guard(str(git.parent))
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    commit = ["git", "-C", str(git.parent), *identity, "commit", "-q", "--allow-empty", "--no-verify", "-m", "x"]
    subprocess.run(commit, check=True)
    assert not guard.touched()
    assert guard.close() == []


def test_a_file_that_leads_elsewhere_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /somewhere\n")
    guard = Guard(str(tmp_path))
    (tmp_path / ".git").unlink()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("harm")
    assert guard.close() == [".git"]
    assert (tmp_path / ".git").read_text() == "gitdir: /somewhere\n"


def test_where_there_was_none_there_is_none_afterwards(tmp_path: Path) -> None:
    guard = Guard(str(tmp_path))
    (tmp_path / ".git" / "hooks").mkdir()
    (tmp_path / ".git" / "hooks" / "pre-commit").write_text("harm")
    (tmp_path / ".git" / "config").write_text("[core]\n\tfsmonitor = harm\n")
    assert guard.close() == [".git/config", ".git/hooks", ".git/hooks/pre-commit"]
    assert list(tmp_path.iterdir()) == []


def test_a_repository_that_nexus_makes_meanwhile_stays(tmp_path: Path) -> None:
    guard = Guard(str(tmp_path))
    subprocess.run(["git", "init", "-q", "--template=", str(tmp_path)], check=True)
    assert not guard.touched()
    assert guard.close() == []
    assert (tmp_path / ".git" / "config").is_file()


def test_two_at_once_do_not_take_each_others_place(tmp_path: Path) -> None:
    first, second = Guard(str(tmp_path)), Guard(str(tmp_path))
    assert first.close() == []
    assert (tmp_path / ".git").is_dir()
    assert second.close() == []
    assert not (tmp_path / ".git").exists()
