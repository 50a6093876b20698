"""Telling the other services what became of appointments."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from availability.domain.appointments import Announcement
from runtime.clock import Clock
from runtime.logs import get_logger

FAULTS: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What it raises when something cannot be read or written as it is; nobody else's absence looks like that."""

_log = get_logger("publish")


class Unpublished(Exception):
    """The other services could not be told; nothing is lost, tell them again later."""


class Unpublishable(Exception):
    """Something of it can never be told as it is, whatever the others do; tell the rest without it."""


class Waiting(NamedTuple):
    """An appointment of which something waits to be told."""

    account_id: str
    appointment_id: str


class Outbox(Protocol):
    """Announcements that wait beside their appointments."""

    def waiting(self) -> AsyncGenerator[Sequence[Waiting], None]:
        """The appointments of which something waits, each once, in pages whose announcements may be read at once."""

    async def read(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        """What waits of these by now, each one's own in the order of their revisions. Raises Unpublishable."""

    async def mark(self, told: Announcement, now: datetime) -> None:
        """Note that `told` and everything older of its appointment is out; nothing is changed when newer is noted."""


class Announcer(Protocol):
    """The way to the other services."""

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Tell them in this order; return when that is certain. Raises Unpublished, Unpublishable."""


class PublishPending:
    """Tell everything that waits; several at once do no harm.

    An appointment's announcements go in the order of its revisions, those of a page in the order in which they
    happened. A publisher that slept and tells an older revision last is no harm either: nobody starts from the
    last record of this topic's key, and readers drop older revisions.

    What can never be told waits with all that follows it of its appointment, and holds up no other.
    """

    def __init__(self, outbox: Outbox, announcer: Announcer, clock: Clock) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._clock = clock

    async def __call__(self) -> int:
        """How many announcements went out. Raises Unpublished; what went out before it counts as out."""
        told, stuck = 0, list[Waiting]()
        async with aclosing(self._outbox.waiting()) as pages:
            async for page in pages:
                try:
                    told += await self._tell(page)
                except Unpublishable:
                    told += await self._tell_apart(page, stuck)
        if len(stuck) > 1:
            _log.error("appointments_passed_over", count=len(stuck))
        return told

    async def _tell_apart(self, page: Sequence[Waiting], stuck: list[Waiting]) -> int:
        told = 0
        for one in page:
            try:
                told += await self._tell([one])
            except Unpublishable as error:
                stuck.append(one)
                if len(stuck) == 1:
                    _log.error("appointment_passed_over", **one._asdict(), exc_info=error)
        return told

    async def _tell(self, page: Sequence[Waiting]) -> int:
        several = await self._outbox.read(page)
        everything = [one for of_one in several for one in of_one]
        await self._announcer.announce(sorted(everything, key=_when))
        for of_one in several:
            await self._outbox.mark(of_one[-1], self._clock())
        return len(everything)


def _when(announcement: Announcement) -> tuple[datetime, str, int]:
    return announcement.at, announcement.appointment_id, announcement.revision
