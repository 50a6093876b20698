"""What a pass may still ask of its account."""

from dataclasses import dataclass
from typing import Final

CREDIT: Final = 6
"""Requests that a pass may make before it settles them with the store: enough for nearly every poll, so that an idle
one costs no write of its own. A worker that dies in a pass takes so many with it, unsettled."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What a bucket gave. `next_in` is how many seconds it takes until it has one more to give."""

    count: int
    next_in: float


class Allowance:
    """The requests of one account within one pass. They are serial, so it needs no lock."""

    __slots__ = ("_credit", "_drawn", "_owed")

    def __init__(self, left: float | None = None) -> None:
        """`left` is what the account's bucket held when it was last looked at; it can only have grown since."""
        self._credit = 1 if left is None else max(0, min(CREDIT, int(left)))
        self._drawn = 0
        self._owed = 0

    @property
    def owed(self) -> int:
        """What the store has not heard of: made on credit, less what was drawn and is not used."""
        return self._owed - self._drawn

    def spend(self) -> bool:
        """Use one, if there is one."""
        if self._credit:
            self._credit -= 1
            self._owed += 1
            return True
        if self._drawn:
            self._drawn -= 1
            return True
        return False

    def settle(self, count: int) -> None:
        """The store knows what was owed, and has given so many more."""
        self._owed = 0
        self._drawn = count
