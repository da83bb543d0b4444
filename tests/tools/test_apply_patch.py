from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_agents.core.errors import StorageFull, ToolInputError, WorkspaceError
from nexus_agents.core.tool import tool_spec
from tools import apply_patch as module
from tools.apply_patch import apply_patch
from tools.unified_diff import fit, read_patch

APP = "import os\n\n\ndef area(w, h):\n    return w * h\n\n\ndef main():\n    print(area(2, 3))\n"

SEVERAL = """Here is the change.

diff --git a/app.py b/app.py
index 1..2 100644
--- a/app.py
+++ b/app.py
@@ -40,7 +40,9 @@ some heading
 def area(w, h):
-    return w * h
+    # both in metres
+    return w * h * 1.0

--- /dev/null
+++ b/pkg/new.py
@@ -0,0 +1,2 @@
+one
+two
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
diff --git a/old name.txt b/new/name.txt
similarity index 100%
rename from old name.txt
rename to new/name.txt
"""


def fill(job) -> None:
    (job.workspace / "app.py").write_text(APP)
    (job.workspace / "gone.txt").write_text("bye\n")
    (job.workspace / "old name.txt").write_text("kept\n")


async def test_several_files_are_changed_with_wrong_numbers(job) -> None:
    fill(job)
    done = await apply_patch(job, SEVERAL)
    assert job.tree() == {"app.py", "pkg/new.py", "new/name.txt"}
    assert (job.workspace / "app.py").read_text() == APP.replace(
        "    return w * h\n", "    # both in metres\n    return w * h * 1.0\n"
    )
    assert (job.workspace / "pkg/new.py").read_text() == "one\ntwo\n"
    assert done.for_model().split("\n") == [
        "changed app.py (+2 -1)",
        "created pkg/new.py (+2 -0)",
        "deleted gone.txt (+0 -1)",
        "renamed old name.txt to new/name.txt (+0 -0)",
    ]
    assert done.summary == "4 files patched (+4 -2)"


async def test_nothing_is_changed_where_one_hunk_does_not_fit(job) -> None:
    fill(job)
    bad = SEVERAL.replace("-bye", "-goodbye")
    with pytest.raises(ToolInputError, match=r"Hunk 1 of gone\.txt \(@@ -1 \+0,0 @@\) does not fit"):
        await apply_patch(job, bad)
    assert job.tree() == {"app.py", "gone.txt", "old name.txt"}
    assert (job.workspace / "app.py").read_text() == APP
    wrong = "--- a/app.py\n+++ b/app.py\n@@ -4,2 +4,2 @@\n def area(w, height):\n-    return w * h\n+    return 1\n"
    with pytest.raises(ToolInputError) as caught:
        await apply_patch(job, wrong)
    assert "Most like it are lines 4 to 5:\n     4\tdef area(w, h):" in caught.value.hint


async def test_a_call_that_was_cut_off_is_finished_and_twice_is_once(job, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(job)
    put, count = module._put, 0

    def dies(*arguments) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        put(*arguments)

    monkeypatch.setattr(module, "_put", dies)
    with pytest.raises(KeyboardInterrupt):
        module._apply(job, read_patch(SEVERAL))
    monkeypatch.undo()
    assert "gone.txt" in job.tree()
    done = await apply_patch(job.after_crash(), SEVERAL)
    assert job.tree() == {"app.py", "pkg/new.py", "new/name.txt"}
    assert await apply_patch(job.after_crash(), SEVERAL) == done
    with pytest.raises(ToolInputError, match="applied already"):
        await apply_patch(job.again("call-2"), SEVERAL)


async def test_a_full_disk_in_the_middle_undoes_what_was_written(job, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(job)
    write = module.write_atomically

    def full(path, content, **names) -> None:
        if path.name == "new.py":
            raise StorageFull("There is no room.", "Free some.")
        write(path, content, **names)

    monkeypatch.setattr(module, "write_atomically", full)
    with pytest.raises(StorageFull):
        await apply_patch(job, SEVERAL)
    assert job.tree() == {"app.py", "gone.txt", "old name.txt"}
    assert (job.workspace / "app.py").read_text() == APP


async def test_a_script_that_is_renamed_can_still_be_run(job, monkeypatch: pytest.MonkeyPatch) -> None:
    script = job.workspace / "run.sh"
    script.write_text("echo one\n")
    script.chmod(0o755)
    rename = "diff --git a/run.sh b/go.sh\nsimilarity index 100%\nrename from run.sh\nrename to go.sh\n"
    await apply_patch(job, rename)
    assert (job.workspace / "go.sh").stat().st_mode & 0o777 == 0o755
    assert not script.exists()


async def test_nothing_leaves_the_workspace_or_enters_git(job) -> None:
    fill(job)
    (job.workspace / "out").symlink_to(job.workspace.parent)
    for path in ("../x", "/etc/x", "out/x", ".git/hooks/pre-commit", "a/../../x", "pkg/.git/config"):
        for patch in (
            f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n",
            f"--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+x\n",
            f"diff --git a/gone.txt b/{path}\nrename from gone.txt\nrename to {path}\n",
        ):
            with pytest.raises(WorkspaceError):
                await apply_patch(job, patch)
    assert {path.name for path in job.workspace.parent.iterdir()} == {job.workspace.name, "calls"}


async def test_what_cannot_be_meant_is_refused(job) -> None:
    fill(job)
    (job.workspace / "twice").write_text("x\ny\nx\n")
    for patch, said in (
        ("", "no change"),
        ("just words", "no change"),
        ("@@ -1 +1 @@\n-a\n+b\n", "names no file"),
        ("--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n import os\n", "changes nothing"),
        ("--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n", "does not exist"),
        ("--- /dev/null\n+++ b/app.py\n@@ -0,0 +1 @@\n+b\n", "overwrite"),
        ("--- a/twice\n+++ b/twice\n@@\n-x\n+z\n", "fits at lines 1, 3"),
        ("--- a/app.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-import os\n", "does not show all"),
        ('--- /dev/null\n+++ "b/\\xzz"\n@@ -0,0 +1 @@\n+b\n', "cannot be read"),
        ("diff --git a/x.png b/x.png\nGIT binary patch\nliteral 1\n", "not text"),
    ):
        with pytest.raises(ToolInputError, match=said) as caught:
            await apply_patch(job.again(f"call-{abs(hash(patch))}"), patch)
        assert caught.value.hint
    assert (job.workspace / "twice").read_text() == "x\ny\nx\n"


def test_line_ends_and_the_end_of_the_file() -> None:
    (patch,) = read_patch("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
    assert fit("a\r\nb\r\n", patch.hunks, "f") == "a\r\nc\r\n"
    assert fit("a\nb", patch.hunks, "f") == "a\nc\n"
    (patch,) = read_patch("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-a\n+c\n b\n")
    assert fit("a\nb", patch.hunks, "f") == "c\nb"
    (patch,) = read_patch("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-b\n+c\n\\ No newline at end of file\n")
    assert fit("b\n", patch.hunks, "f") == "c"


def test_of_several_places_the_nearest_to_its_number_is_meant() -> None:
    (patch,) = read_patch("--- a/f\n+++ b/f\n@@ -6 +6 @@\n-x\n+y\n")
    assert fit("x\n1\n2\n3\nx\n4\n5\n6\n7\nx\n", patch.hunks, "f") == "x\n1\n2\n3\ny\n4\n5\n6\n7\nx\n"


LINES = st.lists(st.sampled_from(["a", "b", "  c", "", "-- d", "++ e", "@ f", "\\ g", "é"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(old=LINES, new=LINES, ended=st.booleans())
def test_what_git_makes_is_understood(old: list[str], new: list[str], ended: bool, tmp_path_factory) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path_factory.mktemp("diff")
    before, after = ("\n".join(side) + ("\n" if ended and side else "") for side in (old, new))
    (folder / "old").write_text(before)
    (folder / "new").write_text(after)
    command = ["git", "diff", "--no-index", "--no-color", "old", "new"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    if made:
        assert fit(before, read_patch(made)[0].hunks, "old") == after


def test_it_is_declared() -> None:
    spec = tool_spec(apply_patch)
    assert (spec.risk, spec.resumable) == ("write", True)
