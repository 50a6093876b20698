"""What another choice of calendars would make of a user's time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from availability.domain.blocking import AllDayRule, Facts, decide
from availability.domain.busy import Known, KnownOccurrences
from availability.domain.freshness import Ageing, CalendarFreshness, Connection, State
from availability.domain.intervals import Window
from availability.domain.why import Why, why

Choice = tuple[tuple[str, AllDayRule], ...]
"""Conflict calendars, and how all-day events of each count."""


@dataclass(frozen=True, slots=True)
class CalendarPreview:
    """One calendar of the choice. Of one that is not read so far nothing is known."""

    freshness: CalendarFreshness
    known: bool
    all_day_marked_free: int | None
    """So many all-day events ahead are marked free, and would block under `always_block`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer to "why?" as it would be."""

    why: Why
    calendars: tuple[CalendarPreview, ...]


def chosen(known: Known, choice: Choice) -> Known:
    """What is known, under that choice. A calendar that is not read so far counts as never read."""
    return replace(known, connections=tuple(_chosen(one, choice) for one in known.connections))


def preview(
    known: Known, choice: Choice, window: Window, ageing: Ageing, all_day: Collection[KnownOccurrences]
) -> Preview:
    """`all_day` are the all-day occurrences that are marked free."""
    then = why(chosen(known, choice), window, ageing)
    stored = {calendar for connection in known.connections for calendar, _ in connection.calendars}
    ages = {one.id: one for one in then.freshness.calendars}
    ahead = _ahead(all_day, int(ageing.now.timestamp()))
    return Preview(then, tuple(_of(calendar, ages, stored, ahead) for calendar, _ in choice))


def _of(
    calendar: str, ages: dict[str, CalendarFreshness], stored: Collection[str], ahead: dict[str, set[str]]
) -> CalendarPreview:
    freshness = ages.get(calendar) or CalendarFreshness(calendar, None, State.NOT_CONNECTED)
    if calendar not in stored:
        return CalendarPreview(freshness, known=False, all_day_marked_free=None)
    return CalendarPreview(freshness, known=True, all_day_marked_free=len(ahead.get(calendar, ())))


def _chosen(connection: Connection, choice: Choice) -> Connection:
    stored = {calendar for calendar, _ in connection.calendars}
    unread = tuple((calendar, None) for calendar, _ in choice if calendar not in stored)
    return replace(connection, calendars=choice, behind=connection.behind + unread)


def _ahead(all_day: Iterable[KnownOccurrences], now: int) -> dict[str, set[str]]:
    """By calendar, the events of which something lies ahead that the calendar's rule would decide."""
    events: dict[str, set[str]] = {}
    for one in all_day:
        if one.event and _would_block(one.facts) and any(end > now for _, end in one.spans):
            events.setdefault(one.calendar_id, set()).add(one.event.id)
    return events


def _would_block(facts: Facts) -> bool:
    always, marked = decide(facts, AllDayRule.ALWAYS_BLOCK), decide(facts, AllDayRule.AS_MARKED)
    return always.blocks and not marked.blocks
