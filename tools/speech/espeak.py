"""A binding to eSpeak NG (GPL-3.0-or-later) by ctypes; only the speech process imports it.

The library and its data come in the wheel `espeakng_loader`. Names and numbers are those of `espeak-ng/speak_lib.h`.
"""

from __future__ import annotations

import ctypes as c
from typing import TYPE_CHECKING, TypeAlias

from tools.speech.protocol import Mark, SpeechRequest, Utterance

__all__ = ["Espeak"]

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: callbacks run inside espeak_Synth, nothing is played
_BUFFER_MS = 200
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report a missing data folder instead of ending the process
_CHARS_UTF8 = 1
_LOUD = 60  # at the usual 100 many voices clip
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_SEED = 1  # of the noise in consonants
_EVENT_LIST_END, _EVENT_WORD, _EVENT_END = 0, 1, 5


class _EventId(c.Union):
    _fields_ = (("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8))


class _Event(c.Structure):
    _fields_ = (
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _EventId),
    )


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


if TYPE_CHECKING:
    _Samples: TypeAlias = c._Pointer[c.c_short]  # pyright: ignore[reportPrivateUsage]
    _Events: TypeAlias = c._Pointer[_Event]  # pyright: ignore[reportPrivateUsage]


class Espeak:
    """The synthesiser. One a process: the library keeps global state, of which some outlasts an utterance.

    The first utterance of a process is always the same; later ones differ by flutter and noise.

    Raises:
        OSError: The library or its data cannot be loaded.
    """

    def __init__(self) -> None:
        import espeakng_loader

        self._library = c.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Info.restype = c.c_char_p
        data = str(espeakng_loader.get_data_path()).encode()
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
        if self.sample_rate <= 0:
            raise OSError(f"eSpeak NG cannot read its data in {data.decode()}")
        self._library.espeak_ng_SetRandSeed(c.c_long(_SEED))
        self._pcm: list[bytes] = []
        self._marks: list[Mark] = []
        self._ends: list[float] = []
        self._callback = _Callback(self._heard)  # a reference is kept: the library holds only the pointer
        self._library.espeak_SetSynthCallback(self._callback)

    @property
    def version(self) -> str:
        """Version of eSpeak NG, for instance `1.52.0`."""
        return self._library.espeak_Info(None).decode()

    def speak(self, request: SpeechRequest) -> Utterance:
        """Synthesise a text.

        Raises:
            ValueError: There is no such voice, or the library refuses the text.
        """
        if self._library.espeak_SetVoiceByName(request.voice.encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {request.voice!r}")
        settings = ((_RATE, request.rate), (_VOLUME, _LOUD), (_PITCH, request.pitch), (_RANGE, request.range))
        for parameter, value in settings:
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pcm, self._marks, self._ends = [], [], []
        text = request.text.encode("utf-8", "replace")
        size = c.c_size_t(len(text) + 1)
        if self._library.espeak_Synth(text, size, 0, 1, 0, _CHARS_UTF8, None, None) != 0:
            raise ValueError("eSpeak NG refused the text")
        self._library.espeak_Synchronize()
        return Utterance(b"".join(self._pcm), self.sample_rate, tuple(self._marks), tuple(self._ends))

    def _heard(self, samples: _Samples, count: int, events: _Events) -> int:
        if samples and count > 0:
            self._pcm.append(c.string_at(samples, count * 2))
        index = 0
        while (event := events[index]).type != _EVENT_LIST_END:
            seconds = event.audio_position / 1000
            if event.type == _EVENT_WORD:
                self._marks.append(Mark(event.text_position - 1, event.length, seconds))
            elif event.type == _EVENT_END:
                self._ends.append(seconds)
            index += 1
        return 0
