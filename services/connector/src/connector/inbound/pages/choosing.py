"""The setup: which calendars count, and how."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from connector.domain.calendars import LONGEST_ALARM_MINUTES, AllDayRule, Choice, ConflictCalendar, WhenStale
from connector.domain.connection import Connection
from connector.inbound.http.problems import refusals_as_problems
from connector.inbound.pages import zones
from connector.inbound.pages.alarms import alarms
from connector.inbound.pages.calendars_shown import calendars_shown
from connector.inbound.pages.connection_shown import connection_shown
from connector.inbound.pages.drafts import Draft, drafted, undrafted
from connector.inbound.pages.errors import Mistake, refused, told_when
from connector.inbound.pages.looking import TriedShown, evidence, tried
from connector.inbound.pages.visit import Visit
from runtime.http import Problem
from runtime.logs import get_logger

_CONFLICT: Final = 409
_RULE_OF: Final = "all_day:"
"""Begins the name of a field that each calendar has which may be chosen."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Picked:
    """What the form shows as chosen, calendars aside."""

    linked: str | None
    when_stale: WhenStale
    titles: bool
    alarm_minutes: int | None


async def form(visit: Visit) -> Response:
    """The setup as it is, or the safe default."""
    return await _form(visit, undrafted(await visit.connection()))


async def save(visit: Visit) -> Response:
    """Put the choice in the setup's place, or show what it would do.

    A form that was read before something changed comes again with that, to be looked at and saved once more.
    """
    connection = await visit.connection()
    owner, choice = visit.session.owner, _choice(visit, connection)
    draft = _draft(visit, connection, choice)
    if visit.typed("preview"):
        ahead = None if draft.outdated else await tried(visit, draft.connection, visit.moments(connection))
        return await _form(visit, draft, tried=ahead)
    try:
        with refusals_as_problems():
            await visit.stories.change_setup(owner, connection.id, choice)
    except Problem as problem:
        if problem.code == "changed_meanwhile":
            return await _form(visit, _draft(visit, await visit.connection(), choice))
        mistake = refused(problem, visit.moments(connection))
        return told_when(problem, await _form(visit, draft, mistake=mistake, status=problem.status))
    _log.info("setup_changed", connection_id=connection.id, account_id=owner.account_id)
    return visit.go_to(f"/connections/{connection.id}", told="saved")


def _draft(visit: Visit, connection: Connection, choice: Choice) -> Draft:
    with_rules = {name.removeprefix(_RULE_OF) for name in visit.fields if name.startswith(_RULE_OF)}
    shown = frozenset(with_rules | {one.id for one in choice.conflict_calendars})
    return drafted(connection, choice, shown, visit.words)


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
        tuple(ConflictCalendar(one, _rule(visit.typed(f"{_RULE_OF}{one}"), before.get(one))) for one in ids),
        titles=visit.typed("titles") == "on",
        when_stale=_when_stale(visit.typed("when_stale"), setup.when_stale),
        alarm_minutes=_minutes(visit.typed("alarm")),
        time_zone=zones.meant(visit.typed("time_zone"), visit.typed("time_zone_other")) or None,
        made_from=frozenset({visit.typed("revision")}),
    )


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
    status: int | None = None,
) -> Response:
    connection = draft.connection
    moments = visit.moments(connection)
    setup = connection.terms.setup
    return visit.page(
        "setup.html",
        status or (_CONFLICT if draft.outdated else 200),
        shown=connection_shown(connection, moments, visit.stories.stale_after),
        calendars=calendars_shown(connection, moments),
        picked=Picked(setup.linked_calendar_id, setup.when_stale, setup.titles, setup.alarm_minutes),
        alarms=alarms(visit.words, setup.alarm_minutes),
        draft=draft,
        errors=[] if mistake is None else [mistake],
        zone=zones.zone_field(draft.zone, visit.words),
        evidence=await evidence(visit, connection, moments),
        can_try=visit.can_look_ahead,
        tried=tried,
    )
