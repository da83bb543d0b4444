"""What the speech process and its client say to each other over two pipes.

A frame is a length (4 bytes, big-endian), a JSON object of that length, and as many raw bytes as its member
`bytes` says. Requests are `{"op": "speak", "text", "voice", "rate", "pitch", "range"}` and `{"op": "about"}`; a
reply is `{"ok": true, ...}` or `{"ok": false, "error": "..."}`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

__all__ = ["LENGTH", "Mark", "SpeechRequest", "Utterance", "pack", "read_frame"]

LENGTH = struct.Struct(">I")
"""The length that stands before each header."""


@dataclass(frozen=True)
class SpeechRequest:
    """One text for the synthesiser.

    Attributes:
        text: What is said.
        voice: Identifier of a voice of eSpeak NG, with a variant if wanted: `gmw/en-US+f2`.
        rate: Words per minute, 80 to 450.
        pitch: Base pitch, 0 to 99; 50 is the voice's own.
        range: Liveliness of the melody, 0 to 99; 50 is the voice's own.
    """

    text: str
    voice: str
    rate: int = 165
    pitch: int = 50
    range: int = 50


@dataclass(frozen=True)
class Mark:
    """Where the synthesiser began a word.

    Attributes:
        position: Index of its first character in the text, from 0.
        length: Characters.
        seconds: Time from the start of the audio.
    """

    position: int
    length: int
    seconds: float


@dataclass(frozen=True)
class Utterance:
    """Audio from the synthesiser.

    Attributes:
        pcm: Signed 16-bit samples, mono, in the byte order of the machine.
        sample_rate: Hz.
        marks: Beginnings of words, in order of time.
        ends: Ends of clauses (seconds), the pause after them included.
    """

    pcm: bytes
    sample_rate: int
    marks: tuple[Mark, ...]
    ends: tuple[float, ...]


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Return a frame."""
    text = json.dumps({**header, "bytes": len(payload)}).encode()
    return LENGTH.pack(len(text)) + text + payload


def read_frame(pipe: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read a frame, waiting for it; None when the other side has closed the pipe."""
    prefix = pipe.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    header: dict[str, Any] = json.loads(pipe.read(LENGTH.unpack(prefix)[0]))
    return header, pipe.read(header["bytes"])
