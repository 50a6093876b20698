"""Telling the other services what became of connections."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
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

    async def mark(self, told: Announcement) -> Sequence[Announcement]:
        """Note that `told` and everything older of its connection is out.

        When somebody noted as much before, nothing is changed, and what is newer comes back: all that waits, which
        somebody may have told before `told`, or else the newest. Raises Unpublishable.
        """

    async def wait_again(self, one: Waiting) -> None:
        """Let the newest announcement of a connection wait once more, whether or not it can be read.

        Nothing is changed where it waits already.
        """

    def forgettable(self, now: datetime) -> Pages:
        """The connections whose end was told so long ago that their records may go, too."""

    async def ends(self, page: Sequence[Waiting]) -> Sequence[Announcement]:
        """The ends of these whose records have not gone by now. Raises Unpublishable."""

    async def mark_forgotten(self, end: Announcement) -> None:
        """Note that an end's records may go."""


class Announcer(Protocol):
    """The way to the other services."""

    def lane(self, connection_id: str) -> int:
        """What cannot be told of one lane's connections at the moment says nothing of those of another."""

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Tell them in this order; return when that is certain. Raises Unpublished, Unpublishable."""

    async def forget(self, ends: Sequence[Announcement]) -> None:
        """Let the records of these connections go. Raises Unpublished, Unpublishable."""


class PublishPending:
    """Tell everything that waits, oldest revision first; several at once do no harm.

    Whoever finds that somebody else was ahead tells the newest once more: its own, older word may have come last,
    and on a compacted topic the last word is what stays. Where that cannot be done it waits to be, like other news.

    What can never be told waits with all that follows it of its connection, and holds up no other. What cannot be told
    at the moment waits with all of its lane, is tried once in a sweep, and holds up no other lane.
    """

    def __init__(self, outbox: Outbox, announcer: Announcer, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._clock = clock

    async def __call__(self) -> int:
        """How many announcements went out. Raises Unpublished once all others went out; what did counts as out."""
        sweep = _Sweep()
        news = _Round(self._outbox.read, self._announcer.announce, self._settle)
        ends = _Round(self._ends, self._announcer.forget, self._forget)
        for pages, of in ((self._outbox.waiting(), news), (self._outbox.forgettable(self._clock()), ends)):
            async with aclosing(pages):
                async for page in pages:
                    await self._tell_page(page, of, sweep)
        if sweep.stuck > 1:
            _log.error("connections_passed_over", count=sweep.stuck)
        if sweep.away:
            raise Unpublished
        return sweep.told

    async def _tell_page(self, page: Sequence[Waiting], of: "_Round", sweep: "_Sweep") -> None:
        left = [one for one in page if self._announcer.lane(one.connection_id) not in sweep.away]
        if not left:
            return
        try:
            several = await of.read(left)
        except Unpublishable as error:
            if len(left) == 1:
                sweep.pass_over(left[0], error)
            else:
                for one in left:
                    await self._tell_page([one], of, sweep)
            return
        lanes: dict[int, list[Sequence[Announcement]]] = {}
        for of_one in several:
            lanes.setdefault(self._announcer.lane(of_one[0].connection_id), []).append(of_one)
        # At once: the lane that nothing can be told of takes its time to say so.
        telling = [self._tell(lane, told, of, sweep) for lane, told in lanes.items()]
        for failed in await asyncio.gather(*telling, return_exceptions=True):
            if failed is not None:
                raise failed

    async def _tell(self, lane: int, several: Sequence[Sequence[Announcement]], of: "_Round", sweep: "_Sweep") -> None:
        everything = [one for of_one in several for one in of_one]
        try:
            await of.tell(everything)
        except Unpublished:
            sweep.away.add(lane)
        except Unpublishable as error:
            if len(several) == 1:
                sweep.pass_over(_whose(everything[0]), error)
            else:
                await self._tell_apart(lane, several, of, sweep)
        else:
            sweep.told += len(everything)
            for of_one in several:
                await of.note(of_one[-1], lane, sweep)

    async def _tell_apart(
        self, lane: int, several: Sequence[Sequence[Announcement]], of: "_Round", sweep: "_Sweep"
    ) -> None:
        for of_one in several:
            if lane not in sweep.away:
                await self._tell(lane, [of_one], of, sweep)

    async def _settle(self, last: Announcement, lane: int, sweep: "_Sweep") -> None:
        """Whoever was overtaken has the last word for as long as the newest is not told again: so that waits."""
        try:
            while newer := await self._outbox.mark(last):
                await self._once_more(newer, lane, sweep)
                last = newer[-1]
        except Unpublished:
            sweep.away.add(lane)
            await self._outbox.wait_again(_whose(last))
        except Unpublishable as error:
            sweep.pass_over(_whose(last), error)
            await self._outbox.wait_again(_whose(last))

    async def _once_more(self, newer: Sequence[Announcement], lane: int, sweep: "_Sweep") -> None:
        if lane in sweep.away:
            raise Unpublished
        await self._announcer.announce(newer)
        sweep.told += len(newer)

    async def _ends(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        return [[end] for end in await self._outbox.ends(page)]

    async def _forget(self, end: Announcement, _lane: int, _sweep: "_Sweep") -> None:
        await self._outbox.mark_forgotten(end)


@dataclass(slots=True)
class _Sweep:
    """What became of what waited."""

    told: int = 0
    stuck: int = 0
    away: set[int] = field(default_factory=set)
    """Lanes of which nothing can be told now."""

    def pass_over(self, one: Waiting, error: Unpublishable) -> None:
        self.stuck += 1
        if self.stuck == 1:
            _pass_over(one, error)


@dataclass(frozen=True, slots=True)
class _Round:
    """How one kind of what waits is read, told, and noted as told."""

    read: Callable[[Sequence[Waiting]], Awaitable[Sequence[Sequence[Announcement]]]]
    tell: Callable[[Sequence[Announcement]], Awaitable[None]]
    note: Callable[[Announcement, int, _Sweep], Awaitable[None]]


def _whose(announcement: Announcement) -> Waiting:
    return Waiting(announcement.owner.account_id, announcement.connection_id)


def _pass_over(one: Waiting, error: Unpublishable) -> None:
    _log.error("connection_passed_over", **one._asdict(), exc_info=error)
