"""The setup: which calendars count, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from connector.domain.calendars import LONGEST_ALARM_MINUTES, AllDayRule, Choice, ConflictCalendar, Setup, WhenStale
from connector.domain.connection import Connection
from connector.inbound.http.problems import refusals_as_problems
from connector.inbound.pages import zones
from connector.inbound.pages.calendars_shown import calendars_shown
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.connection_shown import connection_shown
from connector.inbound.pages.errors import Mistake, refused, told_when
from connector.inbound.pages.looking import TriedShown, evidence, tried
from connector.inbound.pages.visit import Visit
from runtime.http import Problem
from runtime.logs import get_logger

_ALARMS: Final = (0, 5, 10, 15, 30, 60, 120, 1_440, 2_880)
"""Minutes, as Apple's own Calendar offers them."""
_HOUR: Final = 60
_DAY: Final = 1_440

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Picked:
    """What the form shows as chosen, calendars aside."""

    linked: str | None
    when_stale: WhenStale
    titles: bool
    alarm_minutes: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form holds: the connection as it would be, never kept itself, and the zone that was named."""

    connection: Connection
    zone: str


async def form(visit: Visit) -> Response:
    """The setup as it is, or the safe default."""
    connection = await visit.connection()
    return await _form(visit, Draft(connection, connection.terms.time_zone))


async def save(visit: Visit) -> Response:
    """Put the choice in the setup's place, or show what it would do."""
    connection = await visit.connection()
    owner, choice = visit.session.owner, _choice(visit, connection)
    draft = Draft(_as_chosen(connection, choice), choice.time_zone or connection.terms.time_zone)
    if visit.typed("preview"):
        return await _form(visit, draft, tried=await tried(visit, draft.connection, visit.moments(connection)))
    try:
        with refusals_as_problems():
            await visit.stories.change_setup(owner, connection.id, choice)
    except Problem as problem:
        mistake = refused(problem, visit.moments(connection))
        return told_when(problem, await _form(visit, draft, mistake=mistake, status=problem.status))
    _log.info("setup_changed", connection_id=connection.id, account_id=owner.account_id)
    return visit.go_to(f"/connections/{connection.id}", told="saved")


def _choice(visit: Visit, connection: Connection) -> Choice:
    """What was sent; where a field is missing or none of ours, what holds already."""
    setup = connection.terms.setup
    linked = visit.typed("linked") or None
    # A row that is locked is sent twice, or not at all: the linked calendar blocks by itself.
    ids = dict.fromkeys(visit.fields.get("conflict", ()))
    before = {c.id: c.all_day for c in setup.conflict_calendars}
    if linked is not None:
        ids.setdefault(linked)
    return Choice(
        linked,
        tuple(ConflictCalendar(one, _rule(visit.typed(f"all_day:{one}"), before.get(one))) for one in ids),
        titles=visit.typed("titles") == "on",
        when_stale=_when_stale(visit.typed("when_stale"), setup.when_stale),
        alarm_minutes=_minutes(visit.typed("alarm")),
        time_zone=zones.meant(visit.typed("time_zone"), visit.typed("time_zone_other")) or None,
    )


def _as_chosen(connection: Connection, choice: Choice) -> Connection:
    """The connection as it would be."""
    known = {c.id for c in connection.terms.calendars} | connection.terms.setup.conflict_ids
    blocking = tuple(c for c in choice.conflict_calendars if c.id in known)
    linked = choice.linked_calendar_id if choice.linked_calendar_id in known else None
    setup = Setup(
        blocking, linked, titles=choice.titles, when_stale=choice.when_stale, alarm_minutes=choice.alarm_minutes
    )
    return replace(connection, terms=replace(connection.terms, setup=setup))


def _rule(typed: str, before: AllDayRule | None) -> AllDayRule:
    return AllDayRule(typed) if typed in set(AllDayRule) else before or AllDayRule.AS_MARKED


def _when_stale(typed: str, before: WhenStale) -> WhenStale:
    return WhenStale(typed) if typed in set(WhenStale) else before


def _minutes(typed: str) -> int | None:
    # At most five digits: int() itself would take a megabyte of them.
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 5) or int(typed) > LONGEST_ALARM_MINUTES:  # noqa: PLR2004 - said above
        return None
    return int(typed)


async def _form(
    visit: Visit,
    draft: Draft,
    *,
    mistake: Mistake | None = None,
    tried: TriedShown | None = None,
    status: int = 200,
) -> Response:
    connection = draft.connection
    moments = visit.moments(connection)
    setup = connection.terms.setup
    return visit.page(
        "setup.html",
        status,
        shown=connection_shown(connection, moments, visit.stories.stale_after),
        calendars=calendars_shown(connection, moments),
        picked=Picked(setup.linked_calendar_id, setup.when_stale, setup.titles, setup.alarm_minutes),
        alarms=_alarms(visit.words, setup.alarm_minutes),
        errors=[] if mistake is None else [mistake],
        zone=zones.zone_field(draft.zone),
        evidence=await evidence(visit, connection, moments),
        can_try=visit.can_look_ahead,
        tried=tried,
    )


def _alarms(words: Words, present: int | None) -> Sequence[tuple[int, str]]:
    """Apple's own, and the present one, which the API may have chosen."""
    several = sorted({*_ALARMS, *(() if present is None else (present,))})
    return [(minutes, _said(words, minutes)) for minutes in several]


def _said(words: Words, minutes: int) -> str:
    if minutes == 0:
        return words("setup.alarm.at_time")
    for length, unit in ((_DAY, "days"), (_HOUR, "hours")):
        if minutes % length == 0:
            return words.counted(f"setup.alarm.{unit}", minutes // length)
    return words.counted("setup.alarm.minutes", minutes)
