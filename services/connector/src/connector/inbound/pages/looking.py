"""What availability tells of a connection's user, asked in their name, for the pages to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from connector.application.look_ahead import Window
from connector.domain.connection import Connection
from connector.inbound.pages.ahead_rows import Naming
from connector.inbound.pages.ahead_shown import AheadShown, Limit, ahead_shown, days_ahead
from connector.inbound.pages.calendars_shown import known_calendars
from connector.inbound.pages.days import Day
from connector.inbound.pages.moments import Moments
from connector.inbound.pages.visit import Visit
from connector.inbound.pages.written_shown import WrittenShown, written_shown

_LAST_FORTNIGHT: Final = 27
"""What is imported reaches 400 days ahead."""
_ROWS: Final = 6
"""Lines of a day on the connection's page, whose size is bounded; a link leads to the rest of a day."""
_ROWS_TRIED: Final = 3
_MANY_CALENDARS: Final = 15
"""On the setup's page, which is longer; with more calendars than this it has room for the picture alone."""
_WRITTEN_BEFORE: Final = timedelta(days=7)
_WRITTEN_AFTER: Final = timedelta(days=35)
"""Whose appointments are looked through for what was written last; a thousand fit an answer."""


@dataclass(frozen=True, slots=True)
class LookShown:
    """Two weeks, and what was written to iCloud lately; None where availability did not answer."""

    fortnight: int
    last: bool
    ahead: AheadShown | None
    written: Sequence[WrittenShown] | None


@dataclass(frozen=True, slots=True)
class TriedShown:
    """Two weeks under the choice of a form, or None where availability did not answer."""

    ahead: AheadShown | None


async def look_ahead(visit: Visit, connection: Connection, moments: Moments) -> LookShown | None:
    """The fortnight that the address names. None where availability is not asked at all."""
    asker, foresight = visit.session.asker, visit.foresight
    if asker is None or foresight is None or "live" in visit.request.query_params:
        return None
    fortnight = min(_number(visit, "ahead") or 0, _LAST_FORTNIGHT)
    several = days_ahead(moments, fortnight)
    window = _window(several)
    found = await foresight.look_ahead(asker, window, window if fortnight else _around(moments))
    naming = Naming(moments, _calendars(connection, moments), {one.id: one.title for one in found.appointments or ()})
    limit = Limit(_ROWS, _number(visit, "day"))
    return LookShown(
        fortnight,
        fortnight == _LAST_FORTNIGHT,
        None if found.outlook is None else ahead_shown(found.outlook, several, naming, limit),
        None if found.appointments is None else written_shown(found.appointments, moments),
    )


async def evidence(visit: Visit, connection: Connection, moments: Moments) -> dict[str, str]:
    """What speaks for a rule, by calendar: how many all-day events ahead are marked free."""
    asker, foresight = visit.session.asker, visit.foresight
    supported = [one.id for one in connection.terms.calendars if one.supported]
    if asker is None or foresight is None or not supported:
        return {}
    start = moments.now.replace(microsecond=0)
    moment = Window(start, start + timedelta(minutes=1))  # the counts do not depend on it
    found = await foresight.try_setup.evidence(asker, moment, supported)
    counts = {} if found is None else found.marked_free
    return {one: moments.words.counted("setup.all_day.evidence", count) for one, count in counts.items() if count}


async def tried(visit: Visit, chosen: Connection, moments: Moments) -> TriedShown | None:
    """The next two weeks under a choice that is not saved. None where availability is not asked at all."""
    asker, foresight = visit.session.asker, visit.foresight
    if asker is None or foresight is None:
        return None
    several = days_ahead(moments)
    found = await foresight.try_setup(asker, _window(several), chosen.terms.setup.conflict_calendars)
    if found is None:
        return TriedShown(None)
    naming = Naming(moments, _calendars(chosen, moments), {})
    rows = _ROWS_TRIED if len(chosen.terms.calendars) <= _MANY_CALENDARS else 0
    return TriedShown(ahead_shown(found.outlook, several, naming, Limit(rows)))


def _window(several: Sequence[Day]) -> Window:
    return Window(several[0].start, several[-1].end)


def _around(moments: Moments) -> Window:
    now = moments.now.astimezone(UTC).replace(microsecond=0)
    return Window(now - _WRITTEN_BEFORE, now + _WRITTEN_AFTER)


def _calendars(connection: Connection, moments: Moments) -> dict[str, str]:
    return {one.id: one.name for one in known_calendars(connection, moments.words)}


def _number(visit: Visit, name: str) -> int | None:
    """A number of the address; None where it is none of ours."""
    said = visit.request.query_params.get(name, "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 2 else None  # noqa: PLR2004 - no number of ours has three digits
