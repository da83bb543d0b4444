"""States of graphs encrypted in the database, with a key that lies elsewhere."""

from __future__ import annotations

import base64
import binascii
import os
from hashlib import blake2b
from typing import Any

from memory.sealing import DIGEST_BYTES, SEALED, Open
from nexus_agents.core.errors import ConfigError, MissingExtra

__all__ = ["Encrypted", "find_key", "sealer_for"]

KEY_BYTES = 32
_NONCE_BYTES = 12
_VARIABLE = "NEXUS_MEMORY_KEY"
_SERVICE = "nexus-memory"


class Encrypted:
    """Encrypts with AES-256-GCM (NIST SP 800-38D), a new nonce of 96 bits each time.

    What was written before encryption was switched on can still be read.

    Args:
        key: 32 bytes.

    Raises:
        MissingExtra: The package `cryptography` is not installed.
        ConfigError: The key has another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigError(
                f"The key of the memory has {len(key)} bytes and needs {KEY_BYTES}.",
                f"Set {_VARIABLE} to what `nexus doctor --new-memory-key` prints.",
            )
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise MissingExtra("An encrypted memory", "encryption") from error
        self._cipher: Any = AESGCM(key)
        # Equal values are found by a digest that nobody without the key can make.
        self._digest_key = blake2b(key, digest_size=KEY_BYTES, person=b"nexus-digest").digest()
        self._open = Open()

    def seal(self, data: bytes) -> bytes:
        """Return a mark, the nonce, and the encrypted data with its tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return SEALED + nonce + self._cipher.encrypt(nonce, data, None)

    def open(self, data: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            ConfigError: It was sealed with another key, or was changed.
        """
        if not data.startswith(SEALED):
            return self._open.open(data)
        from cryptography.exceptions import InvalidTag

        start = len(SEALED)
        nonce, sealed = data[start : start + _NONCE_BYTES], data[start + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise ConfigError(
                "The memory was encrypted with another key, or a part of it was changed.",
                f"Set {_VARIABLE} to the key that it was written with.",
            ) from error

    def open_all(self, data: list[bytes]) -> list[bytes]:
        """Return what was sealed, many pieces of it; see `open`."""
        return [self.open(one) for one in data]

    def digest(self, data: bytes) -> bytes:
        """Return a keyed BLAKE2b digest of the data, 16 bytes."""
        return blake2b(data, digest_size=DIGEST_BYTES, key=self._digest_key).digest()


def find_key(name: str) -> bytes | None:
    """Return the key of a memory: $NEXUS_MEMORY_KEY, else the one in the keyring of the system, else None.

    Args:
        name: The name of the memory, under which a keyring has its key.

    Raises:
        ConfigError: It is not base64.
    """
    text = os.environ.get(_VARIABLE) or _from_keyring(name)
    if not text:
        return None
    try:
        return base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(
            "The key of the memory is not base64.", "A new one is printed by: nexus doctor --new-memory-key"
        ) from error


def sealer_for(name: str) -> Encrypted:
    """Return what encrypts a memory.

    Raises:
        ConfigError: There is no key, or it is none.
        MissingExtra: The package `cryptography` is not installed.
    """
    key = find_key(name)
    if key is None:
        raise ConfigError(
            f"The memory {name} is to be encrypted, and there is no key.",
            f"Set {_VARIABLE}, or keep a key in the keyring of the system: keyring set {_SERVICE} {name!r}",
        )
    return Encrypted(key)


def _from_keyring(name: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(_SERVICE, name)
    except KeyringError:
        return None
