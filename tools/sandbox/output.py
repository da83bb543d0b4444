"""What a command prints: the end of it is kept, all of it is shown as it comes."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable

__all__ = ["Tail"]


class Tail:
    """The last bytes of a stream.

    Args:
        limit: Bytes that are kept.
        on_output: Given each piece as it comes.
    """

    def __init__(self, limit: int, on_output: Callable[[str], None] | None) -> None:
        self.limit = limit
        self.on_output = on_output
        self.kept = bytearray()
        self.dropped = 0

    async def drain(self, stream: asyncio.StreamReader) -> None:
        """Read to the end of the stream."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while piece := await stream.read(65536):
            self.kept += piece
            # Cutting at twice the limit moves each byte at most once.
            if len(self.kept) > 2 * self.limit:
                self._cut()
            if self.on_output and (text := decoder.decode(piece)):
                self.on_output(text)

    def text(self) -> str:
        """Return what was kept, and say how much was not."""
        self._cut()
        text = self.kept.decode("utf-8", "replace")
        return f"[{self.dropped} bytes left out]\n{text}" if self.dropped else text

    def _cut(self) -> None:
        if (extra := len(self.kept) - self.limit) > 0:
            del self.kept[:extra]
            self.dropped += extra
