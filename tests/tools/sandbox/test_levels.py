from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from target import level_named

from nexus_agents.core.errors import BackendDown, ExitCode, SandboxNeeded
from nexus_agents.core.sandbox import SandboxPolicy
from tools.commands import run_command
from tools.sandbox import container, level, levels, run, short_level
from tools.sandbox.levels import FLOOR, choose
from tools.sandbox.promises import COLUMNS, PROMISES, table
from tools.testing import run_tests

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the full levels are those of Linux")
FULL = COLUMNS[:3]


@pytest.mark.usefixtures("bare")
def test_code_of_a_model_is_refused_where_nothing_holds_it() -> None:
    with pytest.raises(SandboxNeeded) as caught:
        choose(SandboxPolicy())
    assert "bubblewrap: it is not installed" in caught.value.message
    assert "Landlock" in caught.value.message
    assert "--unsafe" in caught.value.hint
    assert caught.value.exit_code == ExitCode.PERSON
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.usefixtures("bare")
def test_what_a_person_allows_and_what_nexus_wrote_runs_at_the_floor() -> None:
    assert choose(SandboxPolicy(unsafe=True)) == FLOOR
    assert choose(SandboxPolicy(trusted=True)) == FLOOR
    assert choose(SandboxPolicy(level="bubblewrap", unsafe=True)) == FLOOR
    with pytest.raises(SandboxNeeded):  # somebody asked for it by name
        choose(SandboxPolicy(level="bubblewrap", trusted=True))
    assert short_level() == "floor"
    assert level() == FLOOR.words


@pytest.mark.usefixtures("bare")
async def test_tools_that_run_code_are_refused_and_the_others_are_not(job) -> None:
    from tools.search import search_files

    job.policy = SandboxPolicy()
    (job.workspace / "test_a.py").write_text("def test_a():\n    open('ran', 'w')\n")
    for call in (run_tests(job), run_command(job, "touch ran")):
        with pytest.raises(SandboxNeeded):
            await call
    assert job.tree() == {"test_a.py"}
    assert (await search_files(job, "def test")).matches
    job.policy = SandboxPolicy(unsafe=True)
    assert (await run_tests(job)).green
    assert (await run_command(job, "touch ran")).level == FLOOR.words
    assert job.tree() == {"test_a.py", "ran"}


def test_the_floor_has_to_be_allowed_even_where_settings_name_it() -> None:
    with pytest.raises(SandboxNeeded, match=r"sandbox\.level: floor"):
        choose(SandboxPolicy(level="floor"))
    assert choose(SandboxPolicy(level="floor", trusted=True)) == FLOOR
    assert choose(None) == FLOOR


@linux
def test_the_best_level_is_taken_for_everybody() -> None:
    best = levels.find_level("auto")[0]
    if best is None:
        pytest.skip("this machine has no full level")
    for policy in (SandboxPolicy(), SandboxPolicy(unsafe=True), SandboxPolicy(trusted=True)):
        assert choose(policy) == best
    assert level().startswith(f"{best.name}: ")
    assert short_level() == best.name


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_daemon_that_does_not_answer_is_said(engine: str) -> None:
    program, why = container.find(engine)
    if program:
        pytest.skip(f"{engine} answers here")
    with pytest.raises(BackendDown) as caught:
        choose(SandboxPolicy(level=engine))
    assert caught.value.message == f"{why}."
    assert "sandbox.level" in caught.value.hint


@linux
@pytest.mark.parametrize("column", FULL)
async def test_a_workspace_is_of_use(column: str, tmp_path: Path) -> None:
    found = level_named(column)
    if found is None:
        pytest.skip(f"this machine does not have the level {column}")
    script = """
set -e
mkdir -p made/deep; echo text > made/deep/file; mv made/deep/file made/moved; ln -s moved made/link; cat made/link
touch "$HOME/own" "$TMPDIR/own"; rm "$HOME/own"
echo nothing > /dev/null; head -c 4 /dev/urandom > /dev/null
python -c 'import ssl, sqlite3, tempfile, subprocess, asyncio, pytest
connection = sqlite3.connect("made/database"); connection.execute("create table t (a)"); connection.close()
subprocess.run(["true"], check=True)
asyncio.run(asyncio.create_subprocess_exec("true"))
print(tempfile.gettempdir())'
git log --oneline | cat
"""
    for command in (
        ["git", "init", "-q"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"],
    ):
        await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, check=True)
    done = await run(["sh", "-c", script], tmp_path, policy=SandboxPolicy(), level=found)
    assert done.returncode == 0, done.stderr
    first, home, last = done.stdout.splitlines()
    assert first == "text"
    assert not Path(home, "own").exists()
    assert last.endswith(" first")
    assert (tmp_path / "made" / "moved").read_text() == "text\n"
    assert done.level == found.words


@linux
@pytest.mark.parametrize("column", FULL)
async def test_a_folder_below_the_root_is_worked_in_and_the_rest_may_be_changed(column: str, tmp_path: Path) -> None:
    found = level_named(column)
    if found is None:
        pytest.skip(f"this machine does not have the level {column}")
    (tmp_path / "inner").mkdir()
    done = await run(
        ["sh", "-c", "pwd; echo x > ../beside"], tmp_path / "inner", root=tmp_path, policy=SandboxPolicy(), level=found
    )
    assert done.stdout == f"{tmp_path / 'inner'}\n"
    assert (tmp_path / "beside").read_text() == "x\n"


@linux
@pytest.mark.parametrize("column", FULL)
async def test_a_virtual_environment_in_the_workspace_works(column: str, tmp_path: Path) -> None:
    found = level_named(column)
    if found is None:
        pytest.skip(f"this machine does not have the level {column}")
    make = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "own env")]
    await asyncio.to_thread(subprocess.run, make, check=True)
    code = "import sys; print(sys.prefix)"
    done = await run(["own env/bin/python", "-c", code], tmp_path, policy=SandboxPolicy(), level=found)
    assert done.stdout == f"{tmp_path / 'own env'}\n", done.stderr


@linux
@pytest.mark.parametrize("column", ["bubblewrap", "landlock"])
async def test_a_repository_is_not_made_by_a_command(column: str, tmp_path: Path) -> None:
    found = level_named(column)
    if found is None:
        pytest.skip(f"this machine does not have the level {column}")
    done = await run(["sh", "-c", "ls -A; mkdir .git/hooks || git init"], tmp_path, policy=SandboxPolicy(), level=found)
    assert done.stdout == ".git\n"
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_the_page_shows_the_table_of_promises() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "sandbox.md"
    assert table() in page.read_text(encoding="utf-8")
    assert all(len(outcomes) == len(COLUMNS) for _, outcomes in PROMISES.values())
