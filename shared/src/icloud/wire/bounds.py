"""How much of an answer may be in memory at a time, whoever sent it."""

import re
from collections.abc import Iterable
from typing import Final

from icloud.errors import NotUnderstood

_MOST_MARKUP: Final = 40_000
"""Elements and attributes in one response. iCloud's largest, a home with sharing details, has a few hundred; a text of
1 MB may have some ten thousand quotation marks. 40,000 · ~150 bytes of tree = 6 MB."""
_MOST_PIECES: Final = 250_000
"""Lines and references in one response: a reader hands out text in pieces, each an object of 50 bytes and more."""
_MOST_BYTES: Final = 10_000_000
"""Of one response."""
_MOST_NAMES: Final = 1_000
"""Different ones in one answer, with their prefixes. A reader keeps each to the end of it; iCloud knows some 150."""
_LONGEST_TAG: Final = 4 * 65_536
"""Bytes of one tag or comment, roughly: what is not at its end is read again with each slice that comes."""
_TAG: Final = re.compile(rb"<([^\s/>]+)")
_PREFIX: Final = re.compile(rb"xmlns:[^\s=]*")
_CDATA: Final = b"<![CDATA["


def markup(piece: bytes | bytearray) -> int:
    """At least the number of elements and attributes that begin here: each attribute has two quotation marks."""
    return piece.count(b"<") + (piece.count(b'"') + piece.count(b"'")) // 2


def is_too_much(body: bytes | bytearray) -> bool:
    """Whether a body is more than what one response may be."""
    return len(body) > _MOST_BYTES or markup(body) > _MOST_MARKUP or _pieces(body) > _MOST_PIECES


class Held:
    """What of one answer is held, response by response. Each of its methods raises NotUnderstood for too much of it."""

    def __init__(self) -> None:
        self._bytes = self._markup = self._pieces = self._open = 0
        self._names = set[bytes | str]()

    def add(self, piece: bytes) -> None:
        """A slice of the answer, before it is read."""
        self._bytes += len(piece)
        self._markup += markup(piece)
        self._pieces += _pieces(piece)
        self._open = _unfinished(piece, self._open)
        if (
            self._bytes > _MOST_BYTES
            or self._markup > _MOST_MARKUP
            or self._pieces > _MOST_PIECES
            or self._open > _LONGEST_TAG
        ):
            raise NotUnderstood("too_much_markup")
        self._names.update(_TAG.findall(piece), _PREFIX.findall(piece))
        self._count_names()

    def let_go(self) -> None:
        """The response that was held is not held any more."""
        self._bytes = self._markup = self._pieces = 0

    def named(self, names: Iterable[str]) -> None:
        """What was read bears these, each with its namespace."""
        self._names.update(names)
        self._count_names()

    def _count_names(self) -> None:
        if len(self._names) > _MOST_NAMES:
            raise NotUnderstood("too_much_markup")


def _pieces(piece: bytes | bytearray) -> int:
    return piece.count(b"\n") + piece.count(b"&")


def _unfinished(piece: bytes, before: int) -> int:
    """Bytes of a tag that goes on behind this slice; `before` of it came before."""
    opened, closed = piece.rfind(b"<"), piece.rfind(b">")
    if opened > closed:
        # A CDATA section is text.
        return 0 if _CDATA.startswith(piece[opened : opened + len(_CDATA)]) else len(piece) - opened
    return before + len(piece) if before and closed < 0 else 0
