"""ETags, ctags and sync-tokens of Apple's looks."""

import base64
import struct
from dataclasses import dataclass

# Real tokens begin HwoQEgwA and hold 46-49 bytes; only the first one is known to be fixed.
_PREFIX = bytes([0x1F, 0x0A, 0x10, 0x12, 0x0C, 0x00, 0x00])
_LAYOUT = struct.Struct(">16sQQ8s")
_TAIL = bytes([0x18, 0x00, 0x00, 0x28, 0x00, 0x30, 0x00, 0x00])
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the change log of one collection."""

    collection: str
    revision: int


def base36(number: int) -> str:
    """Lower-case base 36 of a non-negative number."""
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if number == 0:
            return digits


def etag(milliseconds: int) -> str:
    """Return a strong, quoted ETag: the moment of the change in base 36, as Apple's decode."""
    return f'"{base36(milliseconds)}"'


def token(point: Point, changed: int) -> str:
    """Write a point of the log as an opaque token. `collection` is 32 hex digits, `changed` epoch milliseconds."""
    packed = _LAYOUT.pack(bytes.fromhex(point.collection), point.revision, changed, _TAIL)
    return base64.b64encode(_PREFIX + packed).decode()


def point_of(text: str) -> Point | None:
    """Read a token of our own back; None for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if not raw.startswith(_PREFIX) or len(raw) != len(_PREFIX) + _LAYOUT.size:
        return None
    collection, revision, _, _ = _LAYOUT.unpack(raw[len(_PREFIX) :])
    return Point(collection.hex(), revision)
