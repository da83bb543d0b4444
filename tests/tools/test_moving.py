from __future__ import annotations

import os

import pytest

from nexus_agents.core.errors import NexusError, ToolInputError, WorkspaceError
from nexus_agents.core.tool import tool_spec
from tools.moving import delete_file, move_file


async def test_a_file_is_deleted_once(job) -> None:
    (job.workspace / "a.txt").write_text("one")
    done = await delete_file(job, "a.txt")
    assert (done.summary, job.tree()) == ("deleted a.txt (3 bytes)", set())
    assert await delete_file(job.after_crash(), "a.txt") == done
    # The same path again in another call: nothing is there, and that is said.
    with pytest.raises(ToolInputError, match="does not exist"):
        await delete_file(job.again("call-2"), "a.txt")


async def test_deleting_a_link_leaves_what_it_leads_to(job) -> None:
    outside = job.workspace.parent / "precious"
    outside.write_text("x")
    (job.workspace / "link").symlink_to(outside)
    await delete_file(job, "link")
    assert outside.read_text() == "x"
    assert job.tree() == set()


async def test_a_file_and_a_folder_are_moved_once(job) -> None:
    (job.workspace / "pkg").mkdir()
    (job.workspace / "pkg/a.py").write_text("one")
    done = await move_file(job, "pkg/a.py", "new/deep/b.py")
    assert (done.summary, job.tree()) == ("moved pkg/a.py to new/deep/b.py", {"new/deep/b.py"})
    assert await move_file(job.after_crash(), "pkg/a.py", "new/deep/b.py") == done
    await move_file(job.again("call-2"), "new", "old")
    assert job.tree() == {"old/deep/b.py"}


async def test_a_move_that_was_cut_in_the_middle_is_finished(job) -> None:
    (job.workspace / "a").write_text("one")
    await move_file(job, "a", "b")
    os.link(job.workspace / "b", job.workspace / "a")  # linked, and killed before the old name was removed
    await move_file(job.after_crash(), "a", "b")
    assert job.tree() == {"b"}


async def test_nothing_is_overwritten_and_nothing_leaves(job) -> None:
    outside = job.workspace.parent / "outside"
    outside.mkdir()
    (job.workspace / "out").symlink_to(outside)
    (job.workspace / "a").write_text("a")
    (job.workspace / "b").write_text("b")
    (job.workspace / "folder").mkdir()
    for source, target, kind in (
        ("a", "b", ToolInputError),
        ("none", "c", ToolInputError),
        ("folder", "folder/below", ToolInputError),
        ("a", "../c", WorkspaceError),
        ("a", "out/c", WorkspaceError),
        ("a", ".git/hooks/pre-commit", WorkspaceError),
        ("a", "folder/.git", WorkspaceError),
        (".", "c", ToolInputError),
    ):
        with pytest.raises(kind) as caught:
            await move_file(job, source, target)
        assert caught.value.hint
    for path in ("folder", "none", "", ".", "../x", "/etc/passwd", ".git"):
        with pytest.raises(NexusError) as caught:
            await delete_file(job, path)
        assert caught.value.hint
    assert (job.workspace / "a").read_text() == "a"
    assert (job.workspace / "b").read_text() == "b"
    assert list(outside.iterdir()) == []


def test_they_are_declared() -> None:
    assert all(
        (tool_spec(each).risk, tool_spec(each).resumable) == ("write", True) for each in (delete_file, move_file)
    )
