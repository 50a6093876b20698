"""Asking the workers for a look at iCloud now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol

from connector.application.refusals import HeldOtherwise, NoSuchConnection, TooSoon, UnknownCalendar
from connector.domain.connection import Connection, Owner

PAUSE: Final = timedelta(seconds=5)
"""Between two requests of one connection: a look takes a second or two, and a second one sees nothing else."""
PAUSE_BEFORE_A_DECISION: Final = timedelta(seconds=1)
"""Whoever settles held removals of several calendars does so one after the other, as fast as a page loads."""


NOT_TOLD: Final[Mapping[str, datetime]] = MappingProxyType({})
"""Nobody said what they had seen."""


@dataclass(frozen=True, slots=True)
class Request:
    """A wish for a fresh look; removals held for the calendars in `confirm` are meant, those in `keep` are not.

    `seen` tells since when those were held that were shown to whoever decided, where they say so.
    """

    connection: Connection
    at: datetime
    confirm: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    seen: Mapping[str, datetime] = field(default_factory=dict)


class AskedConnections(Protocol):
    """Where connections are kept."""

    async def of(self, owner: Owner) -> Connection | None:
        """The owner's living connection."""

    async def allow(self, connection_id: str, now: datetime, pause: timedelta) -> timedelta | None:
        """None, and take note, unless a request was allowed within the last `pause`; else how long to wait.

        Of several at once, in whatever process, one is allowed.
        """


class Workers(Protocol):
    """The way to the workers."""

    async def ask(self, request: Request) -> None:
        """Return once they are certain to hear of it. Raises NobodyToAsk within seconds."""


class RequestSync:
    """Ask for a look now.

    A request is told at once or not at all: nothing is kept to be told later, because tomorrow nobody wants it, and
    the connection's own turn comes within minutes anyway.
    """

    def __init__(self, connections: AskedConnections, workers: Workers, clock: Callable[[], datetime]) -> None:
        self._connections = connections
        self._workers = workers
        self._clock = clock

    async def __call__(
        self,
        owner: Owner,
        connection_id: str,
        *,
        confirm: tuple[str, ...] = (),
        keep: tuple[str, ...] = (),
        seen: Mapping[str, datetime] = NOT_TOLD,
    ) -> None:
        """`confirm` and `keep` name calendars whose held removals are settled by it.

        Nothing is confirmed that is held since another moment than the one that `seen` has for its calendar.
        Raises NoSuchConnection, UnknownCalendar, HeldOtherwise, TooSoon, NobodyToAsk.
        """
        connection = await self._connections.of(owner)
        if connection is None or connection.id != connection_id:
            raise NoSuchConnection
        terms = connection.terms
        if not {*confirm, *keep} <= terms.setup.conflict_ids | {c.id for c in terms.calendars}:
            raise UnknownCalendar
        # The workers look at it again: they may have come to hold something else that was not told yet.
        held = {one.calendar_id: one.since for one in connection.held}
        if any(held.get(one) != seen[one] for one in confirm if one in seen):
            raise HeldOtherwise
        now = self._clock()
        wait = await self._connections.allow(connection.id, now, PAUSE_BEFORE_A_DECISION if confirm or keep else PAUSE)
        if wait is not None:
            raise TooSoon(wait)
        await self._workers.ask(Request(connection, now, confirm, keep, seen))
