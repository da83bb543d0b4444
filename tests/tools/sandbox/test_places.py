from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from target import level_named

from nexus_agents.core.errors import WorkspaceError
from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import container, run
from tools.sandbox.places import SYSTEM, Places, find_places
from tools.sandbox.promises import COLUMNS


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """A worktree of a repository that lies elsewhere."""
    main = tmp_path / "main"
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (
        ["init", "-q", str(main)],
        ["-C", str(main), *identity, "commit", "-q", "--allow-empty", "-m", "first"],
        ["-C", str(main), "worktree", "add", "-q", str(tmp_path / "tree")],
    ):
        subprocess.run(["git", *command], check=True)
    return tmp_path / "tree"


def test_the_python_of_nexus_may_be_read(tmp_path: Path) -> None:
    places = find_places(tmp_path)
    seen = [*map(Path, SYSTEM), *places.readable]
    for needed in (Path(sys.prefix), Path(sys.base_prefix).resolve(), Path(sys.executable).resolve()):
        assert any(needed.is_relative_to(place) for place in seen), needed
    assert Path.home() not in places.readable
    assert places.kept == (tmp_path / ".git",)


def test_the_repository_of_a_worktree_may_be_read(worktree: Path) -> None:
    assert worktree.parent / "main" / ".git" in find_places(worktree).readable


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the full levels are those of Linux")
@pytest.mark.parametrize("column", COLUMNS[:3])
async def test_git_works_in_a_worktree_and_changes_nothing(worktree: Path, column: str) -> None:
    level = level_named(column)
    if level is None:
        pytest.skip(f"this machine does not have the level {column}")
    script = (
        "git log --format=%s; git status --short; echo x > ../main/.git/hooks/pre-commit; echo x >> ../main/.git/config"
    )
    done = await run(["sh", "-c", script], worktree, policy=SandboxPolicy(), level=level)
    assert done.stdout == "first\n", done.stderr
    assert not (worktree.parent / "main" / ".git" / "hooks" / "pre-commit").exists()
    assert (worktree / ".git").is_file()


def test_a_file_that_only_claims_to_be_a_worktree_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    (secret / "objects").mkdir(parents=True)
    for name in ("HEAD", "config"):
        (secret / name).write_text("")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".git").write_text(f"gitdir: {secret}\n")
    assert not any(place.is_relative_to(tmp_path) for place in find_places(tmp_path / "work").readable)


def test_the_system_is_no_workspace() -> None:
    for path in ("/", "/usr", "/etc"):
        with pytest.raises(WorkspaceError):
            find_places(Path(path))


def test_what_a_container_is_started_with(tmp_path: Path) -> None:
    root = tmp_path / "a, b"
    (root / ".git").mkdir(parents=True)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    line = container.wrap(
        "/usr/bin/docker",
        [sys.executable, "-m", "pytest"],
        Places(root, (), (root / ".git",)),
        root / "inner",
        scratch,
        {"HOME": "/tmp", "PATH": "/of/this/machine"},
        image="python:3.12-slim",
        name="nexus-1",
        memory_mb=512,
        processes=64,
    )
    said = " ".join(line)
    for part in (
        "run --rm --init --name nexus-1 --network none --read-only --cap-drop ALL --security-opt no-new-privileges",
        "--memory 512m --memory-swap 512m --pids-limit 64",
        f'--mount type=bind,"source={root}","target={root}"',
        f'--mount type=bind,"source={root}/.git","target={root}/.git",readonly',
        f"--mount type=bind,source={scratch}/home,target=/tmp",
        "--env HOME=/tmp",
        f"--workdir {root}/inner --entrypoint python3 python:3.12-slim -m pytest",
    ):
        assert part in said, part
    assert "/of/this/machine" not in said
    assert container.remove("/usr/bin/docker", "nexus-1") == ["/usr/bin/docker", "rm", "--force", "nexus-1"]


def test_a_container_gets_the_way_out_by_a_socket_alone(tmp_path: Path) -> None:
    line = container.wrap(
        "podman",
        ["true"],
        Places(tmp_path, (), ()),
        tmp_path,
        tmp_path,
        {},
        image="i",
        name="n",
        memory_mb=64,
        processes=1,
        socket="/run/s",
    )
    assert line[line.index("--network") + 1] == "none"
    assert "type=bind,source=/run/s,target=/run/nexus/proxy" in line
    assert line[line.index("i") :][1:] == ["-I", "-S", "/run/nexus/forward.py", "/run/nexus/proxy", "3128", "true"]
