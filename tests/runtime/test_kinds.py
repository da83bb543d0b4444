"""What an answer for always covers: a class of commands where that is safe, else this one command."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_agents.runtime.approvals import kind_of_call


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("git status --short", "run_command(git status)"),
        (["git", "status", "--short"], "run_command(git status)"),
        ("ruff check .", "run_command(ruff check)"),
        ("ls -la src/", "run_command(ls)"),
        ("ls -la src", "run_command(ls -la src)"),
        (["rm", "-rf", "/"], "run_command(rm)"),
        ("rm -rf /", "run_command(rm)"),
        # What runs whatever it is given is nothing to be approved for always.
        ("python -m pytest", "run_command(python -m pytest)"),
        (["python3.12", "serve.py"], "run_command(python3.12 serve.py)"),
        (["sh", "-c", "ls"], "run_command(sh -c ls)"),
        (["/usr/bin/env", "rm", "a"], "run_command(/usr/bin/env rm a)"),
        ("timeout 5 ls", "run_command(timeout 5 ls)"),
        ("uv run pytest", "run_command(uv run pytest)"),
        ("git -c alias.x=!sh x", "run_command(git -c 'alias.x=!sh' x)"),
        ("git --no-pager push --force", "run_command(git --no-pager push --force)"),
        ("git -P -c alias.x=!sh x", "run_command(git -P -c 'alias.x=!sh' x)"),
        ("psql -c 'drop table a'", "run_command(psql -c 'drop table a')"),
        (["julia", "-e", "rm(1)"], "run_command(julia -e 'rm(1)')"),
        ("npm exec left-pad", "run_command(npm exec left-pad)"),
        ("go run ./x.go", "run_command(go run ./x.go)"),
        ("flock a rm b", "run_command(flock a rm b)"),
        ("find . -delete", "run_command(find . -delete)"),
        # A text that a shell may make more of than one plain command.
        ("git status; rm -rf /", "run_command(git status; rm -rf /)"),
        ("git status $(rm x)", "run_command(git status $(rm x))"),
        ("PATH=. git status", "run_command(PATH=. git status)"),
        ("./* a", "run_command(./* a)"),
        ("git status\nrm x", "run_command(git status\nrm x)"),
        ("git 'status", "run_command(git 'status)"),
        # In a list such characters are plain text.
        (["git", "commit", "-m", "a; b"], "run_command(git commit)"),
        (["git status", "x"], "run_command('git status' x)"),
        ([], "run_command([])"),
        ([""], 'run_command([""])'),
        ({"a": 1}, 'run_command({"a": 1})'),
    ],
)
def test_the_kind_of_a_command(command: Any, kind: str) -> None:
    assert kind_of_call("run_command", {"command": command}) == kind


def test_other_calls_are_of_the_kind_of_their_tool() -> None:
    assert kind_of_call("write_file", {"path": "a.py"}) == "write_file"
