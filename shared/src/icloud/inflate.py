"""A body as it comes off the wire, inflated under a cap: memory never exceeds what was allowed, whatever is sent."""

import zlib

from icloud.errors import NotUnderstood, TryLater

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 65_536


class BodyTooLarge(NotUnderstood):
    """The body is larger than the budget. What was read so far is worthless."""

    def __init__(self) -> None:
        super().__init__("too_large")


class Body:
    """Collects chunks of a body with the given Content-Encoding, up to `most` bytes after inflating."""

    def __init__(self, encoding: str, *, most: int) -> None:
        """Raise NotUnderstood for an encoding that was not offered."""
        if encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip"):
            raise NotUnderstood("encoding")
        # Parts, not one growing buffer: enlarging that may take its size twice.
        self._parts: list[bytes] = []
        self._size = 0
        self._most = most
        self._gzip = encoding.strip().lower() in ("gzip", "x-gzip")
        self._inflate = zlib.decompressobj(_GZIP)

    def add(self, chunk: bytes) -> None:
        """Raise BodyTooLarge, or NotUnderstood if it is no gzip."""
        if self._gzip:
            self._add_inflated(chunk)
        else:
            self._keep(chunk)

    def end(self) -> bytearray:
        """Return the whole body; raise TryLater if the gzip stream is not complete."""
        if self._gzip and self._size and not self._inflate.eof:
            raise TryLater(None, "cut_short")
        return bytearray().join(self._parts)

    def _add_inflated(self, chunk: bytes) -> None:
        while chunk:
            if self._inflate.eof:  # another member of the same stream (RFC 1952 §2.2)
                self._inflate = zlib.decompressobj(_GZIP)
            try:
                self._keep(self._inflate.decompress(chunk, _STEP))
            except zlib.error:
                raise NotUnderstood("encoding") from None
            chunk = self._inflate.unconsumed_tail or self._inflate.unused_data

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._most:
            self._parts.clear()
            raise BodyTooLarge
        self._parts.append(part)
