"""A connection that one worker may work on, for as long as its lease holds."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Final

from contracts.facts import Access
from icloud import KeptHome
from sync_worker.application.allowance import Allowance
from sync_worker.domain.bases import UNREAD
from sync_worker.domain.cadence import Activity
from sync_worker.domain.holds import Wish
from sync_worker.domain.home_calendars import HomeTold
from sync_worker.domain.occurrences import VERSION
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.tracked import Tracked

_TITLES: Final = "titles"
_NO_TITLES: Final = "no titles"


class LeaseLost(Exception):
    """The connection is somebody else's by now, or has come to its end: leave everything as it is."""


class State(StrEnum):
    """What is to be done with a connection."""

    ACTIVE = "active"
    ERASING = "erasing"
    GONE = "gone"


class Lease:
    """The right to work on a connection, measured on this process's own monotonic clock.

    `token` is its name in the store. The store's fence decides in the end; this end is only there to be careful with
    what no fence guards: records on Kafka.
    """

    __slots__ = ("_until", "on_its_way_back", "token")

    def __init__(self, token: str, until: float) -> None:
        self.token = token
        self.on_its_way_back = False
        """The pass is over and gives it back; that it is gone then is no loss."""
        self._until = until

    def extend(self, until: float) -> None:
        """The store has granted more: `until` by the event loop's clock."""
        self._until = max(self._until, until)

    def check(self) -> None:
        """Raise LeaseLost when the lease has run out."""
        if asyncio.get_running_loop().time() >= self._until:
            raise LeaseLost

    def give_up(self) -> None:
        """It is given back: nothing more is to be said under it."""
        self._until = float("-inf")


@dataclass(frozen=True, slots=True)
class LastSaid:
    """What was said last on the events' topic: readers that have it have all before it."""

    event_id: str
    epoch: int
    revision: int


class Trail:
    """What a pass has come to so far."""

    __slots__ = ("accepted", "before", "began", "last", "shows", "taken", "trace")

    def __init__(self, before: LastSaid | None = None, trace: str | None = None) -> None:
        self.before = before
        """What was said by passes before it that may not have told so."""
        self.last = before
        self.accepted = False
        """Whether Apple has let it in: then no 401 of the same pass is about the password."""
        self.shows = ""
        """What the home shows (`HomeSeen.mark`), if that calls for nothing; empty where that is not known."""
        self.taken: int | None = None
        """Of the connection's room for occurrences, by all that is kept; None until somebody wants to know."""
        self.began: float | None = None
        """When it began, by the event loop's clock; None where nobody measures."""
        self.trace = trace
        """Of whoever wanted it last, where that is told (`runtime.tracing`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """What the user allows to be written into iCloud, and whether something is waiting to be."""

    access: Access = Access.READ_ONLY
    linked_calendar_id: str | None = None
    alarm_minutes: int | None = None
    due_at: datetime | None = None
    """When the first appointment that is not as it should be is to be tried."""
    reviewed: int = 0
    """The connection's revision that the appointments were last held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A connection as it was when the lease was taken. `fence` grows with each; no write of an older one counts."""

    connection_id: str
    account_id: str
    user_id: str
    epoch: int
    state: State
    time_zone: str
    titles: bool
    conflict_calendars: frozenset[str]
    setup_revision: int
    """The connection's revision that all of this is of."""
    home: KeptHome = field(repr=False, compare=False)
    calendars: Mapping[str, Tracked] = field(repr=False)
    home_told: HomeTold
    wishes: Mapping[str, Wish]
    """What was said about held removals, by calendar."""
    as_of: datetime | None
    """Up to when all was read; None until the first import is complete."""
    passes: int
    """Completed ones."""
    failures: int
    """Passes in a row that came to nothing."""
    rejections: Rejections | None
    unpublished: bool
    """Whether an earlier pass may have left events unpublished."""
    wakes: int
    """Grows whenever somebody wants the connection to be looked at."""
    fence: int
    claimed_at: datetime
    """When the lease was taken, by the store's clock: workers' own need not agree."""
    activity: Activity
    lease: Lease = field(repr=False)
    exports: Exports = Exports()
    showed: str = field(default="", repr=False)
    """What the home showed (`HomeSeen.mark`) when it last called for nothing; empty: it never did."""
    allowance: Allowance = field(default_factory=Allowance, repr=False, compare=False)
    trail: Trail = field(default_factory=Trail, repr=False, compare=False)

    @property
    def basis(self) -> str:
        """What an event's meaning hangs on beside its text: our way of reading, the zone, whether titles leave."""
        return f"{VERSION} {self.time_zone} {self._titles}"

    @property
    def zoneless_basis(self) -> str:
        """The same for an event that was read to the end and has no floating time."""
        return f"{VERSION} any zone {self._titles}"

    @property
    def bases(self) -> tuple[str, str]:
        """What is read in this pass is read on one of these."""
        return self.basis, self.zoneless_basis

    @property
    def titles_may_be_out(self) -> bool:
        """Whether a calendar was last read, or begun to be, while titles were to leave, and they are not any more."""
        return not self.titles and any(
            one.basis == UNREAD or is_with_titles(one.basis) for one in self.calendars.values()
        )

    @property
    def _titles(self) -> str:
        return _TITLES if self.titles else _NO_TITLES

    def revisions(self) -> Iterator[int]:
        """Of this pass's events on the sync topic, fewer than a thousand; a later pass's are always larger."""
        return count(self.fence * 1000)

    @property
    def last_revision(self) -> int:
        """What ends a pass that may have said something before, without knowing how much."""
        return self.fence * 1000 + 999


def is_with_titles(basis: str) -> bool:
    """Whether titles leave of what is read on this basis."""
    return basis.endswith(f" {_TITLES}") and not basis.endswith(f" {_NO_TITLES}")


def without_titles(basis: str) -> str:
    """The basis of an event that was read on this one, once its title is taken away."""
    return f"{basis.removesuffix(_TITLES)}{_NO_TITLES}" if is_with_titles(basis) else basis
