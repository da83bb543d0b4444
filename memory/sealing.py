"""How bytes of a state lie in the database: as they are, or encrypted."""

from __future__ import annotations

from hashlib import blake2b
from typing import Protocol

__all__ = ["Open", "Sealer"]

DIGEST_BYTES = 16


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

    def digest(self, data: bytes) -> bytes:
        """Return 16 bytes by which the same data is found again."""
        ...


class Open:
    """Writes bytes as they are."""

    def seal(self, data: bytes) -> bytes:
        """Return what is written: the data."""
        return data

    def open(self, data: bytes) -> bytes:
        """Return what was written."""
        return data

    def digest(self, data: bytes) -> bytes:
        """Return the BLAKE2b digest of the data (RFC 7693), 16 bytes."""
        return blake2b(data, digest_size=DIGEST_BYTES).digest()
