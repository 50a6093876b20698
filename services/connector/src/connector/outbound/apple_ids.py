"""Apple IDs, encrypted with a key of the connector's own.

The vault's credentials cannot be read here, and the page asks for one field when a connection is to be brought back.
AES-256-GCM with a key derived from a file (HKDF-SHA256); each value is bound to its connection, so that one moved to
another connection does not open. Who holds both this key and the database learns e-mail addresses, no password.
"""

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connector.outbound.own_key import key_for

_PURPOSE: Final = b"calsync.connector.apple-id"
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
"""A random nonce of 96 bits: one key may seal 2^32 values (NIST SP 800-38D, 8.3)."""


class EncryptedAppleIds:
    """Seals and opens with the key in one file: 32 or more random bytes, or a private key in PEM."""

    def __init__(self, key_file: Path) -> None:
        """Raise own_key.KeyUnusable."""
        self._cipher = AESGCM(key_for(_PURPOSE, key_file))

    def seal(self, apple_id: str, connection_id: str) -> bytes | None:
        """Seal; twice the same gives two different values."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, apple_id.encode(), _bound_to(connection_id))

    def open(self, sealed: bytes, connection_id: str) -> str | None:
        """Open; None for another connection, another key, an unknown version, or altered bytes."""
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION or len(nonce) < _NONCE_BYTES:
            return None
        try:
            return self._cipher.decrypt(nonce, rest, _bound_to(connection_id)).decode()
        except InvalidTag:
            return None


class NoAppleIds:
    """Remembers none: without a key, whoever reconnects types the Apple ID again."""

    def seal(self, apple_id: str, connection_id: str) -> bytes | None:
        """None."""
        del apple_id, connection_id
        return None

    def open(self, sealed: bytes, connection_id: str) -> str | None:
        """None."""
        del sealed, connection_id
        return None


def _bound_to(connection_id: str) -> bytes:
    return _PURPOSE + b"\n" + connection_id.encode()
