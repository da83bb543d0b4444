from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from nexus_agents.core.errors import LimitReached, NexusError, ToolInputError, WorkspaceError
from tools import repository
from tools.git import commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(job, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    done = subprocess.run(["git", *arguments], cwd=job.workspace, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def write(job, **files: str) -> None:
    for name, text in files.items():
        (job.workspace / f"{name}.py").write_text(text)


async def test_only_the_given_paths_are_committed_in_the_agents_name(job) -> None:
    write(job, a="1\n2\n", b="1\n")
    made = await commit(job, "Add a\n\nBecause.", ["a.py"])
    assert (made.files, made.insertions, made.deletions) == (["a.py"], 2, 0)
    assert git(job, "rev-parse", "HEAD").strip() == made.commit
    assert git(job, "rev-parse", "--abbrev-ref", "HEAD").strip() == "main"
    assert git(job, "status", "--porcelain") == "?? b.py\n"
    person = "Nexus backend agent <backend@nexus.invalid>"
    assert git(job, "log", "-1", "--format=%an <%ae>|%cn <%ce>").strip() == f"{person}|{person}"
    assert git(job, "log", "-1", "--format=%B").strip() == "Add a\n\nBecause.\n\nNexus-Call: run-1/call-1"


async def test_what_is_staged_otherwise_stays_out(job) -> None:
    write(job, a="1\n", b="1\n")
    await commit(job, "Start", ["a.py"])
    git(job, "add", "b.py")
    write(job, a="2\n")
    made = await commit(job.again("call-2"), "Change a", ["a.py"], author="frontend")
    assert (made.files, made.insertions, made.deletions) == (["a.py"], 1, 1)
    assert git(job, "status", "--porcelain") == "A  b.py\n"
    assert git(job, "log", "-1", "--format=%an").strip() == "Nexus frontend agent"


async def test_the_same_call_never_commits_twice(job) -> None:
    write(job, a="1\n")
    made = await commit(job, "Add a", ["a.py"])
    write(job, a="2\n")
    assert await commit(job.after_crash(), "Add a", ["a.py"]) == made
    assert git(job, "rev-list", "--count", "HEAD").strip() == "1"
    second = await commit(job.again("call-10"), "More", ["a.py"])
    assert second.commit not in ("", made.commit)
    # A call whose id begins as another's does is another call, and a message cannot pose as one.
    third = await commit(job.again("call"), "Nothing\n\nNexus-Call: run-1/call-3", ["a.py"])
    assert third.commit == ""
    write(job, a="3\n")
    assert (await commit(job.again("call-4"), "x\n\nNexus-Call: run-1/call-3", ["a.py"])).commit
    write(job, a="4\n")
    assert (await commit(job.again("call-3"), "y", ["a.py"])).insertions == 1
    assert git(job, "rev-list", "--count", "HEAD").strip() == "4"


async def test_removed_files_and_folders(job) -> None:
    (job.workspace / "src/deep").mkdir(parents=True)
    (job.workspace / "src/deep/x.txt").write_text("1\n")
    write(job, a="1\n", b="1\n")
    assert (await commit(job, "Start", ["."])).files == ["a.py", "b.py", "src/deep/x.txt"]
    (job.workspace / "a.py").unlink()
    shutil.rmtree(job.workspace / "src")
    made = await commit(job.again("call-2"), "Remove", ["a.py", "src"])
    assert (made.files, made.deletions) == (["a.py", "src/deep/x.txt"], 2)
    assert git(job, "status", "--porcelain") == ""
    # The call was cut off between staging and committing.
    (job.workspace / "b.py").unlink()
    git(job, "add", "--all", "b.py")
    assert (await commit(job.again("call-3"), "Remove more", ["b.py"])).files == ["b.py"]


async def test_nothing_to_commit_is_said(job) -> None:
    write(job, a="1\n")
    await commit(job, "Start", ["a.py"])
    again = await commit(job.again("call-2"), "Same", ["a.py"])
    assert (again.commit, again.files, again.summary) == ("", [], "There was nothing to commit.")
    (job.workspace / "empty").mkdir()
    assert (await commit(job.again("call-3"), "Empty", ["empty"])).commit == ""


async def test_ignored_files_are_left_out_and_named(job) -> None:
    (job.workspace / ".gitignore").write_text("*.env\n")
    (job.workspace / "secret.env").write_text("KEY=1\n")
    (job.workspace / 'ö "q".env').write_text("KEY=1\n")
    made = await commit(job, "Start", [".gitignore", "secret.env", 'ö "q".env'])
    assert (made.files, made.ignored) == ([".gitignore"], ["secret.env", 'ö "q".env'])
    assert (await commit(job.again("call-2"), "Secret", ["secret.env"])).commit == ""


async def test_odd_names_are_names(job) -> None:
    names = ["-f", ":(glob)*", "c[1].txt", "ü n\tö.txt", "*"]
    for name in names:
        (job.workspace / name).write_text("x\n")
    (job.workspace / "c1.txt").write_text("x\n")
    made = await commit(job, "Odd", names)
    assert sorted(made.files) == sorted(names)
    assert git(job, "status", "--porcelain") == "?? c1.txt\n"


async def test_bad_input_is_refused_before_a_repository_is_made(job) -> None:
    write(job, a="1\n")
    for message, paths in ((" ", ["a.py"]), ("Nexus-Call: x/y", ["a.py"]), ("Add", []), ("Add", [""])):
        with pytest.raises(ToolInputError) as caught:
            await commit(job, message, paths)
        assert caught.value.hint
    for path in ("../x", "/etc/passwd", ".git/config"):
        with pytest.raises(WorkspaceError):
            await commit(job, "Add", [path])
    assert not (job.workspace / ".git").exists()
    with pytest.raises(ToolInputError, match="no file"):
        await commit(job, "Add", ["none.py"])


async def test_hooks_and_settings_of_the_user_do_not_count(
    job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\nname = Me\n[commit]\ngpgsign = true\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Me")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    write(job, a="1\n")
    await commit(job, "Start", ["a.py"])
    hook = job.workspace / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    write(job, a="2\n")
    assert (await commit(job.again("call-2"), "Change", ["a.py"])).commit
    assert git(job, "log", "--format=%an").split("\n")[:2] == ["Nexus backend agent"] * 2


async def test_a_repository_around_the_workspace_is_left_alone(job) -> None:
    outer = job.workspace.parent
    git(job, "init", "-q", "..")
    write(job, a="1\n")
    await commit(job, "Start", ["a.py"])
    assert (job.workspace / ".git").is_dir()
    # A repository whose making was cut off must not send commits to the one around it.
    shutil.rmtree(job.workspace / ".git")
    (job.workspace / ".git").mkdir()
    assert (await commit(job, "Start", ["a.py"])).files == ["a.py"]
    assert git(job, "-C", "..", "for-each-ref") == ""
    assert (outer / ".git").is_dir()


async def test_the_lock_that_a_killed_git_left_is_cleared(job, monkeypatch: pytest.MonkeyPatch) -> None:
    write(job, a="1\n")
    await commit(job, "Start", ["a.py"])
    for name in ("index.lock", "HEAD.lock", "refs/heads/main.lock"):
        (job.workspace / ".git" / name).touch()
        os.utime(job.workspace / ".git" / name, (time.time() - 60,) * 2)
    write(job, a="2\n")
    assert (await commit(job.again("call-2"), "Change", ["a.py"])).commit
    # A young one may be held by a git of the user: it is waited for.
    lock = job.workspace / ".git/index.lock"
    lock.touch()
    monkeypatch.setattr(repository, "LOCK_PATIENCE", 0.3)
    write(job, a="3\n")
    with pytest.raises(LimitReached, match=r"index\.lock"):
        await commit(job.again("call-3"), "Change", ["a.py"])
    assert lock.exists()


async def test_a_lock_that_is_taken_after_they_were_looked_for_is_waited_for(job, monkeypatch) -> None:
    write(job, a="1\n")
    await commit(job.again("call-0"), "Start", ["a.py"])
    write(job, a="2\n")
    lock = job.workspace / ".git/index.lock"
    look, times = repository.Repository._clear_locks, 0

    async def too_early(self: repository.Repository) -> None:
        nonlocal times
        times += 1
        await look(self)
        if times == 1:
            lock.touch()
            os.utime(lock, (time.time() - 60,) * 2)

    monkeypatch.setattr(repository.Repository, "_clear_locks", too_early)
    made = await commit(job, "Change", ["a.py"])
    assert made.files == ["a.py"]
    assert not lock.exists()


async def test_commits_at_once_are_made_one_after_the_other(job) -> None:
    calls = [job.again(f"call-{n}") for n in range(5)]
    for n in range(5):
        (job.workspace / f"f{n}.txt").write_text("x\n")
    made = await asyncio.gather(*(commit(call, f"Add {n}", [f"f{n}.txt"]) for n, call in enumerate(calls)))
    assert [each.files for each in made] == [[f"f{n}.txt"] for n in range(5)]
    assert git(job, "rev-list", "--count", "HEAD").strip() == "5"


async def test_killed_at_any_moment_the_call_commits_once(job, killed) -> None:
    write(job, a="1\n")
    await commit(job.again("call-0"), "Start", ["a.py"])
    write(job, a="2\n")
    code = f"""
import asyncio, pathlib
from types import SimpleNamespace
from tools.git import commit
job = SimpleNamespace(run_id="run-1", call_id="call-1", agent="backend", workspace=pathlib.Path({str(job.workspace)!r}))
print("go", flush=True)
asyncio.run(commit(job, "Change", ["a.py"]))
"""
    await killed(code, 0.03, 0.09, 0.13, 0.17, 0.21)
    made = await commit(job, "Change", ["a.py"])
    assert made.files == ["a.py"]
    assert git(job, "rev-list", "--count", "HEAD").strip() == "2"
    assert git(job, "status", "--porcelain") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
async def test_a_workspace_that_may_not_be_written(job) -> None:
    write(job, a="1\n")
    job.workspace.chmod(0o555)
    try:
        with pytest.raises(NexusError) as caught:
            await commit(job, "Start", ["a.py"])
    finally:
        job.workspace.chmod(0o755)
    assert isinstance(caught.value, WorkspaceError)
    assert caught.value.hint
