"""Whether a calendar object is an appointment of the user's own.

Such an object blocks nothing, because the appointment does. So it may take no other time than the appointment: what the
user moved, copied to another time or made a series of is an event like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_worker.domain.appointments import MARKER, lies_where_we_put_it, names_in
from sync_worker.domain.events import Event
from sync_worker.domain.found import is_as_we_wrote, text_in
from sync_worker.domain.outbox import Known
from sync_worker.domain.series import span_of
from sync_worker.domain.text import Lines
from sync_worker.domain.values import Span

Own = Mapping[str, Span | None]
"""When the user's appointments take place by now, by name (`appointments.name_of`); None: it was cancelled."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whether an object is the user's own appointment. `tied_to` are those whose time decides that, if any."""

    own: bool
    tied_to: tuple[str, ...] = ()


def ownership(events: list[Event], lines: list[Lines], own: Own) -> Ownership:
    """Judge an object by all of its events, each with its lines.

    One that says what we wrote is ours whatever was agreed since: we write the next word, or take it away. Where the
    user changed it, or copied it, the time decides.
    """
    if len(lines) != 1 or len(events) != 1 or _recurs(events[0]):
        return Ownership(own=False)
    (event,), (said,) = events, lines
    by_uid, by_marker = names_in(event.uid, text_in(said, MARKER))
    if by_uid in own and is_as_we_wrote(said, event):
        return Ownership(own=True)
    names = tuple(name for name in dict.fromkeys((by_uid, by_marker)) if name in own)
    start, end = span_of(event)
    return Ownership(takes_no_other_time([(start - event.facts.travel_seconds, end)], names, own), names)


def takes_no_other_time(spans: list[tuple[int, int]], names: tuple[str, ...], own: Own) -> bool:
    """Whether an object's time, travel included, is just that of one of these appointments."""
    agreed = (own.get(name) for name in names)
    return any(spans == [(one.start, one.end)] for one in agreed if one)


def frees_nothing(known: Known) -> bool:
    """Whether no time becomes free when it goes, be it that we take it away or that the user does."""
    return known.own and lies_where_we_put_it(known.href)


def _recurs(event: Event) -> bool:
    return bool(event.rules or event.dates) or event.replaces is not None
