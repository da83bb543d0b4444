"""How the app ends when it must: the terminal is restored, the fault goes to the log, two lines stay on the screen."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from rich.text import Text
from textual.app import App

__all__ = ["Ending"]

log = logging.getLogger("nexus")


class Ending(App[None]):
    """An app that ends in order: by signals as by its keys, and by a fault of its own without a traceback."""

    def listen(self) -> None:
        """End in order when the process is told to, or when its terminal goes away; runs go on elsewhere."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(number, self.exit)
            except (NotImplementedError, RuntimeError, ValueError):
                # Not the main thread, as under a test: whoever runs us there ends us.
                return

    def where_the_log_is(self) -> Path | None:
        """Return the file that has the tracebacks; None where the memory was never opened."""
        files = [handler for handler in log.handlers if isinstance(handler, logging.FileHandler)]
        return Path(files[0].baseFilename) if files else None

    def _fatal_error(self) -> None:
        # Textual's own way prints the whole traceback over the terminal.
        error = sys.exc_info()[1] or self._exception
        if "debug" in self.features or "devtools" in self.features or os.environ.get("NEXUS_DEBUG"):
            super()._fatal_error()
            return
        log.error("the app met a fault", exc_info=error)
        where = self.where_the_log_is()
        name = f"{type(error).__name__}: {error}".splitlines()[0][:200] if error else "unknown"
        rest = f"The log has the details: {where}. " if where else ""
        self.panic(Text(f"The app met a fault of its own: {name}\n{rest}Runs go on; open the app again with: nexus"))
