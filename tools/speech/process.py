"""The client of the speech process: starts it when it is first needed, and again when it has died."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from nexus_agents.core.errors import BackendDown, InputError, MissingExtra
from tools.speech.protocol import LENGTH, Mark, SpeechRequest, Utterance, pack

__all__ = ["SpeechProcess"]

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS_A_CHARACTER = 0.005
"""Allowance for long texts; measured need on two busy cores is 0.00015."""


class SpeechProcess:
    """Speaks through a process of its own; requests are answered one after another.

    Args:
        command: What is started; by default `tools.speech.worker` under this Python.
        time_limit: Seconds that a request may take, besides an allowance for the length of its text.
    """

    def __init__(self, command: Sequence[str] | None = None, *, time_limit: float = 20.0) -> None:
        self._command = command
        self._time_limit = time_limit
        self._process: Process | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()
        self._complaints: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, and id of its process group, while it runs."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process else None

    async def speak(self, request: SpeechRequest) -> Utterance:
        """Synthesise a text.

        Raises:
            InputError: The synthesiser refuses the text or has no such voice.
            BackendDown: It does not answer in time, or died twice over this request.
            MissingExtra: eSpeak NG is not installed.
        """
        limit = self._time_limit + _SECONDS_A_CHARACTER * len(request.text)
        header, pcm = await self._ask({"op": "speak", **asdict(request)}, limit)
        marks = tuple(Mark(*mark) for mark in header["marks"])
        return Utterance(pcm, header["sample_rate"], marks, tuple(header["ends"]))

    async def version(self) -> str:
        """Return the version of eSpeak NG; raises as `speak` does."""
        header, _ = await self._ask({"op": "about"}, self._time_limit)
        return str(header["version"])

    async def aclose(self) -> None:
        """End the process; the next request starts it again."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._loop is asyncio.get_running_loop() and process.returncode is None and process.stdin:
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 1.0)
        self._kill(process)
        if self._loop is asyncio.get_running_loop():
            await process.wait()
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None

    async def _ask(self, request: dict[str, Any], limit: float) -> tuple[dict[str, Any], bytes]:
        if self._loop is not asyncio.get_running_loop():
            # Pipes belong to the event loop that opened them; a new loop needs a new process.
            if self._process is not None:
                self._kill(self._process)
            self._process, self._loop, self._lock = None, asyncio.get_running_loop(), asyncio.Lock()
        async with self._lock:
            try:
                async with asyncio.timeout(limit):
                    header, payload = await self._ask_twice(request)
            except TimeoutError:
                raise BackendDown(
                    f"The speech process did not answer within {limit:.0f} seconds and was ended.",
                    "Try again, or with a shorter text; the next request starts it anew.",
                ) from None
        if not header["ok"]:
            raise InputError(f"This cannot be spoken: {header['error']}.", "Choose another voice or text.")
        return header, payload

    async def _ask_twice(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        for _ in range(2):
            process = await self._running()
            try:
                return await _exchange(process, pack(request))
            except (asyncio.IncompleteReadError, ConnectionError):
                self._kill(process)
                await process.wait()
            except BaseException:
                # A reply that nobody waits for would be taken for the answer to the next request.
                self._kill(process)
                raise
        raise BackendDown(
            f"The speech process ended while it spoke, twice{self._last_words()}.",
            "Try another text; `pip install --force-reinstall espeakng-loader` repairs a broken installation.",
        )

    async def _running(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        if self._command is None and find_spec("espeakng_loader") is None:
            raise MissingExtra("The embedded voice", "speech")
        # -P: a folder named `tools` where the user happens to stand must not be taken for ours.
        command = self._command or (sys.executable, "-P", "-m", "tools.speech.worker")
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        if self._complaints is not None:
            self._complaints.close()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (aclose closes it)
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._complaints,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        return self._process

    def _last_words(self) -> str:
        if self._complaints is None:
            return ""
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return f" ({lines[-1]})" if lines else ""

    @staticmethod
    def _kill(process: Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


async def _exchange(process: Process, frame: bytes) -> tuple[dict[str, Any], bytes]:
    if process.stdin is None or process.stdout is None:
        raise ConnectionError
    process.stdin.write(frame)
    await process.stdin.drain()
    (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    header: dict[str, Any] = json.loads(await process.stdout.readexactly(size))
    return header, await process.stdout.readexactly(header["bytes"])
