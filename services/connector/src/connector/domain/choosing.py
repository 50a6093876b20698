"""How a user's choice changes a connection, and which choices there are not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from connector.domain.calendars import Choice, ConflictCalendar, Setup
from connector.domain.connection import Access, Connection, News, Terms
from connector.domain.offers import offer
from connector.domain.timezones import is_time_zone


class UnknownCalendar(Exception):
    """The connection has no calendar of that id."""


class CalendarUnsupported(Exception):
    """This calendar cannot be read. `reason` is `subscribed` or `reminders`, None where Apple did not say."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


class CalendarNotWritable(Exception):
    """Apple does not let the user write into the calendar that is to be linked."""


class AccessReadOnly(Exception):
    """The user allowed reading only: no calendar can be linked."""


class UnknownTimeZone(Exception):
    """The IANA database has no zone of that name."""


class ChoiceOutdated(Exception):
    """It was made from something else than there is now: show that, and ask again. `now` is the word for it."""

    def __init__(self, now: str) -> None:
        super().__init__()
        self.now = now


def chosen(connection: Connection, choice: Choice, *, at: datetime) -> Connection:
    """The connection with the user's choice; a new revision only where something changed.

    Calendars that vanished from Apple's listing may stay in a setup, none may newly come in. Of a choice that was made
    from something else nothing is taken: a calendar that its maker did not see would stop blocking, and not even be
    called new. Saying again what holds already is no such choice.
    Raises ChoiceOutdated, UnknownCalendar, CalendarUnsupported, CalendarNotWritable, AccessReadOnly, UnknownTimeZone.
    """
    zone = connection.terms.time_zone if choice.time_zone is None else choice.time_zone
    terms = replace(connection.terms, time_zone=zone, setup=_setup(connection, choice, zone))
    if choice.made_from is not None and (now := offer(connection.terms)) not in choice.made_from:
        if connection.chosen and terms == connection.terms:
            return connection
        raise ChoiceOutdated(now)
    _check(connection, terms)
    decided = replace(connection, chosen_from=frozenset(c.id for c in terms.calendars))
    if terms == connection.terms:
        return decided
    return replace(decided, terms=terms, revision=connection.revision + 1, news=News.SETUP_CHANGED, changed_at=at)


def _setup(connection: Connection, choice: Choice, zone: str) -> Setup:
    before = {c.id: c for c in connection.terms.setup.conflict_calendars}
    wanted = {c.id: c for c in choice.conflict_calendars}
    if linked := choice.linked_calendar_id:
        wanted.setdefault(linked, before.get(linked, ConflictCalendar(linked)))
    # In the order of the setup before: the same choice in another order is no news.
    order = [*(one for one in before if one in wanted), *(one for one in wanted if one not in before)]
    # All-day and floating times lie elsewhere in another zone.
    read = before if zone == connection.terms.time_zone else {}
    new = ConflictCalendar("", since=connection.revision + 1)
    return Setup(
        tuple(replace(wanted[one], since=read.get(one, new).since) for one in order),
        choice.linked_calendar_id,
        titles=choice.titles,
        when_stale=choice.when_stale,
        alarm_minutes=choice.alarm_minutes,
    )


def _check(connection: Connection, wanted: Terms) -> None:
    if not is_time_zone(wanted.time_zone):
        raise UnknownTimeZone
    if linked := wanted.setup.linked_calendar_id:
        _check_linked(connection, linked)
    _check_known(connection, (c.id for c in wanted.setup.conflict_calendars))


def _check_linked(connection: Connection, linked: str) -> None:
    terms = connection.terms
    if terms.access is Access.READ_ONLY:
        raise AccessReadOnly
    calendar = next((c for c in terms.calendars if c.id == linked), None)
    if calendar is None and linked != terms.setup.linked_calendar_id:
        raise UnknownCalendar
    if calendar is not None and calendar.supported and not calendar.writable:
        raise CalendarNotWritable


def _check_known(connection: Connection, wanted: Iterable[str]) -> None:
    listed = {c.id: c for c in connection.terms.calendars}
    for one in wanted:
        if one not in listed and one not in connection.terms.setup.conflict_ids:
            raise UnknownCalendar
        if one in listed and not listed[one].supported:
            raise CalendarUnsupported(listed[one].reason)
