"""Whoever pays for an account's requests stands between it and the wire: may let it wait, may hold it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Protocol

from icloud.errors import TryLater
from icloud.wire.requests import RequestClass

UNSAID: Final = timedelta(minutes=15)
"""How long an account that iCloud throttles is left alone where it does not say how long."""
_THROTTLES: Mapping[int, timedelta] = {429: UNSAID, 503: UNSAID}


def alone(status: int | None, said: timedelta | None) -> timedelta | None:
    """For how long no request of an account may follow an answer; None where the answer asks for no pause."""
    return said or (None if status is None else _THROTTLES.get(status))


class HeldBack(TryLater):
    """Nothing was asked: we ourselves did not let the request out. Says nothing about Apple, account or calendar.

    It has no chance before `after`. No failure is to be counted for it.
    """

    def __init__(self, after: timedelta, reason: str) -> None:
        super().__init__(after, reason)


@dataclass(frozen=True, slots=True)
class Errand:
    """One request that is about to go out; a redirect and a repetition are one each."""

    origin: str
    entry: bool
    """Whether this is the host where discovery begins."""
    kind: RequestClass


class Fate(Enum):
    """How an errand ended."""

    ANSWERED = auto()
    LOST = auto()
    """No connection, or no whole answer in time."""
    ABANDONED = auto()
    """Broken off by us, or about to be repeated on a fresh connection: nothing was learnt about the host."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an errand."""

    fate: Fate
    status: int | None = None
    """None: no answer began."""
    retry_after: timedelta | None = None
    """What a 429 or 5xx said, clamped as `TryLater.after` is."""

    @property
    def alone(self) -> timedelta | None:
        """For how long the account is to be left alone."""
        return alone(self.status, self.retry_after)


class Turnstile(Protocol):
    """Stands before the wire for one account. Called on the event loop."""

    async def admit(self, errand: Errand) -> None:
        """Return once the request may go out; the time until then counts for none of its time-outs.

        Raise HeldBack where it may not go now, or whatever this turnstile's own trouble is: it reaches the caller.
        Never an OSError, which would be taken for the network's.
        """

    def left(self, errand: Errand, outcome: Outcome) -> None:
        """Hear how it went: once for each errand that was admitted. Must be quick and raise nothing."""
