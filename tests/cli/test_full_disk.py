"""A disk that fills up: exit code 4, nothing half-written, and the run goes on once there is room."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest


def limited(size: int) -> tuple[str, ...]:
    """Return the beginning of a command line under which no file grows beyond some bytes."""
    code = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
    return (sys.executable, "-c", code + "os.execv(sys.argv[1], sys.argv[1:])")


@pytest.mark.parametrize("size", [0, 20_000])
def test_no_room_for_the_memory(nexus: Any, here: Path, size: int) -> None:
    nexus("run", "list voices", prefix=limited(size)).refused(4, "nexus.db", "Free some room")
    assert nexus("run", "list voices").rc == 0


def test_memory_fills_up_in_a_run(nexus: Any, notes: Path, runs: Any, own_home: Path) -> None:
    assert nexus("runs").rc == 0
    room = (own_home / "nexus.db").stat().st_size + 60_000
    done = nexus("podcast", notes, "-w", "w", prefix=limited(room))
    done.failed(4, "nexus.db", "Free some room")
    resumed = nexus("resume")
    assert resumed.rc == 0, resumed
    assert [run["status"] for run in runs()] == ["done"]
    assert (notes.parent / "w" / "podcast" / "episode.mp3").is_file()


@pytest.mark.slow
def test_audio_does_not_fit(nexus: Any, notes: Path, runs: Any, own_home: Path) -> None:
    # The memory needs less than a turn of the episode: it is the audio that meets the limit.
    text = "The water rises on the near side of the earth. " * 40
    workspace = notes.parent
    before = sorted(path.name for path in workspace.iterdir())
    done = nexus("speak", text, "-o", "long.wav", prefix=limited(500_000))
    done.failed(4, "no room to write long.wav", "resume")
    assert sorted(path.name for path in workspace.iterdir()) == before
    assert runs()[0]["status"] == "interrupted"
    assert nexus("resume").rc == 0
    assert (workspace / "long.wav").stat().st_size > 1_000_000
    done = nexus("podcast", notes, "-w", "w", prefix=limited(800_000))
    done.failed(4, "no room to write")
    resumed = nexus("resume")
    assert (resumed.rc, "goes on" in resumed.err) == (0, True), resumed
    assert not list((workspace / "w").rglob("*.part"))
