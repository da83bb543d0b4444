from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from nexus_agents.core.tool import tool_spec
from tools.files import edit_file, read_file, write_file


async def test_writing_says_what_it_did_and_twice_is_once(job) -> None:
    first = await write_file(job, "src/app/a.py", "one\ntwo\n")
    assert (first.change, first.lines, first.bytes) == ("created", 2, 8)
    assert first.summary == "created src/app/a.py (2 lines)"
    file = job.workspace / "src/app/a.py"
    stamp = file.stat()
    again = await write_file(job.after_crash(), "src/app/a.py", "one\ntwo\n")
    assert again.change == "unchanged"
    assert file.stat().st_ino == stamp.st_ino
    assert (await write_file(job, "src/app/a.py", "é")).model_dump() == {
        "path": "src/app/a.py",
        "change": "changed",
        "lines": 1,
        "bytes": 2,
    }
    assert job.tree() == {"src/app/a.py"}


async def test_writing_keeps_permissions_and_follows_links_inside(job) -> None:
    script = job.workspace / "run.sh"
    script.write_text("old")
    script.chmod(0o755)
    (job.workspace / "link.sh").symlink_to("run.sh")
    await write_file(job, "link.sh", "new")
    assert script.read_text() == "new"
    assert script.stat().st_mode & 0o777 == 0o755
    assert (job.workspace / "link.sh").is_symlink()


async def test_what_cannot_be_written_is_refused_before_anything_is(job) -> None:
    (job.workspace / "folder").mkdir()
    (job.workspace / "file").write_text("x")
    cases = {
        "folder": ToolInputError,
        "file/below": ToolInputError,
        "n" * 300: ToolInputError,
        "../out": WorkspaceError,
        ".git/config": WorkspaceError,
    }
    for path, kind in cases.items():
        with pytest.raises(kind) as caught:
            await write_file(job, path, "text")
        assert caught.value.hint, path
    for text in ("half \ud800", "nul \0"):
        with pytest.raises(ToolInputError):
            await write_file(job, "odd", text)
    assert job.tree() == {"file"}


def in_a_process(code: str, workspace: Path) -> str:
    """Run a write where the process can be limited or made to be somebody else."""
    script = f"""
import asyncio, concurrent.futures.thread, os, pathlib, resource
from types import SimpleNamespace
from tools.files import edit_file, write_file
job = SimpleNamespace(run_id="r", call_id="c", workspace=pathlib.Path({str(workspace)!r}))
def attempt(content):
    try:
        print(asyncio.run(write_file(job, "a.txt", content)).change)
    except Exception as error:
        print(type(error).__name__, error.message)
{code}
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    said = in_a_process(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); attempt('x' * 100_000); attempt('new')", tmp_path
    )
    assert said == "StorageFull There is no room to write a.txt.\nchanged\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_workspace_that_may_not_be_written_is_an_error_in_two_lines() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        (workspace / "a.txt").write_text("old")
        workspace.chmod(0o555)
        drop = "os.seteuid(65534); " if os.geteuid() == 0 else ""
        said = in_a_process(f"{drop}attempt('new')", workspace)
        workspace.chmod(0o755)
        assert said.startswith("WorkspaceError a.txt may not be accessed: Permission denied")
        assert (workspace / "a.txt").read_text() == "old"


def test_killed_in_the_middle_the_old_file_stands_and_the_retry_clears_up(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    # The process dies after the temporary file is written, before it is renamed.
    died = "os.fchmod = lambda *_: os.kill(os.getpid(), 9)\nif os.fork() == 0: attempt('new')\nos.wait()"
    in_a_process(died, tmp_path)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    assert in_a_process("attempt('new')", tmp_path) == "changed\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


async def test_reading_lines(job) -> None:
    (job.workspace / "a").write_text("one\ntwo\x0c2\nthree")
    whole = await read_file(job, "a")
    assert (whole.content, whole.start_line, whole.end_line, whole.total_lines) == ("one\ntwo\x0c2\nthree", 1, 3, 3)
    part = await read_file(job, "a", start_line=2, end_line=2)
    assert (part.content, part.start_line, part.end_line, part.truncated) == ("two\x0c2\n", 2, 2, False)
    (job.workspace / "empty").touch()
    assert (await read_file(job, "empty")).total_lines == 0
    (job.workspace / "long").write_text("x\n" * 5000)
    long = await read_file(job, "long")
    assert (long.end_line, long.total_lines, long.truncated) == (2000, 5000, True)
    assert long.for_model().startswith("long, lines 1 to 2000 of 5000; go on with start_line=2001\n     1\tx\n")
    (job.workspace / "wide").write_text("y" * 50_000 + "\n" + "z" * 50_000 + "\n")
    wide = await read_file(job, "wide")
    assert (wide.end_line, wide.truncated) == (1, True)
    assert wide.for_model().endswith("y [48000 more characters]")


async def test_a_model_reads_numbered_lines(job) -> None:
    (job.workspace / "a").write_text("one\ntwo\nthree\n")
    assert (await read_file(job, "a", 2, 3)).for_model() == "a, lines 2 to 3 of 3\n     2\ttwo\n     3\tthree"
    (job.workspace / "empty").touch()
    assert (await read_file(job, "empty")).for_model() == "empty is empty."


async def test_what_is_no_text_is_named(job) -> None:
    for content, kind in {
        b"\x89PNG\r\n\x1a\n\0\0": "a PNG picture",
        b"PK\x03\x04\0\0": "a ZIP archive",
        b"SQLite format 3\0": "an SQLite database",
        b"\xff\xfea\0": "text in UTF-16",
        b"caf\xe9": "text in another encoding",
        b"a\0b": "binary data",
    }.items():
        (job.workspace / "x").write_bytes(content)
        with pytest.raises(ToolInputError, match=kind):
            await read_file(job, "x")


async def test_what_cannot_be_read_is_refused(job) -> None:
    (job.workspace / "folder").mkdir()
    (job.workspace / "data").write_bytes(b"a\0b")
    (job.workspace / "latin").write_bytes(b"caf\xe9")
    (job.workspace / "out").symlink_to("/etc/hostname")
    os.mkfifo(job.workspace / "pipe")
    (job.workspace / "a").write_text("one\n")
    for path in ("none", "folder", "data", "latin", "pipe"):
        with pytest.raises(ToolInputError) as caught:
            await read_file(job, path)
        assert caught.value.hint
    with pytest.raises(WorkspaceError):
        await read_file(job, "out")
    for start, end in ((0, 0), (2, 1), (3, 0)):
        with pytest.raises(ToolInputError):
            await read_file(job, "a", start_line=start, end_line=end)


async def test_an_edit_shows_its_diff_and_twice_is_once(job) -> None:
    file = job.workspace / "a.py"
    file.write_text("x = 1\ny = 2\n")
    done = await edit_file(job, "a.py", "y = 2", "y = 3\nz = 4")
    assert file.read_text() == "x = 1\ny = 3\nz = 4\n"
    assert (done.change, done.added, done.removed) == ("changed", 2, 1)
    assert "-y = 2\n+y = 3\n+z = 4" in done.diff
    assert await edit_file(job.after_crash(), "a.py", "y = 2", "y = 3\nz = 4") == done
    other = await edit_file(job.again("call-2"), "a.py", "y = 2", "y = 3\nz = 4")
    assert (other.change, other.diff) == ("unchanged", "")
    assert file.read_text() == "x = 1\ny = 3\nz = 4\n"


async def test_an_edit_that_keeps_the_old_text_is_not_made_twice(job) -> None:
    file = job.workspace / "a.py"
    file.write_text("import os\n")
    await edit_file(job, "a.py", "import os", "import os\nimport sys")
    await edit_file(job.after_crash(), "a.py", "import os", "import os\nimport sys")
    await edit_file(job.again("call-2"), "a.py", "import os", "import os\nimport sys")
    assert file.read_text() == "import os\nimport sys\n"


async def test_a_removal_is_told_from_a_wrong_text(job) -> None:
    file = job.workspace / "a.py"
    file.write_text("a\nb\n")
    done = await edit_file(job, "a.py", "b\n", "")
    assert await edit_file(job.after_crash(), "a.py", "b\n", "") == done
    with pytest.raises(ToolInputError, match="not in"):
        await edit_file(job.again("call-2"), "a.py", "b\n", "")
    assert file.read_text() == "a\n"


async def test_an_edit_must_be_exact_and_unique(job) -> None:
    (job.workspace / "a.py").write_text("aaa\nx\nx\n")
    for old, new in (("nothing", "y"), ("x", "y"), ("aa", "b"), ("", "y"), ("x", "x")):
        with pytest.raises(ToolInputError) as caught:
            await edit_file(job, "a.py", old, new)
        assert caught.value.hint
    assert (job.workspace / "a.py").read_text() == "aaa\nx\nx\n"


async def test_an_edit_keeps_the_line_ends_of_windows(job) -> None:
    (job.workspace / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    await edit_file(job, "a.txt", "one\ntwo", "1\n2")
    assert (job.workspace / "a.txt").read_bytes() == b"1\r\n2\r\n"


async def test_an_edit_that_does_not_fit_says_what_is_there_instead(job) -> None:
    (job.workspace / "a.py").write_text("import os\n\n\ndef area(width, height):\n    return width * height\n")
    with pytest.raises(ToolInputError) as caught:
        await edit_file(job, "a.py", "def area(width, length):\n    return width * length", "x")
    assert "Most like it are lines 4 to 5:\n     4\tdef area(width, height):" in caught.value.hint
    with pytest.raises(ToolInputError) as caught:
        await edit_file(job, "a.py", "def area(width, height):\n  return width * height", "x")
    assert caught.value.hint.startswith("Only the white space differs in lines 4 to 5:")
    with pytest.raises(ToolInputError, match="not in") as caught:
        await edit_file(job, "a.py", "SELECT * FROM nothing_like_it", "x")
    assert caught.value.hint == "Read the file and copy the text exactly."


async def test_an_edit_of_all_places(job) -> None:
    (job.workspace / "a.py").write_text("x\ny\nx\nx\n")
    with pytest.raises(ToolInputError, match="at lines 1, 3, 4"):
        await edit_file(job, "a.py", "x", "z")
    done = await edit_file(job.again("call-2"), "a.py", "x", "z", all=True)
    assert (job.workspace / "a.py").read_text() == "z\ny\nz\nz\n"
    assert done.for_model().startswith("changed a.py (+3 -3)\n--- a/a.py\n+++ b/a.py\n@@ ")


def test_the_tools_are_declared() -> None:
    assert [tool_spec(each).risk for each in (read_file, write_file, edit_file)] == ["read", "write", "write"]
    assert all(tool_spec(each).resumable for each in (read_file, write_file, edit_file))
