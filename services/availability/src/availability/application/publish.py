"""Telling the other services what became of appointments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from availability.domain.appointments import Announcement
from runtime.clock import Clock

_BATCH: Final = 200
"""Appointments at a time: with the longest notes a record has some tens of kilobytes, so a batch is some megabytes."""


class Unpublished(Exception):
    """The other services could not be told; nothing is lost, tell them again later."""


class Outbox(Protocol):
    """Announcements that wait beside their appointments."""

    async def waiting(self, limit: int) -> Sequence[Sequence[Announcement]]:
        """At most `limit` appointments' announcements, each one's own in the order of their revisions."""

    async def mark(self, told: Announcement, now: datetime) -> None:
        """Note that `told` and everything older of its appointment is out; nothing is changed when newer is noted."""


class Announcer(Protocol):
    """The way to the other services."""

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Tell them in this order; return when that is certain. Raises Unpublished."""


class PublishPending:
    """Tell everything that waits; several at once do no harm.

    An appointment's announcements go in the order of its revisions, those of different ones in the order in which
    they happened. A publisher that slept and tells an older revision last is no harm either: nobody starts from the
    last record of this topic's key, and readers drop older revisions.
    """

    def __init__(self, outbox: Outbox, announcer: Announcer, clock: Clock) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._clock = clock

    async def __call__(self) -> int:
        """How many announcements went out. Raises Unpublished; what went out before it counts as out."""
        told = 0
        while waiting := await self._outbox.waiting(_BATCH):
            everything = [one for several in waiting for one in several]
            await self._announcer.announce(sorted(everything, key=_when))
            for several in waiting:
                await self._outbox.mark(several[-1], self._clock())
            told += len(everything)
        return told


def _when(announcement: Announcement) -> tuple[datetime, str, int]:
    return announcement.at, announcement.appointment_id, announcement.revision
