"""From the text of a calendar object to its occurrences and their facts, in bounded time, whatever text comes."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from sync_worker.domain.appointments import is_marked
from sync_worker.domain.budget import Budget, Refused
from sync_worker.domain.events import Event, EventReading
from sync_worker.domain.found import WORDS
from sync_worker.domain.gathering import Gathering
from sync_worker.domain.ownership import Own, Ownership, ownership
from sync_worker.domain.series import gather, span_of
from sync_worker.domain.text import Components, scan
from sync_worker.domain.values import Flaw, ImportedObject, Span, Unreadable
from sync_worker.domain.zone_names import Zones
from sync_worker.domain.zones import NamedZone, Zone

# Raised by one whenever the same text may be read differently: what was read by an older one is read again.
VERSION = 7
# About half a second. A year of any calendar that people keep takes less than a fiftieth of it.
_STEPS = 300_000
# Of their own, so that zones cannot use up what the series needs: a hundred names, or a dozen definitions.
_STEPS_FOR_ZONES = 100_000
# Zones that objects define themselves are known until this long after the horizon.
_ZONES_BEYOND = 366 * 86_400
_NOBODYS: Own = {}


def read_object(
    text: str, *, horizon: Span, zone: ZoneInfo, addresses: frozenset[str], own: Own = _NOBODYS
) -> ImportedObject:
    """Read one calendar object: every occurrence that touches the horizon, whole, with its facts.

    `zone` is that of the connection, for all-day and floating times; `addresses` are what the user is called: e-mail
    addresses, URNs, the principal; `own` the user's appointments. Only VEVENTs count; an object without any has no
    groups. Raise `Unreadable`, and nothing else, when any part of it that matters cannot be read.
    """
    marked = bool(own) and is_marked(text)
    found = scan(text, also=WORDS) if marked else scan(text)
    budget = Budget(_STEPS)
    home = NamedZone(zone)
    zones = Zones(found.definitions, horizon.end + _ZONES_BEYOND, Budget(_STEPS_FOR_ZONES))
    reading = EventReading(zones, home, addresses)
    events = [event for event in map(reading.event, found.events) if event is not None]
    whose = _ownership(found, reading, events, own) if marked else Ownership(own=False)
    if whose.own:
        events = [replace(event, facts=replace(event.facts, own_appointment=True)) for event in events]
    gathering = Gathering(horizon)
    flaws = found.flaws + reading.flaws + _gathered(events, home, gathering, budget)
    groups = gathering.groups()
    if flaws:
        spans = [span for group in groups for span in group.spans] or [span_of(event) for event in events[:1]]
        first = min(spans, default=None)
        raise Unreadable(flaws[0], Span(first[0], max(first)) if first else None, groups)
    head = next((event for event in events if event.replaces is None), events[0] if events else None)
    return ImportedObject(
        uid=events[0].uid if events else "",
        title=head.title if head else None,
        all_day=head is not None and head.facts.all_day,
        floating=any(event.start.floating for event in events),
        groups=groups,
        goes_on=any(event.rules or event.dates or event.start.instant >= horizon.end for event in events),
        tied_to=whose.tied_to,
    )


def _ownership(found: Components, reading: EventReading, events: list[Event], own: Own) -> Ownership:
    """What cannot be read as a whole is nobody's."""
    if found.flaws or reading.flaws:
        return Ownership(own=False)
    return ownership(events, found.events, own)


def _gathered(events: list[Event], home: Zone, gathering: Gathering, budget: Budget) -> list[Flaw]:
    by_uid: dict[str, list[Event]] = {}
    for event in events:
        by_uid.setdefault(event.uid, []).append(event)
    flaws = []
    for same in by_uid.values():
        try:
            gather(same, home, gathering, budget)
        except Refused as refused:
            flaws.append(refused.flaw)
    return flaws
