from __future__ import annotations

import asyncio
import shutil
import time

import pytest

from nexus_agents.core.errors import ToolInputError
from tools import search
from tools.ripgrep import understands
from tools.search import list_files, search_files
from tools.tree import compile_glob


@pytest.fixture
def filled(job):
    for name, text in {
        "app.py": "import os\nVALUE = 42\n",
        "src/deep/b.ts": "const value = 42\r\n",
        "src/c.css": "",
        ".venv/lib/x.py": "VALUE = 42",
        ".git/config": "VALUE = 42",
        "node_modules/m.js": "VALUE = 42",
        "src/__pycache__/c.pyc": "VALUE = 42",
        ".env": "A=1",
    }.items():
        (job.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (job.workspace / name).write_text(text, newline="")
    (job.workspace / "data.bin").write_bytes(b"VALUE = 42\0")
    (job.workspace / "out.txt").symlink_to("/etc/passwd")
    (job.workspace / "up").symlink_to("/etc")
    return job


async def test_listing_leaves_out_what_people_do_not_write(filled) -> None:
    listed = await list_files(filled)
    assert [file.path for file in listed.files] == [".env", "app.py", "data.bin", "src/c.css", "src/deep/b.ts"]
    assert listed.files[1].bytes == 21
    assert not listed.truncated
    assert listed.summary == "5 files"
    assert [file.path for file in (await list_files(filled, "src/**/*.{ts,css}")).files] == [
        "src/c.css",
        "src/deep/b.ts",
    ]
    assert [file.path for file in (await list_files(filled, "*.py")).files] == ["app.py"]


async def test_searching_finds_lines(filled) -> None:
    found = await search_files(filled, r"(?i)value = \d+")
    assert [(each.path, each.line, each.text) for each in found.matches] == [
        ("app.py", 2, "VALUE = 42"),
        ("src/deep/b.ts", 1, "const value = 42"),
    ]
    assert found.files_searched == 5
    assert found.for_model() == ("2 matches in 5 files\napp.py\n  2: VALUE = 42\nsrc/deep/b.ts\n  1: const value = 42")
    assert [each.path for each in (await search_files(filled, "42", glob="src/**")).matches] == ["src/deep/b.ts"]
    assert (await search_files(filled, "root:")).matches == []


async def test_many_matches_are_cut(job) -> None:
    (job.workspace / "a").write_text("x\n" * 500)
    found = await search_files(job, "x")
    assert (len(found.matches), found.truncated) == (200, True)


async def test_a_pattern_that_never_ends_is_ended(job, monkeypatch: pytest.MonkeyPatch) -> None:
    (job.workspace / "a").write_text("a" * 60 + "!\n")
    monkeypatch.setattr(search, "SEARCH_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(ToolInputError, match="took longer"):
        await search_files(job, r"(a+)+(b)?\2$")
    assert time.monotonic() - started < 3


async def test_searching_is_cancelled(job) -> None:
    (job.workspace / "a").write_text("a" * 60 + "!\n")
    work = asyncio.create_task(search_files(job, r"(a+)+(b)?\2$"))
    await asyncio.sleep(0.2)
    job.cancelled = True
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_wrong_patterns_are_refused(job) -> None:
    for pattern in ("(", "", "x" * 2000):
        with pytest.raises(ToolInputError):
            await search_files(job, pattern)
    for glob in ("../*", "/etc/*", "[a", "{a,b", ""):
        with pytest.raises(ToolInputError):
            await list_files(job, glob)
        with pytest.raises(ToolInputError):
            await search_files(job, "x", glob=glob)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("**/*", ["a", "a/b"], []),
        ("*.py", ["a.py", "x/y/a.py"], ["a.pyc"]),
        ("src/*", ["src/a"], ["src/a/b", "xsrc/a"]),
        ("src/**/t?.py", ["src/t1.py", "src/a/b/t2.py"], ["src/t12.py", "t1.py"]),
        ("./a/[!b-c].txt", ["a/d.txt"], ["a/b.txt"]),
        ("a+(b).txt", ["a+(b).txt"], ["aab.txt"]),
        ("**", ["a/b/c"], []),
    ],
)
def test_globs(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    glob = compile_glob(pattern)
    assert all(glob.fullmatch(path) for path in fits)
    assert not any(glob.fullmatch(path) for path in fits_not)


@pytest.mark.skipif(shutil.which("rg") is None, reason="ripgrep is not installed")
async def test_ripgrep_and_the_search_process_answer_the_same(filled, monkeypatch: pytest.MonkeyPatch) -> None:
    (filled.workspace / "latin.txt").write_bytes(b"caf\xe9 42\n\xff\xfe 42\n")
    (filled.workspace / "wide.txt").write_text("x" * 5000 + "42\n" + "42" + "y" * 5000 + "\n")
    (filled.workspace / "inner.txt").symlink_to("app.py")
    (filled.workspace / ".gitignore").write_text("latin.txt\n")
    (filled.workspace / "ü n.md").write_text("ä 42\r\n\n42")
    (filled.workspace / "many.txt").write_text("z\n" * 300)
    cases = [
        (r"(?i)value", "**/*"),
        (r"\d+", "*.{ts,txt}"),
        (r"^\s*$", "**/*"),
        (r"42$", "src/**"),
        (r"ä\b", "**/*.md"),
        ("z", "**/*"),
        ("nothing", "**/*"),
        (r"[^\W\d]+ = ", "app.py"),
    ]
    by_ripgrep = [await search_files(filled, pattern, glob) for pattern, glob in cases]
    monkeypatch.setattr(search, "understands", lambda pattern: False)
    by_python = [await search_files(filled, pattern, glob) for pattern, glob in cases]
    for case, one, other in zip(cases, by_ripgrep, by_python, strict=True):
        assert (one.matches, one.truncated) == (other.matches, other.truncated), case
        assert one.truncated or one.files_searched == other.files_searched, case
    assert len(by_ripgrep[0].matches) == 2


def test_what_means_something_else_to_ripgrep_is_left_to_python() -> None:
    for pattern in (
        r"(?=a)",
        r"(?<!a)b",
        r"(a)\1",
        r"[a&&b]",
        r"[a--b]",
        r"\<x",
        r"a\Z",
        r"(?P=n)",
        "a{,3}",
        "[[:x:]]",
    ):
        assert not understands(pattern), pattern
    for pattern in (r"a.b", r"(?i)def \w+\(", r"(?:a|b)+?", r"\bx\b", r"(?P<n>a)", "a{2,3}", "[a-z]"):
        assert understands(pattern), pattern


async def test_what_a_model_reads_is_bounded(job) -> None:
    for number in range(450):
        (job.workspace / f"file{number:03}.txt").write_text("x")
    said = (await list_files(job)).for_model().split("\n")
    assert (said[0], len(said)) == ("file000.txt 1", 401)
    assert said[-1] == "[more files left out; ask with a narrower pattern]"
    assert (await list_files(job, "*.none")).for_model() == "no files"
