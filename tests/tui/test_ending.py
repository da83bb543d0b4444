"""How the app ends when it must."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAULTY = """
from tui.app import NexusApp, run
def broken(self):
    raise RuntimeError("[/] broken")
NexusApp.action_help = broken
run()
"""


def begin(home: Path, code: str) -> tuple[subprocess.Popen[bytes], int]:
    controller, terminal = pty.openpty()
    env = {**os.environ, "NEXUS_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    app = subprocess.Popen([sys.executable, "-c", code], stdin=terminal, stdout=terminal, stderr=terminal, env=env)
    os.close(terminal)
    return app, controller


def read_until(controller: int, text: bytes | None, seconds: float = 20.0) -> bytes:
    seen, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and (text is None or text not in seen):
        if select.select([controller], [], [], 0.1)[0]:
            try:
                seen += os.read(controller, 65536)
            except OSError:
                break
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(own_home: Path, number: signal.Signals) -> None:
    app, controller = begin(own_home, "from tui.app import run; run()")
    try:
        assert b"builtin:nexus" in read_until(controller, b"builtin:nexus")
        app.send_signal(number)
        rest = read_until(controller, None)
        assert app.wait(10) == 0
        # The alternate screen is left and the cursor shown again.
        assert b"\x1b[?1049l" in rest
        assert b"\x1b[?25h" in rest
    finally:
        app.kill()
        app.wait()
        os.close(controller)


def test_a_fault_is_two_lines_and_the_log_has_the_rest(own_home: Path) -> None:
    app, controller = begin(own_home, FAULTY)
    try:
        read_until(controller, b"builtin:nexus")
        os.write(controller, b"\x1bOP")
        rest = read_until(controller, None)
        assert app.wait(10) == 1
        text = rest.partition(b"\x1b[?1049l")[2].decode(errors="replace")
        assert "The app met a fault of its own: RuntimeError: [/] broken" in text
        assert "nexus.log" in text.replace("\r\n", "")
        assert "Traceback" not in text
        assert "RuntimeError" in (own_home / "logs" / "nexus.log").read_text()
    finally:
        app.kill()
        app.wait()
        os.close(controller)
