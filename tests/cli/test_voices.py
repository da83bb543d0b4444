"""Voices of people: consent first, by a person; and gone for good when it is taken back."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

NEXUS = Path(sys.executable).with_name("nexus")
WHO = ("--speaker", "The reader", "--approved-by", "A tester")


def on_terminal(answers: list[str], *args: str, cwd: Path) -> tuple[int, str]:
    """Run a command on a terminal of its own, typing an answer at each question."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(NEXUS, [str(NEXUS), *args])
    shown = ""
    pending = list(answers)
    until = time.monotonic() + 40
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                shown += os.read(terminal, 10_000).decode()
            except OSError:
                break
        if pending and shown.rstrip("\r\n").endswith(": "):
            # A person is not faster than the prompt: Python loses an interrupt between prompt and read.
            time.sleep(0.3)
            os.write(terminal, pending.pop(0).encode())
            shown += "\n"
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def voices(inside: Any) -> list[str]:
    return [json.loads(line)["name"] for line in inside("voices", "--json").out.splitlines()]


@pytest.fixture
def recording(here: Path, clip: Path) -> Path:
    path = here / "me.wav"
    path.write_bytes(clip.read_bytes())
    return path


def test_no_clone_without_consent(inside: Any, recording: Path, own_home: Path, runs: Any) -> None:
    for words in (["voices", "clone", "me.wav", "--yes"], ["run", "clone the voice in me.wav", "--yes"]):
        done = inside(*words, "-w", "w")
        done.failed(5, "no consent is recorded", "nexus voices consent me.wav")
        assert runs()[0]["status"] == "waiting"
    assert not (own_home / "voices").exists()
    assert [path.name for path in recording.parent.rglob("*")] in (["me.wav", "w"], ["w", "me.wav"])
    inside("voices", "consent", "me.wav").refused(5, "needs a person", "--approved-by")
    assert inside("voices", "consent", "me.wav", *WHO).rc == 0
    resumed = inside("resume")
    assert resumed.rc == 0, resumed
    assert "me" in voices(inside)
    assert list((own_home / "voices").rglob("*.npz"))
    assert inside("voices", "remove", "me").rc == 0
    assert "me" not in voices(inside)
    assert not list((own_home / "voices").rglob("*.npz"))


def test_consent_on_a_terminal(recording: Path, own_home: Path) -> None:
    rc, shown = on_terminal(["Ada\n", "Bob\n", "\n"], "voices", "consent", "me.wav", cwd=recording.parent)
    assert rc == 0, shown
    assert "Ada agrees, says Bob" in shown
    rc, shown = on_terminal(["\x03"], "voices", "consent", "me.wav", cwd=recording.parent)
    assert (rc, "Interrupted." in shown, "Traceback" in shown) == (130, True, False), shown


def test_record_of_another_clip(inside: Any, recording: Path, clip: Path) -> None:
    import soundfile

    samples, rate = soundfile.read(recording)
    soundfile.write(recording.with_name("other.wav"), samples[: 5 * rate], rate)
    record = clip.with_name("reference.consent.json")
    inside("voices", "consent", "other.wav", "--record", record).refused(2, "another recording")
    (recording.parent / "bad.json").write_text('{"clip_sha256": 3}')
    inside("voices", "consent", "me.wav", "--record", "bad.json").refused(2, "bad.json is not a consent")
    inside("voices", "consent", "me.wav", "--record", "no.json").refused(2, "no.json cannot be read")
    assert inside("voices", "consent", "me.wav", "--record", record).rc == 0


@pytest.mark.slow
def test_life_of_a_voice(inside: Any, recording: Path, own_home: Path) -> None:
    assert inside("voices", "consent", "me.wav", *WHO).rc == 0
    inside("voices", "clone", "me.wav", "--name", "alba").failed(2, "already", "another")
    inside("voices", "clone", "me.wav", "--name", "../../x").failed(2, "cannot be the name of a voice")
    assert inside("voices", "clone", "me.wav", "--name", "Reader").rc == 0
    assert "Reader" in voices(inside)
    assert inside("speak", "Hello there.", "-v", "Reader", "-o", "one.wav").rc == 0
    inside("voices", "remove", "nobody").refused(2, "nobody")
    assert list((own_home / "voices").rglob("*.npz"))
    revoked = inside("voices", "revoke", "me.wav")
    assert (revoked.rc, "Reader" in revoked.out) == (0, True)
    assert not list((own_home / "voices").rglob("*.npz"))
    inside("speak", "Hello there.", "-v", "Reader", "-o", "two.wav").failed(2, "no voice named 'Reader'")
    assert not (recording.parent / "two.wav").exists()
    inside("voices", "revoke", "me.wav").refused(2, "No consent")
    inside("voices", "clone", "me.wav").failed(5, "no consent is recorded")
