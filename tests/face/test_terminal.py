"""The app in a real terminal: requests, approvals, follow-ups, crashes, and a terminal that is left as it was found."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from face_parts import effects, request, until

ROOT = Path(__file__).resolve().parents[2]
NEXUS = Path(sys.executable).with_name("nexus")
MARK = [("mark", {"text": "once"})]
READY = "ready> "
HOLD = [("hold", {"file": "go"})]

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


@dataclass
class Terminal:
    """One window of a tmux server of its own."""

    server: str
    window: str

    def tmux(self, *command: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.server, "-f", "/dev/null", *command], capture_output=True, text=True, check=True
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", self.window, *keys)

    def write(self, text: str) -> None:
        self.tmux("send-keys", "-t", self.window, "-l", text)

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.window)

    def flag(self, name: str) -> str:
        return self.tmux("display-message", "-p", "-t", self.window, f"#{{{name}}}").strip()

    def wait(self, *texts: str, seconds: float = 20.0) -> None:
        """Wait until the screen shows all these texts."""
        deadline = time.monotonic() + seconds
        while any(text not in self.screen for text in texts):
            assert time.monotonic() < deadline, f"{texts} not on\n{self.screen}"
            time.sleep(0.05)

    def open_app(self) -> None:
        """Open the app and wait for its first screen."""
        self.write(f"clear; {NEXUS}")
        self.press("Enter")
        self.wait("Model: ", "debate: is 2^61 - 1 prime?")

    def ask(self, text: str) -> None:
        """Write a request and send it once it stands there."""
        tail, before = text[-6:], self.screen.count(text[-6:])
        # The first key takes the focus to the prompt.
        self.write(text[0])
        self.wait(f"│ {text[0]}")
        self.write(text[1:])
        until(lambda: self.screen.count(tail) > before)
        self.press("Enter")

    def app(self) -> psutil.Process:
        """Return the process of the app."""
        (found,) = psutil.Process(int(self.flag("pane_pid"))).children()
        return found


Open = Callable[[int, int], Terminal]


@pytest.fixture
def terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a shell in a terminal of some width and height, in the folder whose examples the requests name."""
    monkeypatch.setenv("NEXUS_CONFIG", str(home / "agents.yaml"))
    opened: list[Terminal] = []
    # A name of its own: the server of the test before may still be ending.
    server = f"nexus-{os.getpid()}-{time.monotonic_ns()}"

    def new(width: int, height: int) -> Terminal:
        made = Terminal(server, f"w{len(opened)}:")
        where = ["-x", str(width), "-y", str(height), "-c", str(ROOT)]
        made.tmux("new-session", "-d", "-s", made.window[:-1], *where, f"env PS1='{READY}' bash --norc --noprofile")
        opened.append(made)
        made.wait(READY.strip())
        return made

    yield new
    if opened:
        subprocess.run(["tmux", "-L", server, "kill-server"], capture_output=True)


def built_in(home: Path) -> None:
    (home / "agents.yaml").write_text("default_model: builtin:nexus\n")


def runs(home: Path) -> list[tuple[str, str, str]]:
    """Return id, status and workspace of the runs, oldest first, read past Nexus."""
    with closing(sqlite3.connect(home / "nexus.db")) as database:
        return database.execute("SELECT id, status, workspace FROM runs ORDER BY created_at").fetchall()


def worker_of(home: Path) -> int:
    with closing(sqlite3.connect(home / "nexus.db")) as database:
        query = "SELECT json_extract(owner, '$.pid') FROM runs ORDER BY created_at DESC"
        return int(database.execute(query).fetchone()[0])


def held(home: Path) -> Path:
    """Wait until the newest run waits for its file, and return its workspace."""
    until(lambda: runs(home) and Path(runs(home)[-1][2], "go-held").exists())
    return Path(runs(home)[-1][2])


@pytest.mark.slow
def test_the_requests_of_the_first_screen(home: Path, terminal: Open) -> None:
    built_in(home)
    screen = terminal(100, 30)
    screen.open_app()
    for key, words in (("3", "2305843009213693951 is prime"), ("1", "uvicorn")):
        screen.press(key)
        if key == "1":
            screen.wait("All execute (r)", seconds=30)
            assert answers(screen, "r", "approved for this run")
        screen.wait("done after", words, seconds=60)
        screen.press("C-n")
        screen.wait("Try one")
    assert [status for _, status, _ in runs(home)] == ["done", "done"]


@pytest.mark.slow
def test_a_podcast_with_the_consent_given_in_the_form(home: Path, terminal: Open) -> None:
    built_in(home)
    screen = terminal(80, 24)
    screen.open_app()
    screen.press("2")
    screen.wait("Record consent (c)", seconds=30)
    until(lambda: answers(screen, "c", "Consent to imitate a voice"))
    screen.wait("SHA-256")
    for value in ("A. Speaker", "B. Recorder"):
        screen.write(value)
        screen.wait(value)
        screen.press("Enter")
    for _ in range(3):
        screen.press("Tab")
    screen.press("BTab")
    screen.press("Enter")
    screen.wait("done after", ".mp3", seconds=60)


def answers(screen: Terminal, key: str, text: str) -> bool:
    """Press a key once the question takes keys, which is a moment after it came; whether the text is there."""
    quiet = time.monotonic() + 1.0
    while time.monotonic() < quiet:
        time.sleep(0.1)
    screen.press(key)
    deadline = time.monotonic() + 2.0
    while text not in screen.screen and time.monotonic() < deadline:
        time.sleep(0.05)
    return text in screen.screen


def test_approval_follow_up_and_quitting(home: Path, terminal: Open) -> None:
    screen = terminal(80, 24)
    screen.write("stty -a")
    screen.press("Enter")
    screen.wait("extproc")
    before = settings_of(screen)
    screen.open_app()
    screen.ask(request([("launch", {"text": "the rocket"})], say="it flies"))
    screen.wait("Yes, once (y)", "the rocket")
    assert answers(screen, "y", "approved once")
    screen.wait("it flies", "done after")
    assert Path(runs(home)[-1][2], "launched.txt").read_text() == "the rocket"
    screen.ask(request(say="and a second turn"))
    screen.wait("and a second turn", "done")
    until(lambda: [status for _, status, _ in runs(home)] == ["done", "done"])
    assert runs(home)[0][2] == runs(home)[1][2], "a follow-up works in the same folder"
    assert screen.flag("alternate_on") == "1"
    screen.press("C-c")
    screen.wait("again")
    screen.press("C-c")
    until(lambda: screen.flag("alternate_on") == "0")
    screen.wait(READY.strip())
    assert [screen.flag(name) for name in ("cursor_flag", "mouse_any_flag")] == ["1", "0"]
    screen.write("clear; stty -a")
    screen.press("Enter")
    screen.wait("extproc")
    assert settings_of(screen) == before
    assert " echo " in before


def settings_of(screen: Terminal) -> str:
    lines = screen.screen.split("speed")[-1].splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and READY.strip() not in line)


def test_a_killed_worker_is_seen_and_the_run_resumed(home: Path, terminal: Open) -> None:
    screen = terminal(100, 30)
    screen.open_app()
    screen.ask(request(MARK, HOLD, say="held and released"))
    workspace = held(home)
    os.kill(worker_of(home), signal.SIGKILL)
    screen.wait("is gone", seconds=5)
    (workspace / "go").touch()
    screen.press("F5")
    screen.wait("held and released ", "done after")
    assert effects(str(workspace)) == ["once"]


def test_a_killed_app_and_a_closed_terminal_leave_the_run_at_work(home: Path, terminal: Open) -> None:
    screen = terminal(80, 24)
    screen.open_app()
    screen.ask(request(MARK, HOLD, [("hold", {"file": "go-on"})], say="said while nobody looked"))
    workspace = held(home)
    screen.app().kill()
    (workspace / "go").touch()
    until((workspace / "go-on-held").exists)
    second = terminal(80, 24)
    second.open_app()
    second.press("C-r")
    second.wait("1 of 1 runs")
    second.press("Tab", "Enter")
    second.wait("go-on")
    second.tmux("kill-pane", "-t", second.window)
    (workspace / "go-on").touch()
    until(lambda: runs(home)[-1][1] == "done")
    third = terminal(100, 30)
    third.open_app()
    third.press("C-r")
    third.wait("1 of 1 runs")
    third.press("Tab", "Enter")
    third.wait("said while nobody looked ", "done after", "go-on came")
    assert effects(str(workspace)) == ["once"]
