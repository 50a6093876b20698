"""What comes after a booking never undoes it; but it is told."""

from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Protocol

from availability.domain.appointments import Announcement, Appointment, announcement
from availability.domain.busy import EntryKind, Known, blocking, parts
from availability.domain.intervals import Span, Window, merged
from availability.domain.users import User
from runtime.clock import Clock

AHEAD: Final = 500
"""So many appointments are held against their time at once: without their words, some hundred kilobytes, and three
megabytes where each has as many conflicts as are told."""
WHOLE: Final = 20
"""So many are read whole at once: with the longest words and histories, a megabyte."""
_TOGETHER_SECONDS: Final = 28 * 24 * 60 * 60
"""Appointments of four weeks are looked at with one question."""


@dataclass(frozen=True, slots=True)
class Held:
    """Of an appointment what is held against the user's time: its own, and what was told to be taken of it."""

    id: str
    span: Span
    conflicts: tuple[Span, ...]


class Conflicts(Protocol):
    """Whose appointments are to be looked at, and what was found."""

    def unchecked(self) -> AsyncIterator[User]:
        """The users whose time changed since their appointments were held against it."""

    async def settled(self, user: User) -> int:
        """How often the user's time has changed; all that was decided by then is carried out."""

    async def ahead(self, user: User, after: int) -> Sequence[Held]:
        """The user's appointments that end after that second, by their end; the first AHEAD of them."""

    async def known(self, user: User, window: Window) -> Known:
        """All that is known of a user around `window`, as of one moment."""

    async def whole(self, ids: Collection[str]) -> Sequence[Appointment]:
        """The appointments of these ids, WHOLE at most."""

    async def settle(self, user: User, number: int, found: Sequence[tuple[Appointment, Announcement]]) -> int | None:
        """Keep what was found as of `number`, in portions; how often the user's time has changed with that.

        None when something else changed since: of what was found the first portions may be kept, for they were true.
        """

    async def check(self, user: User, number: int) -> bool:
        """Note that all is told as of `number`; False when something has changed since."""


class CheckConflicts:
    """Hold a user's appointments ahead against the user's time, and tell what is new.

    Whoever writes something that takes time counts it, after the write or with it; what is found here counts only
    while the count stands. So of a booking and an event that come at one moment the later is always seen. What is kept
    here raises the count, too, and takes nobody's time: what was read before it still holds.
    """

    def __init__(self, checks: Conflicts, clock: Clock, told: Callable[[], None]) -> None:
        self._checks = checks
        self._clock = clock
        self._told = told

    async def __call__(self, user: User) -> int:
        """How many conflicts of the user's began, changed or ended.

        The user stays unchecked when something changed meanwhile, or when this ends early: what is told by then is not
        found again.
        """
        number = await self._checks.settled(user)
        news = 0
        async with aclosing(self._found(user)) as portions:
            async for found in portions:
                counted = await self._checks.settle(user, number, found)
                if counted is None:
                    return news
                number = counted
                news += len(found)
                self._told()
        await self._checks.check(user, number)
        return news

    async def _found(self, user: User) -> AsyncGenerator[Sequence[tuple[Appointment, Announcement]], None]:
        """What is new, of WHOLE appointments at most at a time."""
        now = self._clock()
        after = int(now.timestamp())
        while page := await self._checks.ahead(user, after):
            after = page[-1].span[1]
            for window, several in _together(page):
                known = await self._checks.known(user, window)
                time = _Time(known)
                taken = {one.id: spans for one in several if (spans := time.taken_of(one)) != one.conflicts}
                for ids in _at_most(WHOLE, [*taken]):
                    old = await self._checks.whole(ids)
                    new = [one.in_conflict(taken[one.id], now) for one in old]
                    yield [(one, announcement(one, known.connection_id)) for one in new]


class _Time:
    """What is known of some weeks, for hundreds of appointments: hundreds of thousands of spans may lie in them."""

    def __init__(self, known: Known) -> None:
        self._appointments = [entry for entry in known.entries if entry.kind is EntryKind.APPOINTMENT]
        others = tuple(entry for entry in known.entries if entry.kind is not EntryKind.APPOINTMENT)
        self._spans = merged(blocking(replace(known, entries=others)))
        self._ends = [end for _, end in self._spans]

    def taken_of(self, one: Held) -> tuple[Span, ...]:
        """The parts of an appointment's time that something else takes, too."""
        start, end = one.span
        first = bisect_right(self._ends, start)
        near = self._spans[first : bisect_left(self._spans, (end,), first)]
        return parts(chain(near, (entry.span for entry in self._appointments if entry.id != one.id)), one.span)


def _at_most(count: int, ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + count] for first in range(0, len(ids), count))


def _together(several: Sequence[Held]) -> Iterator[tuple[Window, Sequence[Held]]]:
    """Appointments, by their end, in groups that one question covers."""
    group: list[Held] = []
    for one in several:
        if group and one.span[1] - group[0].span[0] > _TOGETHER_SECONDS:
            yield _around(group), group
            group = []
        group.append(one)
    if group:
        yield _around(group), group


def _around(group: Sequence[Held]) -> Window:
    return Window(min(one.span[0] for one in group), max(one.span[1] for one in group))
