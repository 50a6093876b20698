"""Telling the other services what became of connections."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from connector.domain.connection import Announcement

_BATCH: Final = 200
"""Connections at a time: a record is at most some tens of kilobytes, so a batch is some megabytes."""


class Unpublished(Exception):
    """The other services could not be told; nothing is lost, tell them again later."""


class Outbox(Protocol):
    """Announcements that wait beside their connections."""

    async def waiting(self, limit: int) -> Sequence[Sequence[Announcement]]:
        """At most `limit` connections' announcements, each connection's own in the order of their revisions."""

    async def mark(self, told: Announcement) -> Announcement | None:
        """Note that `told` and everything older of its connection is out.

        When somebody noted a newer one before, nothing is changed and the connection's newest announcement comes back.
        """

    async def forgettable(self, now: datetime, limit: int) -> Sequence[Announcement]:
        """Ends that were told so long ago that their records may go, too."""

    async def mark_forgotten(self, end: Announcement) -> None:
        """Note that an end's records may go."""


class Announcer(Protocol):
    """The way to the other services."""

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Tell them in this order; return when that is certain. Raises Unpublished."""

    async def forget(self, ends: Sequence[Announcement]) -> None:
        """Let the records of these connections go. Raises Unpublished."""


class PublishPending:
    """Tell everything that waits, oldest revision first; several at once do no harm.

    Whoever finds that somebody else was ahead tells the newest once more: its own, older word may have come last,
    and on a compacted topic the last word is what stays.
    """

    def __init__(self, outbox: Outbox, announcer: Announcer, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._clock = clock

    async def __call__(self) -> int:
        """How many announcements went out. Raises Unpublished; what went out before it counts as out."""
        told = 0
        while waiting := await self._outbox.waiting(_BATCH):
            await self._announcer.announce([one for several in waiting for one in several])
            for several in waiting:
                told += len(several) + await self._settle(several[-1])
        return told + await self._forget()

    async def _settle(self, last: Announcement) -> int:
        again = 0
        while newest := await self._outbox.mark(last):
            await self._announcer.announce([newest])
            last = newest
            again += 1
        return again

    async def _forget(self) -> int:
        ends = await self._outbox.forgettable(self._clock(), _BATCH)
        if ends:
            await self._announcer.forget(ends)
            for end in ends:
                await self._outbox.mark_forgotten(end)
        return len(ends)
