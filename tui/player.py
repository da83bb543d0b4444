"""Opens and plays files with the programs of this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from nexus_agents.core.errors import BackendDown, InputError

__all__ = ["Player"]

SOUNDS = frozenset({".mp3", ".wav", ".ogg", ".flac"})

PLAYERS = (("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"), ("mpv", "--no-video"), ("afplay",), ("paplay",))
"""Programs that play a file in a terminal, in the order of preference."""


class Player:
    """Plays one sound at a time and ends with the app; what is no sound is handed to the desktop."""

    def __init__(self) -> None:
        self._playing: subprocess.Popen[bytes] | None = None

    def open(self, path: str) -> str:
        """Open or play a file and return the name of the program.

        Raises:
            InputError: The file is not there any more.
            BackendDown: No program that opens it was found, or it cannot be started.
        """
        file = Path(path).absolute()
        if not _exists(file):
            raise InputError(f"{path} is not there any more.", "It was moved or deleted since it was made.")
        sound = file.suffix.lower() in SOUNDS
        command = (_player() if sound else None) or _desktop()
        if command is None:
            raise BackendDown(f"No program to {'play' if sound else 'open'} it was found.", f"It lies at {file}")
        self.stop()
        try:
            # Its output would be drawn over the screen.
            process = subprocess.Popen(
                [*command, str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise BackendDown(f"{command[0]} cannot be started: {error.strerror}.", f"It lies at {file}") from error
        self._playing = process if sound else None
        return Path(command[0]).name

    def stop(self) -> None:
        """End the sound that plays."""
        if self._playing is not None and self._playing.poll() is None:
            self._playing.terminate()
            self._playing.wait(2)
        self._playing = None


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):
        # A name that no file can have: too long, or with a NUL.
        return False


def _player() -> list[str] | None:
    for name, *options in PLAYERS:
        if found := shutil.which(name):
            return [found, *options]
    return None


def _desktop() -> list[str] | None:
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    return [program] if program else None
