"""What comes after a booking never undoes it; but it is told."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from availability.domain.appointments import Announcement, Appointment, announcement
from availability.domain.busy import Known, conflicts
from availability.domain.intervals import Window
from availability.domain.users import User
from runtime.clock import Clock

_USERS: Final = 100
_TOGETHER_SECONDS: Final = 28 * 24 * 60 * 60
"""Appointments of four weeks are looked at with one question."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A user whose time changed since appointments were last held against it; `number` counts the changes."""

    user: User
    number: int


class Conflicts(Protocol):
    """Whose appointments are to be looked at, and what was found."""

    async def unchecked(self, limit: int) -> Sequence[Unchecked]:
        """At most `limit` users whose time changed."""

    async def ahead(self, user: User, after: int) -> Sequence[Appointment]:
        """The user's appointments that end after that second, by their start."""

    async def known(self, user: User, window: Window) -> Known:
        """All that is known of a user around `window`, as of one moment."""

    async def settle(self, one: Unchecked, found: Collection[tuple[Appointment, Announcement]]) -> bool:
        """Keep what was found, and that the user is checked. Nothing, and False, when something changed since."""


class CheckConflicts:
    """Hold the appointments ahead of every user whose time changed against it, and tell what is new.

    Whoever writes something that takes time counts it, after the write or with it; what is found here counts only
    while the count stands. So of a booking and an event that come at one moment the later is always seen.
    """

    def __init__(self, checks: Conflicts, clock: Clock, told: Callable[[], None]) -> None:
        self._checks = checks
        self._clock = clock
        self._told = told

    async def __call__(self) -> int:
        """How many conflicts began, changed or ended."""
        news = 0
        while several := await self._checks.unchecked(_USERS):
            settled = [await self._check(one) for one in several]
            news += sum(filter(None, settled))
            if None in settled:
                break
        return news

    async def _check(self, one: Unchecked) -> int | None:
        """How much was new; None when something changed meanwhile."""
        now = self._clock()
        found: list[tuple[Appointment, Announcement]] = []
        for window, several in _together(await self._checks.ahead(one.user, int(now.timestamp()))):
            known = await self._checks.known(one.user, window)
            for old in several:
                new = old.in_conflict(conflicts(known, old.id, old.agreed.span), now)
                if new is not old:
                    found.append((new, announcement(new, known.connection_id)))
        if not await self._checks.settle(one, found):
            return None
        if found:
            self._told()
        return len(found)


def _together(appointments: Sequence[Appointment]) -> Iterator[tuple[Window, Sequence[Appointment]]]:
    """Appointments, by their start, in groups that one question covers."""
    group: list[Appointment] = []
    for one in appointments:
        if group and one.agreed.span[1] - group[0].agreed.span[0] > _TOGETHER_SECONDS:
            yield _around(group), group
            group = []
        group.append(one)
    if group:
        yield _around(group), group


def _around(group: Sequence[Appointment]) -> Window:
    return Window(min(one.agreed.span[0] for one in group), max(one.agreed.span[1] for one in group))
