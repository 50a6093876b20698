"""What the setup's form holds: somebody's choice, laid over a connection that may have changed since they saw it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connector.domain.calendars import Choice, ConflictCalendar, Setup
from connector.domain.connection import Connection, Terms
from connector.domain.offers import Part, changed, offer
from connector.inbound.pages import zones
from connector.inbound.pages.alarms import alarm_said
from connector.inbound.pages.calendars_shown import known_calendars
from connector.inbound.pages.catalogue import Words

_MOST_NAMED: Final = 10
"""New calendars in the notice; all of them are in the form below it."""
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Draft:
    """The connection as it would be, never kept itself, and the zone that was named.

    `revision` is the word for what it lies over. `outdated`: it was made over something else, and `news` says what
    has changed since.
    """

    connection: Connection
    zone: str
    revision: str
    outdated: bool = False
    news: Sequence[str] = ()


def undrafted(connection: Connection) -> Draft:
    """Nothing is chosen otherwise yet."""
    return Draft(connection, connection.terms.time_zone, offer(connection.terms))


def drafted(connection: Connection, choice: Choice, shown: frozenset[str], words: Words) -> Draft:
    """The choice over the connection as it is now; `shown` are the calendars that the form let choose.

    Where the connection has changed since, what was chosen stays, what was left alone is as it is now, and a calendar
    that was not shown does what it does now.
    """
    terms, made_from = connection.terms, next(iter(choice.made_from or ()), "")
    wanted = _as_sent(terms, choice)
    since = changed(made_from, terms)
    chosen = changed(made_from, wanted) if since else frozenset(Part)
    known = _known(terms)
    setup = _laid_over(terms.setup, wanted.setup, chosen, (shown if since else known, known))
    draft = Draft(
        replace(connection, terms=replace(terms, setup=setup)),
        wanted.time_zone if Part.TIME_ZONE in chosen else terms.time_zone,
        offer(terms),
    )
    if not since:
        return draft
    news = [*_comings_and_goings(connection, shown, words), *_saved(connection, made_from, shown, words)]
    return replace(draft, outdated=True, news=news)


def _as_sent(terms: Terms, choice: Choice) -> Terms:
    setup = Setup(
        choice.conflict_calendars,
        choice.linked_calendar_id,
        titles=choice.titles,
        when_stale=choice.when_stale,
        alarm_minutes=choice.alarm_minutes,
    )
    return replace(terms, time_zone=choice.time_zone or terms.time_zone, setup=setup)


def _known(terms: Terms) -> frozenset[str]:
    return frozenset(c.id for c in terms.calendars) | terms.setup.conflict_ids


def _laid_over(
    now: Setup, wanted: Setup, chosen: frozenset[Part], calendars: tuple[frozenset[str], frozenset[str]]
) -> Setup:
    """`calendars` are those that were shown, and those that there are."""
    shown, known = calendars
    blocking = {c.id: c for c in now.conflict_calendars}
    if Part.BLOCKING in chosen:
        kept = {one: rule for one, rule in blocking.items() if one not in shown}
        blocking = {c.id: c for c in wanted.conflict_calendars if c.id in known} | kept
    linked = now.linked_calendar_id
    if Part.LINKED in chosen and (wanted.linked_calendar_id is None or wanted.linked_calendar_id in known):
        linked = wanted.linked_calendar_id
    if linked is not None:
        blocking.setdefault(linked, ConflictCalendar(linked))
    return Setup(
        tuple(blocking.values()),
        linked,
        titles=(wanted if Part.TITLES in chosen else now).titles,
        when_stale=(wanted if Part.WHEN_STALE in chosen else now).when_stale,
        alarm_minutes=(wanted if Part.ALARM in chosen else now).alarm_minutes,
    )


def _comings_and_goings(connection: Connection, shown: frozenset[str], words: Words) -> Iterator[str]:
    known = known_calendars(connection, words)
    blocking = connection.terms.setup.conflict_ids
    for calendar in [one for one in known if one.supported and one.id not in shown][:_MOST_NAMED]:
        key = "setup.outdated.new_blocks" if calendar.id in blocking else "setup.outdated.new_does_not"
        yield words(key, calendar=calendar.name[:_LONGEST_NAME])
    if gone := len(shown - {one.id for one in known}):
        yield words.counted("setup.outdated.gone", gone)


def _saved(connection: Connection, made_from: str, shown: frozenset[str], words: Words) -> Iterator[str]:
    """What was saved meanwhile, in another window, say."""
    terms, setup = connection.terms, connection.terms.setup
    # A calendar that is new under the safe default is told as that.
    seen = tuple(c for c in setup.conflict_calendars if c.id in shown or c.id == setup.linked_calendar_id)
    since = changed(made_from, replace(terms, setup=replace(setup, conflict_calendars=seen)))
    if Part.BLOCKING in since:
        yield words("setup.outdated.blocking")
    names = {one.id: one.name[:_LONGEST_NAME] for one in known_calendars(connection, words)}
    several = (
        (Part.LINKED, "setup.linked.label", names.get(setup.linked_calendar_id or "") or words("setup.linked.none")),
        (Part.WHEN_STALE, "setup.stale.heading", words(f"setup.stale.{setup.when_stale}.name")),
        (Part.TITLES, "setup.titles.name", words("form.yes" if setup.titles else "form.no")),
        (Part.ALARM, "setup.alarm.label", alarm_said(words, setup.alarm_minutes)),
        (Part.TIME_ZONE, "form.time_zone", zones.place(terms.time_zone, words)),
    )
    for part, what, now in several:
        if part in since:
            yield words("setup.outdated.saved", what=words(what), now=now)
