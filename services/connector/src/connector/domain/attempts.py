"""How often credentials may be shown to Apple: who has had too many refused, and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Final

_SLICES: Final = 60
"""A window is counted in so many slices: an attempt counts for one of them longer than it should at most."""


class Scope(StrEnum):
    """Whose attempts a limit counts together."""

    APPLE_ID = "apple_id"
    USER = "user"
    NETWORK = "network"
    ACCOUNT = "account"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts within any span of that length."""

    most: int
    within: timedelta

    def __post_init__(self) -> None:
        if self.most < 1 or self.within < timedelta(seconds=1):
            raise ValueError("a limit allows at least one attempt within at least a second")

    @property
    def slice(self) -> timedelta:
        """The step in which attempts are counted, and forgotten."""
        return self.within / _SLICES


Limits = Mapping[Scope, Limit]
DEFAULT_LIMITS: Final[Limits] = {
    Scope.APPLE_ID: Limit(5, timedelta(minutes=15)),
    Scope.USER: Limit(10, timedelta(hours=1)),
    Scope.NETWORK: Limit(30, timedelta(hours=1)),
    Scope.ACCOUNT: Limit(100, timedelta(hours=1)),
    # Six accounts' worth. Passwords have 16 random letters: this is about Apple's patience with us, not about guessing.
    Scope.EVERYONE: Limit(600, timedelta(hours=1)),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody whose attempts are counted. `parts` name them within the scope and are never shown."""

    scope: Scope
    parts: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of a subject at the moment `now`, the attempt that asks included.

    `slices` are (beginning, attempts), oldest first; `open` tells how many of all of them have no outcome yet.
    """

    now: datetime
    slices: Sequence[tuple[datetime, int]]
    open: int

    @property
    def total(self) -> int:
        return sum(number for _, number in self.slices)


@dataclass(frozen=True, slots=True)
class Wait:
    """Who asks has to wait. `perhaps_sooner`: attempts that are under way now may yet turn out not to count."""

    scope: Scope
    until: datetime
    after: timedelta
    perhaps_sooner: bool


def judged(limits: Limits, tallies: Mapping[Scope, Tally]) -> Wait | None:
    """None when the attempt that is counted in all of `tallies` may go on; else the longest of the waits."""
    waits = [wait for scope, tally in tallies.items() if (wait := _judged(scope, limits[scope], tally))]
    if not waits:
        return None
    longest = max(waits, key=lambda wait: wait.after)
    sooner = all(wait.perhaps_sooner for wait in waits)
    return Wait(longest.scope, longest.until, longest.after, sooner)


def _judged(scope: Scope, limit: Limit, tally: Tally) -> Wait | None:
    over = tally.total - limit.most
    if over <= 0:
        return None
    gone = accumulate(number for _, number in tally.slices)
    last = next(began for (began, _), so_many in zip(tally.slices, gone, strict=True) if so_many >= over)
    until = last + limit.slice + limit.within
    return Wait(scope, until, until - tally.now, tally.total - tally.open < limit.most)
