"""The calendars of a connection, as the pages show them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connector.domain.calendars import AllDayRule, Calendar
from connector.domain.connection import Access, Connection
from connector.domain.reading import CalendarAge, CalendarState
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.moments import Moments

_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
_REMINDERS: Final = "reminders"
_SUBSCRIBED: Final = "subscribed"


@dataclass(frozen=True, slots=True)
class CalendarShown:
    """One calendar: what it is, what it does now, and what may be chosen for it. `note` and `status` are for people."""

    id: str
    name: str
    color: str | None
    supported: bool
    blocks: bool
    linked: bool
    all_day: AllDayRule
    is_new: bool
    can_link: bool
    why_not_linked: str
    note: str
    status: str


def calendars_shown(connection: Connection, moments: Moments) -> Sequence[CalendarShown]:
    """Every calendar that may ever be seen here: see `known_calendars`."""
    ages = {age.calendar_id: age for age in connection.ages}
    return [
        _shown(calendar, connection, moments.words, _status(calendar, ages.get(calendar.id), moments))
        for calendar in known_calendars(connection, moments.words)
    ]


def known_calendars(connection: Connection, words: Words) -> Sequence[Calendar]:
    """Those that the Apple account lists, reminders left out, then those of the setup that it lists no more."""
    listed = {c.id for c in connection.terms.calendars}
    vanished = [c.id for c in connection.terms.setup.conflict_calendars if c.id not in listed]
    name = str(words("calendar.vanished"))
    return [
        *(c for c in connection.terms.calendars if c.reason != _REMINDERS),
        *(Calendar(one, name, None, writable=False, supported=True, reason=None, shared=False) for one in vanished),
    ]


def _shown(calendar: Calendar, connection: Connection, words: Words, status: str) -> CalendarShown:
    setup = connection.terms.setup
    rules = {c.id: c.all_day for c in setup.conflict_calendars}
    linked = setup.linked_calendar_id == calendar.id
    unsupported = _unsupported(calendar, words)
    return CalendarShown(
        id=calendar.id,
        name=calendar.name,
        color=calendar.color if _COLOR.fullmatch(calendar.color or "") else None,
        supported=calendar.supported,
        blocks=calendar.id in rules,
        linked=linked,
        all_day=rules.get(calendar.id, AllDayRule.AS_MARKED),
        is_new=calendar in connection.newcomers,
        can_link=linked or (connection.terms.access is Access.FULL and calendar.supported and calendar.writable),
        why_not_linked=words("setup.linked.not_writable"),
        note=unsupported or (words("calendar.shared") if calendar.shared else ""),
        status=status,
    )


def _status(calendar: Calendar, age: CalendarAge | None, moments: Moments) -> str:
    words = moments.words
    if age is None:
        return _unsupported(calendar, words) or words("calendar.off")
    if age.as_of is None:
        return words("calendar.failed_never" if age.state is CalendarState.FAILED else "calendar.waiting")
    # A calendar that waits was read by an earlier setup: how old that is says nothing about this one.
    key = "calendar.waiting" if age.state is CalendarState.WAITING else f"calendar.{age.state}"
    return words(key, when=moments.ago(age.as_of))


def _unsupported(calendar: Calendar, words: Words) -> str:
    if calendar.supported:
        return ""
    return words("calendar.subscribed" if calendar.reason == _SUBSCRIBED else "calendar.unsupported")
