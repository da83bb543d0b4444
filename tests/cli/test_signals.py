"""A run that is stopped from outside: exit code 130, resumable, no process and no raw terminal left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

NEXUS = Path(sys.executable).with_name("nexus")


def wait_for(done: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


def speaking(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Wait until a run has its speech process, and return all processes below it."""
    below: list[psutil.Process] = []

    def begun() -> bool:
        below[:] = psutil.Process(process.pid).children(recursive=True)
        return any("tools.speech.worker" in child.cmdline() for child in below)

    wait_for(begun)
    return below


def gone(processes: list[psutil.Process]) -> bool:
    return not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_signal_leaves_a_resumable_run(nexus: Any, notes: Path, runs: Any, number: signal.Signals) -> None:
    # Some minutes of speech: the run cannot end before the signal comes.
    text = "The water rises on the near side of the earth. " * 200
    process = subprocess.Popen([NEXUS, "speak", text], cwd=notes.parent, stderr=subprocess.PIPE)
    below = speaking(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"was interrupted." in err
    assert b"nexus resume" in err
    assert b"Traceback" not in err
    wait_for(lambda: gone(below), 5)
    assert runs()[0]["status"] == "interrupted"
    assert not (notes.parent / "speech.wav").exists()
    if number is signal.SIGTERM:
        assert nexus("resume").rc == 0
        assert (notes.parent / "speech.wav").is_file()


def test_second_interrupt_ends_at_once(nexus: Any, on_server: Any, here: Path, runs: Any) -> None:
    on_server.mode = "hang"
    settings = (here / "agents.yaml").read_text()
    (here / "agents.yaml").write_text(settings.replace("timeout: 1", "timeout: 60"))
    process = subprocess.Popen([NEXUS, "run", "say hello"], cwd=here, stderr=subprocess.PIPE)
    wait_for(lambda: bool(on_server.requests))
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    # Where the first was enough already, the second meets a Python that is on its way out; a shell says 130 to both.
    assert process.returncode in (130, -signal.SIGINT)
    assert time.monotonic() - begun < 2
    assert b"Traceback" not in err
    on_server.mode = "healthy"
    assert nexus("resume").out == "You said: say hello\n"


def test_terminal_is_left_as_it_was(notes: Path) -> None:
    outer, inner = os.openpty()
    before = termios.tcgetattr(inner)
    text = "The water rises on the near side of the earth. " * 200
    process = subprocess.Popen([NEXUS, "speak", text], cwd=notes.parent, stdin=inner, stdout=inner, stderr=inner)
    os.set_blocking(outer, False)
    speaking(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert termios.tcgetattr(inner) == before
    shown = os.read(outer, 100_000)
    # The line of progress was wiped, and neither screen nor cursor were switched.
    assert b"\x1b[?" not in shown
    os.close(outer)
    os.close(inner)
