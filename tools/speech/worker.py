"""The speech process: `python -m tools.speech.worker` answers requests on its standard input.

eSpeak NG is loaded here and nowhere else: its licence stays at arm's length, and a crash of native code ends this
process alone. It ends when its input closes, and on Linux also when its parent dies in any other way.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from dataclasses import asdict
from typing import Any, BinaryIO, NoReturn

from tools.speech.espeak import Espeak
from tools.speech.protocol import SpeechRequest, pack, read_frame

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> int:
    """Answer requests until the input closes; returns the exit status."""
    replies = _own_stdout()
    _die_with_parent()
    synthesiser = Espeak()
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        # Each answer is made in a copy of the fresh process: the synthesiser keeps flutter and noise from one utterance
        # to the next, and the same text shall always give the same sound.
        child = os.fork()
        if child == 0:
            _reply(synthesiser, frame[0], replies)
        _, status = os.waitpid(child, 0)
        if status != 0:
            sys.stderr.write(f"the copy that spoke ended with {os.waitstatus_to_exitcode(status)}\n")
            return 1
    return 0


def _reply(synthesiser: Espeak, request: dict[str, Any], replies: BinaryIO) -> NoReturn:
    try:
        try:
            header, payload = _answer(synthesiser, request)
        except (KeyError, TypeError, ValueError) as error:
            header, payload = {"ok": False, "error": str(error)}, b""
        replies.write(pack(header, payload))
        replies.flush()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _answer(synthesiser: Espeak, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    if request["op"] == "about":
        return {"ok": True, "version": synthesiser.version, "sample_rate": synthesiser.sample_rate}, b""
    if request["op"] != "speak":
        raise ValueError(f"unknown request {request['op']!r}")
    fields = {key: value for key, value in request.items() if key not in ("op", "bytes")}
    utterance = synthesiser.speak(SpeechRequest(**fields))
    marks = [list(asdict(mark).values()) for mark in utterance.marks]
    header = {"ok": True, "sample_rate": utterance.sample_rate, "marks": marks, "ends": list(utterance.ends)}
    return header, utterance.pcm


def _own_stdout() -> BinaryIO:
    # Native code may print; what it prints must not land between two frames.
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(own, "wb")


def _die_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipe
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
