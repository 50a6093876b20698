"""The connector's own key: a file of random bytes, the same for all replicas, from which each purpose gets its own."""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LEAST_KEY_BYTES: Final = 32


class KeyUnusable(Exception):
    """The key's file is missing or holds less than a key. Names the file, never its content."""


def key_for(purpose: bytes, key_file: Path) -> bytes:
    """A key of 256 bits for this purpose alone (HKDF-SHA256). Raises KeyUnusable."""
    try:
        material = key_file.read_bytes()
    except OSError:
        raise KeyUnusable(f"{key_file} is not readable") from None
    if len(material) < LEAST_KEY_BYTES:
        raise KeyUnusable(f"{key_file} holds less than {LEAST_KEY_BYTES} bytes")
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(material)
