"""How bytes of a state lie in the database: as they are, or encrypted."""

from __future__ import annotations

from hashlib import blake2b
from itertools import repeat
from typing import Protocol

from nexus_agents.core.errors import ConfigError

__all__ = ["DIGEST_BYTES", "SEALED", "Open", "Sealer"]

DIGEST_BYTES = 16

SEALED = b"\xe1"
"""How encrypted bytes begin; no other ones do."""


class Sealer(Protocol):
    """Closes bytes before they are written and opens them again."""

    def seal(self, data: bytes) -> bytes:
        """Return what is written."""
        ...

    def open(self, data: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            ConfigError: It was sealed with another key, or was changed.
        """
        ...

    def open_all(self, data: list[bytes]) -> list[bytes]:
        """Return what was sealed, many pieces of it; see `open`."""
        ...

    def digest(self, data: bytes) -> bytes:
        """Return 16 bytes by which the same data is found again."""
        ...


class Open:
    """Writes bytes as they are."""

    def seal(self, data: bytes) -> bytes:
        """Return what is written: the data."""
        return data

    def open(self, data: bytes) -> bytes:
        """Return what was written.

        Raises:
            ConfigError: It is encrypted.
        """
        if data.startswith(SEALED):
            raise ConfigError(
                "The memory is encrypted.", "Set NEXUS_MEMORY_KEY to its key, and memory.encrypted in agents.yaml."
            )
        return data

    def open_all(self, data: list[bytes]) -> list[bytes]:
        """Return what was written; see `open`."""
        if any(map(bytes.startswith, data, repeat(SEALED))):
            return [self.open(one) for one in data]
        return data

    def digest(self, data: bytes) -> bytes:
        """Return the BLAKE2b digest of the data (RFC 7693), 16 bytes."""
        return blake2b(data, digest_size=DIGEST_BYTES).digest()
