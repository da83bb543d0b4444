from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nexus_agents.core.errors import RunFailed, ToolInputError, WorkspaceError
from tools import merging
from tools.files import write_file
from tools.git import commit
from tools.search import list_files
from tools.worktrees import close_worktree, merge_worktree, open_worktree, repository_state

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path | str, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    who = ["-c", "user.name=Me", "-c", "user.email=me@example.invalid"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def inside(job, path: str, call_id: str):
    """Another call, whose workspace is a worktree."""
    made = job.again(call_id)
    made.workspace = Path(path)
    return made


async def started(job, text: str = "one\ntwo\nthree\n") -> None:
    (job.workspace / "shared.txt").write_text(text)
    await commit(job.again("start"), "Start", ["."])


async def change(job, path: str, name: str, text: str, call_id: str) -> None:
    there = inside(job, path, call_id)
    await write_file(there, name, text)
    assert (await commit(there, f"Change {name}", [name])).files == [name]


async def test_two_agents_work_side_by_side_and_are_merged(job) -> None:
    await started(job)
    one = await open_worktree(job.again("open-1"), "backend")
    two = await open_worktree(job.again("open-2"), "frontend")
    assert one.branch == "nexus/run-1/backend"
    assert one.base == git(job.workspace, "rev-parse", "HEAD").strip()
    assert not Path(one.path).is_relative_to(job.workspace)
    await asyncio.gather(
        change(job, one.path, "api.py", "1\n", "write-1"), change(job, two.path, "page.html", "2\n", "write-2")
    )
    assert job.tree() == {"shared.txt"}
    merged = await merge_worktree(job.again("merge-1"), "backend", "Add the API", author="backend")
    assert merged.files == ["api.py"]
    assert (await merge_worktree(job.again("merge-2"), "frontend", "Add the page")).files == ["page.html"]
    assert job.tree() == {"shared.txt", "api.py", "page.html"}
    assert git(job.workspace, "status", "--porcelain") == ""
    assert git(job.workspace, "log", "--first-parent", "--format=%s").split("\n")[:3] == [
        "Add the page",
        "Add the API",
        "Start",
    ]
    assert git(job.workspace, "log", "-1", "--format=%an", merged.commit).strip() == "Nexus backend agent"
    again = await merge_worktree(job.again("merge-1"), "backend", "Add the API", author="backend")
    assert again == merged
    assert (await merge_worktree(job.again("merge-3"), "backend", "Nothing")).summary == "backend has nothing to merge."
    for name in ("backend", "frontend"):
        assert (await close_worktree(job.again("close"), name)).closed
        assert not (await close_worktree(job.again("close"), name)).closed
    assert git(job.workspace, "worktree", "list").count("\n") == 1
    assert git(job.workspace, "branch", "--format=%(refname:short)").split() == ["main"]


async def test_opened_again_it_is_the_same_and_follows_the_workspace(job) -> None:
    await started(job)
    first = await open_worktree(job, "backend")
    assert await open_worktree(job.after_crash(), "backend") == first
    (job.workspace / "more.txt").write_text("x\n")
    await commit(job.again("call-2"), "More", ["more.txt"])
    later = await open_worktree(job.again("call-3"), "backend")
    assert later.path == first.path
    assert later.base == git(job.workspace, "rev-parse", "HEAD").strip()
    assert (Path(first.path) / "more.txt").is_file()
    # The tools of an agent see its files there, and not the mark of git.
    assert [file.path for file in (await list_files(inside(job, first.path, "list"))).files] == [
        "more.txt",
        "shared.txt",
    ]


async def test_an_empty_workspace_and_a_making_that_was_cut_off(job) -> None:
    made = await open_worktree(job, "backend")
    assert git(made.path, "log", "--format=%s").strip() == "Begin"
    (job.folder / "worktree.json").unlink()  # killed before it was whole
    (Path(made.path) / "half").write_text("x")
    assert await open_worktree(job.after_crash(), "backend") == made
    assert not (Path(made.path) / "half").exists()
    shutil.rmtree(made.path)  # somebody cleaned up
    assert await open_worktree(job.after_crash(), "backend") == made


async def test_a_conflict_changes_nothing_and_can_be_resolved_in_the_worktree(job) -> None:
    await started(job)
    opened = await open_worktree(job.again("open"), "backend")
    await change(job, opened.path, "shared.txt", "one\n2\nthree\n", "write")
    await change(job, str(job.workspace), "shared.txt", "one\nTWO\nthree\n", "write-main")
    before = git(job.workspace, "rev-parse", "HEAD")
    refused = await merge_worktree(job.again("merge-1"), "backend", "Mine")
    assert (refused.commit, refused.conflicts, refused.worktree) == ("", ["shared.txt"], "")
    assert (job.workspace / "shared.txt").read_text() == "one\nTWO\nthree\n"
    assert git(job.workspace, "rev-parse", "HEAD") == before
    assert git(job.workspace, "status", "--porcelain") == ""
    for _ in range(2):  # the second as after a crash
        marked = await merge_worktree(job.again("merge-2"), "backend", "Mine", into_worktree=True)
        assert (marked.conflicts, marked.worktree) == (["shared.txt"], opened.path)
    there = inside(job, opened.path, "resolve")
    assert "<<<<<<<" in (there.workspace / "shared.txt").read_text()
    assert (await repository_state(there)).merging
    with pytest.raises(ToolInputError, match=r"shared\.txt are not resolved"):
        await commit(there, "Resolve", ["shared.txt"])
    (there.workspace / "shared.txt").write_text("one\nTWO and 2\nthree\n")
    (there.workspace / "other").write_text("x\n")
    with pytest.raises(ToolInputError, match="not resolved"):
        await commit(there, "Resolve", ["other"])
    (there.workspace / "other").unlink()
    resolved = await commit(there, "Resolve", ["shared.txt"])
    assert resolved.commit
    assert await commit(there, "Resolve", ["shared.txt"]) == resolved
    assert (await merge_worktree(job.again("merge-3"), "backend", "Mine")).files == ["shared.txt"]
    assert (job.workspace / "shared.txt").read_text() == "one\nTWO and 2\nthree\n"


async def test_changes_of_the_user_are_never_overwritten(job) -> None:
    await started(job)
    opened = await open_worktree(job.again("open"), "backend")
    await change(job, opened.path, "shared.txt", "theirs\n", "write")
    await change(job, opened.path, "new.txt", "theirs\n", "write-2")
    (job.workspace / "shared.txt").write_text("mine\n")
    with pytest.raises(WorkspaceError, match=r"would be overwritten: shared\.txt"):
        await merge_worktree(job.again("merge"), "backend", "Theirs")
    assert (job.workspace / "shared.txt").read_text() == "mine\n"
    git(job.workspace, "checkout", "shared.txt")
    (job.workspace / "new.txt").write_text("mine\n")
    with pytest.raises(WorkspaceError, match=r"new\.txt"):
        await merge_worktree(job.again("merge"), "backend", "Theirs")
    (job.workspace / "new.txt").unlink()
    (job.workspace / "beside.txt").write_text("mine\n")
    assert (await merge_worktree(job.again("merge"), "backend", "Theirs")).files == ["new.txt", "shared.txt"]
    assert (job.workspace / "beside.txt").read_text() == "mine\n"


async def test_what_is_not_merged_is_not_thrown_away(job) -> None:
    await started(job)
    opened = await open_worktree(job.again("open"), "backend")
    (Path(opened.path) / "draft").write_text("x")
    with pytest.raises(ToolInputError, match="not committed"):
        await close_worktree(job.again("close"), "backend")
    await change(job, opened.path, "draft", "y\n", "write")
    with pytest.raises(ToolInputError, match="not merged"):
        await close_worktree(job.again("close"), "backend")
    assert (await close_worktree(job.again("close"), "backend", discard=True)).closed
    assert not Path(opened.path).exists()
    with pytest.raises(ToolInputError, match="no branch"):
        await merge_worktree(job.again("merge"), "backend", "x")
    for name in ("", "a/b", "../x", "-x", "a b"):
        with pytest.raises(ToolInputError):
            await open_worktree(job.again("open"), name)


async def test_killed_at_any_moment_the_call_merges_once(job, killed) -> None:
    await started(job)
    opened = await open_worktree(job.again("open"), "backend")
    for number in range(30):
        (Path(opened.path) / f"f{number}.txt").write_text("x\n" * 2000)
    await change(job, opened.path, "shared.txt", "changed\n", "write")
    await commit(inside(job, opened.path, "write-2"), "Files", ["."])
    merge = job.again("merge")
    code = f"""
import asyncio, pathlib
from types import SimpleNamespace
from tools.worktrees import merge_worktree
job = SimpleNamespace(run_id="run-1", call_id="merge", agent="team", workspace=pathlib.Path({str(job.workspace)!r}),
    folder=pathlib.Path({str(merge.folder)!r}))
print("go", flush=True)
asyncio.run(merge_worktree(job, "backend", "Bring it"))
"""
    await killed(code, 0.1, 0.25, 0.4, 0.5, 0.6)
    made = await merge_worktree(merge, "backend", "Bring it")
    assert len(made.files) == 31
    assert git(job.workspace, "log", "--first-parent", "--format=%s").split("\n")[:2] == ["Bring it", "Start"]
    assert git(job.workspace, "status", "--porcelain") == ""


async def test_a_merge_that_was_cut_off_between_files_is_finished(job, monkeypatch: pytest.MonkeyPatch) -> None:
    await started(job)
    opened = await open_worktree(job.again("open"), "backend")
    await change(job, opened.path, "shared.txt", "changed\n", "write")
    await change(job, opened.path, "new.txt", "new\n", "write-2")

    async def dies(repository, intent) -> str:
        # What a git that was killed leaves: files written, index and branch as they were.
        (repository.root / "shared.txt").write_text("changed\n")
        (repository.root / "new.txt").write_text("new\n")
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "_move", dies)
    merge = job.again("merge")
    with pytest.raises(KeyboardInterrupt):
        await merge_worktree(merge, "backend", "Bring it")
    monkeypatch.undo()
    assert (await merge_worktree(merge.after_crash(), "backend", "Bring it")).files == ["new.txt", "shared.txt"]
    assert git(job.workspace, "status", "--porcelain") == ""


async def test_a_merge_of_the_user_is_theirs_to_conclude(job) -> None:
    await started(job)
    git(job.workspace, "checkout", "-q", "-b", "side")
    (job.workspace / "side.txt").write_text("x\n")
    git(job.workspace, "add", ".")
    git(job.workspace, "commit", "-q", "-m", "Side")
    git(job.workspace, "checkout", "-q", "main")
    git(job.workspace, "merge", "-q", "--no-ff", "--no-commit", "side")
    (job.workspace / "a.py").write_text("1\n")
    with pytest.raises(RunFailed):
        await commit(job, "Mine", ["a.py"])
    assert git(job.workspace, "log", "--format=%s").strip() == "Start"


async def test_the_state_of_a_repository(job) -> None:
    assert (await repository_state(job)).summary == "no git repository"
    await started(job)
    state = await repository_state(job)
    assert (state.repository, state.branch, state.clean) == (True, "main", True)
    assert state.head == git(job.workspace, "rev-parse", "HEAD").strip()
    (job.workspace / "shared.txt").unlink()
    (job.workspace / "ü x.py").write_text("1")
    state = await repository_state(job)
    assert (state.changed, state.untracked, state.clean) == (["shared.txt"], ["ü x.py"], False)
    assert (
        state.for_model() == f"main at {state.head[:10]}, 1 changed, 1 untracked\nchanged shared.txt\nuntracked ü x.py"
    )


async def test_a_folder_of_a_bigger_repository_is_refused(job) -> None:
    outer = job.workspace.parent
    git(outer, "init", "-q", ".")
    (job.workspace / "a.py").write_text("1\n")
    git(outer, "add", "--", job.workspace.name)
    assert (await repository_state(job)).around == str(outer.resolve())
    for call in (commit(job, "Start", ["a.py"]), open_worktree(job, "backend")):
        with pytest.raises(WorkspaceError, match="is a folder of the repository"):
            await call
    assert not (job.workspace / ".git").exists()


async def test_a_mark_that_leads_to_another_repository_is_refused(job, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    (job.workspace / ".git").write_text(f"gitdir: {other}/.git\n")
    (job.workspace / "a.py").write_text("1\n")
    with pytest.raises(WorkspaceError, match="does not know this folder"):
        await commit(job, "Start", ["a.py"])
    assert git(other, "for-each-ref") == ""
