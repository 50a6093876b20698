"""Telling the other services what became of appointments."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from availability.domain.appointments import Announcement
from availability.domain.users import User
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

    user: User
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

    def lane(self, user: User) -> int:
        """What cannot be told of one lane's users at the moment says nothing of those of another."""

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Tell them in this order; return when that is certain. Raises Unpublished, Unpublishable."""


class PublishPending:
    """Tell everything that waits; several at once do no harm.

    An appointment's announcements go in the order of its revisions, those of a lane's page in the order in which they
    happened. A publisher that slept and tells an older revision last is no harm either: nobody starts from the
    last record of this topic's key, and readers drop older revisions.

    What can never be told waits with all that follows it of its appointment, and holds up no other. What cannot be told
    at the moment waits with all of its lane, is tried once in a sweep, and holds up no other lane.
    """

    def __init__(self, outbox: Outbox, announcer: Announcer, clock: Clock) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._clock = clock

    async def __call__(self) -> int:
        """How many announcements went out. Raises Unpublished once all others went out; what did counts as out."""
        sweep = _Sweep()
        async with aclosing(self._outbox.waiting()) as pages:
            async for page in pages:
                await self._tell_page(page, sweep)
        if sweep.stuck > 1:
            _log.error("appointments_passed_over", count=sweep.stuck)
        if sweep.away:
            raise Unpublished
        return sweep.told

    async def _tell_page(self, page: Sequence[Waiting], sweep: "_Sweep") -> None:
        left = [one for one in page if self._announcer.lane(one.user) not in sweep.away]
        if not left:
            return
        try:
            several = await self._outbox.read(left)
        except Unpublishable as error:
            if len(left) == 1:
                sweep.pass_over(left[0], error)
            else:
                for one in left:
                    await self._tell_page([one], sweep)
            return
        lanes: dict[int, list[Sequence[Announcement]]] = {}
        for of_one in several:
            lanes.setdefault(self._announcer.lane(of_one[0].user), []).append(of_one)
        # At once: the lane that nothing can be told of takes its time to say so.
        done = await asyncio.gather(*(self._tell(*lane, sweep) for lane in lanes.items()), return_exceptions=True)
        for failed in done:
            if failed is not None:
                raise failed

    async def _tell(self, lane: int, several: Sequence[Sequence[Announcement]], sweep: "_Sweep") -> None:
        everything = [one for of_one in several for one in of_one]
        try:
            await self._announcer.announce(sorted(everything, key=_when))
        except Unpublished:
            sweep.away.add(lane)
        except Unpublishable as error:
            if len(several) == 1:
                sweep.pass_over(Waiting(everything[0].user, everything[0].appointment_id), error)
            else:
                await self._tell_apart(lane, several, sweep)
        else:
            sweep.told += len(everything)
            for of_one in several:
                await self._outbox.mark(of_one[-1], self._clock())

    async def _tell_apart(self, lane: int, several: Sequence[Sequence[Announcement]], sweep: "_Sweep") -> None:
        for of_one in several:
            if lane not in sweep.away:
                await self._tell(lane, [of_one], sweep)


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
            ids = {"account_id": one.user.account_id, "appointment_id": one.appointment_id}
            _log.error("appointment_passed_over", **ids, exc_info=error)


def _when(announcement: Announcement) -> tuple[datetime, str, int]:
    return announcement.at, announcement.appointment_id, announcement.revision
