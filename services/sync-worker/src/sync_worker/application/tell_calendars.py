"""Saying which calendars an account has."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from contracts.events import CalendarsChanged
from contracts.facts import Calendar
from icloud import ListedCalendar
from runtime.logs import get_logger
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.tell import Tell, whose
from sync_worker.domain.home_calendars import HomeTold, News, news

_MOST: Final = 500
"""Apple allows 100; the connector takes no more than this."""
_COMPARED: Final = 199
"""Characters of a name: the connector keeps no more of a longer one."""

_log = get_logger("sync_worker.tell_calendars")


class TellCalendars:
    """Says all calendars of an account when they are not those that were told last."""

    def __init__(self, tell: Tell, passes: Passes) -> None:
        self._tell = tell
        self._passes = passes

    async def __call__(self, course: Course, shown: Mapping[str, ListedCalendar]) -> bool:
        """Say what the home shows, by calendar id, if it is news; whoever hears it twice hears the same.

        Returns whether it is what was told before.
        """
        claim = course.claim
        if len(shown) > _MOST:
            return False
        digest = _digest(shown)
        todo, told = news(claim.home_told, digest, frozenset(shown), course.now)
        if todo is News.NONE:
            return told.digest == digest
        if todo is News.TELL:
            _log.info("calendars_changed", calendars=len(shown))
            calendars = tuple(_calendar(one, listed) for one, listed in shown.items())
            await self._tell.say(CalendarsChanged(**whose(claim, next(course.revisions)), calendars=calendars))
        await self._passes.told(claim, told)
        return False


def told_of(calendars: Iterable[Calendar]) -> HomeTold:
    """What there is to remember of calendars that the connector told."""
    by_id = {one.id: one for one in calendars}
    return HomeTold(_digest(by_id), frozenset(by_id))


def _digest(calendars: Mapping[str, Calendar] | Mapping[str, ListedCalendar]) -> str:
    told = sorted(
        (one, each.name[:_COMPARED], each.color, each.writable, each.supported, each.reason, each.shared)
        for one, each in calendars.items()
    )
    return sha256(repr(told).encode()).hexdigest()[:16]


def _calendar(own_id: str, listed: ListedCalendar) -> Calendar:
    return Calendar(
        id=own_id,
        name=listed.name,
        color=listed.color,
        writable=listed.writable,
        supported=listed.supported,
        reason=listed.reason,
        shared=listed.shared,
    )
