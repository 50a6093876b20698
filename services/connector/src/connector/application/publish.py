"""Telling the other services what became of connections."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from connector.domain.connection import Announcement
from runtime.logs import get_logger

FAULTS: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What it raises when something cannot be read or written as it is; nobody else's absence looks like that."""

_log = get_logger("publish")


class Unpublished(Exception):
    """The other services could not be told; nothing is lost, tell them again later."""


class Unpublishable(Exception):
    """Something of it can never be told as it is, whatever the others do; tell the rest without it."""


class Waiting(NamedTuple):
    """A connection of which something waits to be told."""

    account_id: str
    connection_id: str


Pages = AsyncGenerator[Sequence[Waiting], None]
"""Connections, each once, in pages that may be read at once."""


class Outbox(Protocol):
    """Announcements that wait beside their connections."""

    def waiting(self) -> Pages:
        """The connections of which something waits."""

    async def read(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        """What waits of these by now, each one's own in the order of their revisions. Raises Unpublishable."""

    async def mark(self, told: Announcement) -> Announcement | None:
        """Note that `told` and everything older of its connection is out.

        When somebody noted a newer one before, nothing is changed and the connection's newest announcement comes back.
        Raises Unpublishable.
        """

    def forgettable(self, now: datetime) -> Pages:
        """The connections whose end was told so long ago that their records may go, too."""

    async def ends(self, page: Sequence[Waiting]) -> Sequence[Announcement]:
        """The ends of these whose records have not gone by now. Raises Unpublishable."""

    async def mark_forgotten(self, end: Announcement) -> None:
        """Note that an end's records may go."""


class Announcer(Protocol):
    """The way to the other services."""

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Tell them in this order; return when that is certain. Raises Unpublished, Unpublishable."""

    async def forget(self, ends: Sequence[Announcement]) -> None:
        """Let the records of these connections go. Raises Unpublished, Unpublishable."""


class PublishPending:
    """Tell everything that waits, oldest revision first; several at once do no harm.

    Whoever finds that somebody else was ahead tells the newest once more: its own, older word may have come last,
    and on a compacted topic the last word is what stays.

    What can never be told waits with all that follows it of its connection, and holds up no other.
    """

    def __init__(self, outbox: Outbox, announcer: Announcer, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._clock = clock

    async def __call__(self) -> int:
        """How many announcements went out. Raises Unpublished; what went out before it counts as out."""
        stuck: list[Waiting] = []
        told = await _page_by_page(self._outbox.waiting(), self._tell, stuck)
        told += await _page_by_page(self._outbox.forgettable(self._clock()), self._forget, stuck)
        if len(stuck) > 1:
            _log.error("connections_passed_over", count=len(stuck))
        return told

    async def _tell(self, page: Sequence[Waiting]) -> int:
        several = await self._outbox.read(page)
        await self._announcer.announce([one for of_one in several for one in of_one])
        return sum([len(of_one) + await self._settle(of_one[-1]) for of_one in several])

    async def _settle(self, last: Announcement) -> int:
        again = 0
        try:
            while newest := await self._outbox.mark(last):
                await self._announcer.announce([newest])
                last = newest
                again += 1
        except Unpublishable as error:
            # Somebody else has told what is newer, so nothing waits that would come again: readers drop the older word.
            _pass_over(Waiting(last.owner.account_id, last.connection_id), error)
        return again

    async def _forget(self, page: Sequence[Waiting]) -> int:
        ends = await self._outbox.ends(page)
        await self._announcer.forget(ends)
        for end in ends:
            await self._outbox.mark_forgotten(end)
        return len(ends)


async def _page_by_page(pages: Pages, tell: Callable[[Sequence[Waiting]], Awaitable[int]], stuck: list[Waiting]) -> int:
    """How much of it was told: a page at once, or one by one where something of it can never be."""
    told = 0
    async with aclosing(pages):
        async for page in pages:
            try:
                told += await tell(page)
            except Unpublishable:
                told += await _apart(page, tell, stuck)
    return told


async def _apart(
    page: Sequence[Waiting], tell: Callable[[Sequence[Waiting]], Awaitable[int]], stuck: list[Waiting]
) -> int:
    told = 0
    for one in page:
        try:
            told += await tell([one])
        except Unpublishable as error:
            stuck.append(one)
            if len(stuck) == 1:
                _pass_over(one, error)
    return told


def _pass_over(one: Waiting, error: Unpublishable) -> None:
    _log.error("connection_passed_over", **one._asdict(), exc_info=error)
