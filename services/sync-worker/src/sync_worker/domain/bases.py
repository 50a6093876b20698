"""What an event's meaning hangs on besides its text: the version of our way of reading, a space, whatever else.

It is written on what was read. While two versions of us run side by side, each meets what the other has read.
"""

from collections.abc import Collection
from enum import Enum, auto
from functools import lru_cache
from typing import Final

UNREAD: Final = ""
"""The basis of what is to be looked through again, whatever we read by: no reading goes by it."""


class Basis(Enum):
    """How something was read, seen from how we read."""

    OURS = auto()
    """As we do, or by a newer version of us, which knows better: it is left alone."""
    OLDER = auto()
    """Only by an older version of us. That is no news for anybody: it waits for the day's work."""
    OTHER = auto()
    """By something else that we do not go by: it means something else now."""


def seen(basis: str, ours: Collection[str]) -> Basis:
    """What `basis` is to those that we read by."""
    if basis in ours:
        return Basis.OURS
    version, rest = _parts(basis)
    for number, same in map(_parts, ours):
        if rest == same and version is not None and number is not None:
            return Basis.OURS if version >= number else Basis.OLDER
    return Basis.OTHER


@lru_cache(maxsize=1024)
def _parts(basis: str) -> tuple[int | None, str]:
    version, _, rest = basis.partition(" ")
    return (int(version), rest) if version.isdecimal() and rest else (None, basis)
