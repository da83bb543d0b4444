"""Clips, documents, folders and outputs that cannot be used: two lines, and nothing half-written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def bad_clips(here: Path, clip: Path) -> Path:
    import numpy as np
    import soundfile

    samples, rate = soundfile.read(clip)
    soundfile.write(here / "short.wav", samples[:rate], rate)
    soundfile.write(here / "silent.wav", np.zeros(5 * rate), rate)
    (here / "text.wav").write_text("This is a letter and no sound.\n")
    (here / "empty.wav").touch()
    return here


def test_clips(inside: Any, bad_clips: Path, own_home: Path) -> None:
    cases = {
        "missing.wav": "There is no file missing.wav.",
        "text.wav": "text.wav is not audio",
        "empty.wav": "empty.wav is not audio",
        "silent.wav": "silent.wav is silent.",
        "short.wav": "short.wav is 1.0 seconds long",
    }
    for name, says in cases.items():
        inside("voices", "consent", name, "--speaker", "A", "--approved-by", "B").refused(2, says)
    before = left_in(bad_clips)
    inside("voices", "clone", "silent.wav", "-w", "w").failed(2, cases["silent.wav"])
    inside("run", "clone this voice text.wav and make a podcast about empty.md", "-w", "w").failed(2, cases["text.wav"])
    assert left_in(bad_clips) == sorted([*before, "w"])
    assert not (own_home / "voices").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.md", None, "There is no file missing.md."),
        ("empty.md", b"", "empty.md is empty."),
        ("binary.md", bytes(range(256)) * 8, "binary.md is not a text file."),
        ("latin.md", "Über die Bienen, ein Aufsatz.\n".encode("latin-1"), "latin.md is not UTF-8"),
        ("huge.md", b"A word. " * 300_000, "huge.md is larger than 2 MB."),
        ("folder.md", "folder", "There is no file folder.md."),
    ],
)
def test_documents(inside: Any, here: Path, name: str, content: bytes | str | None, says: str) -> None:
    if isinstance(content, str):
        (here / name).mkdir()
    elif content is not None:
        (here / name).write_bytes(content)
    inside("podcast", name, "-w", "w").failed(2, says)
    assert left_in(here / "w") == []


def test_documents_in_a_sentence(inside: Any, here: Path) -> None:
    (here / "empty.md").touch()
    done = inside("run", "make a podcast about empty.md", "-w", "w")
    done.failed(2, "empty.md is empty.")
    assert left_in(here / "w") == []


def test_document_without_sentences(inside: Any, here: Path) -> None:
    (here / "dots.md").write_text("...\n")
    done = inside("podcast", "dots.md", "-w", "w")
    done.failed(1, "dots.md has no sentences to read.")
    assert left_in(here / "w") == []


@pytest.mark.slow
def test_outputs(inside: Any, here: Path) -> None:
    (here / "folder.wav").mkdir()
    inside("speak", "hello", "-o", "/dev/full").failed(2, "full: this kind of file cannot be written.", ".wav")
    inside("speak", "hello", "-o", "folder.wav").failed(2, "folder.wav")
    inside("speak", "hello", "-o", "out.txt").failed(2, "out.txt: this kind of file cannot be written.")
    inside("speak", "...").failed(2, "nothing to say")
    inside("speak", "hello", "-v", "emmma").failed(2, "Did you mean 'emma'?")
    assert left_in(here) == ["folder.wav"]


def test_workspaces(nexus: Any, here: Path, own_home: Path, as_a_user: tuple[str, ...]) -> None:
    (here / "file").touch()
    locked = here / "locked"
    locked.mkdir(mode=0o555)
    nexus("run", "list voices", "-w", "file").refused(2, "is a file", "--workspace")
    nexus("run", "list voices", "-w", "file/below").refused(2, "cannot be written", "--workspace")
    nexus("run", "list voices", "-w", locked, prefix=as_a_user).refused(2, "cannot be written", "Permission denied")
    nexus("run", "list voices", "-w", locked / "below", prefix=as_a_user).refused(2, "cannot be written")
    nexus("speak", "hello", "-o", locked / "x.wav", prefix=as_a_user).refused(2, "cannot be written")
    assert left_in(locked) == []
    assert nexus("runs", "--json").out == ""


def test_homes(nexus: Any, here: Path, own_home: Path, as_a_user: tuple[str, ...]) -> None:
    (here / "file").touch()
    nexus("runs", env={"NEXUS_HOME": str(here / "file")}).refused(2, "folder of Nexus", "NEXUS_HOME")
    nexus("runs", env={"NEXUS_HOME": str(here / "file" / "below")}).refused(2, "folder of Nexus", "NEXUS_HOME")
    nexus("runs", env={"NEXUS_DATABASE": "postgresql://x"}).refused(2, "postgresql://x", "sqlite:///")
    (here / "not.db").write_bytes(b"this is a letter, not a database\n" * 40)
    nexus("runs", env={"NEXUS_DATABASE": f"sqlite:///{here / 'not.db'}"}).refused(2, "not.db", "not an SQLite")
    own_home.mkdir(exist_ok=True)
    before = left_in(own_home)
    os.chmod(own_home, 0o555)  # noqa: PTH101
    nexus("run", "list voices", prefix=as_a_user).refused(2, "cannot be opened for writing")
    assert left_in(own_home) == before
