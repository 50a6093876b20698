"""The timeline's documents, and the guarded writes that make them.

Each write is an update pipeline, so that the server compares the versions in the write itself: nothing is read
first, a repeated or older write changes nothing, and none of this is an error (a filter with `upsert` would make
each of them a duplicate key; measured: inserts 1.5 times, redeliveries 5 times slower).

An event:        {_id, kind, account_id, user_id, connection_id, calendar_id, epoch, revision, finality, title?,
                  groups: [{facts?: [name, …], spans: {sheet: packed}}], periods, since, until}
A removed event: {_id, kind, connection_id?, epoch, revision, finality, expires_at}
A connection:    {_id, kind, account_id, user_id, setup, completed?, rejected?, as_of?, periods, since, until}
before its setup is known: {_id, kind, completed?, rejected?, as_of?, expires_at}
An ended one:    {_id, kind, ended: {epoch, revision}}
What takes time by itself, an appointment or a blocked slot: {_id, kind, account_id, user_id, entry: {id, start, end},
                  periods, since, until, …}; the rest of it is told in appointments.py and bookings.py.
What we know not to know of a calendar is told in details.py; no question about busy times reads it.

Spans are epoch seconds, moments are BSON dates. `periods` are the days (UTC, counted from 1970) that the document has
to do with, or ALWAYS: an index on them finds the few events around a question among many thousands. An index on the
outer bounds alone (`until`, `since`) walks over all later events of the user: measured with 10,000 events and a
question about one day, 8,807 keys, against 409 with periods of four weeks and 45 with days: half of MongoDB's work.

The spans of an event lie on sheets of four weeks, a span on each that it touches, and a question reads the sheets of
its own time only: of a year's series, a month. On a sheet they are packed, start and end as 64-bit integers, little
end first: sent and read as arrays they took 1.8 times the CPU here for a quarter of a year.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from struct import Struct, pack
from typing import Any, Final

from pymongo import UpdateOne, WriteConcern

from availability.domain.busy import EntryKind
from availability.domain.changes import (
    Completed,
    ConnectionNews,
    Disconnected,
    EventChange,
    Imported,
    Occurrences,
    Rejected,
    SetUp,
    Version,
)
from availability.domain.intervals import Span
from availability.domain.users import User

Document = dict[str, Any]

AT_ONCE: Final = WriteConcern(1)
"""For what a later write of the same primary vouches for: a majority that has the later one has this one, too."""

PERIOD_SECONDS: Final = 24 * 60 * 60
"""A day: a weekly series of a year has 53 keys in the index, a daily one 400, and next to all events have one."""
SHEET_SECONDS: Final = 28 * PERIOD_SECONDS
ALWAYS: Final = -1
"""The period, and the sheet, of what is looked at in every question."""
_MOST_PERIODS: Final = 35
"""What lasts longer than five weeks without a break is looked at in every question."""
_MOST_SHEETS: Final = 26
"""What lasts longer than two years is read in every question."""
_PAIR: Final = Struct("<qq")
_FOREVER: Final = 2**53
KEPT: Final = timedelta(days=30)
"""How long a removed event, or news of a connection that never came, is remembered: past it Kafka (7 days of
deletions) repeats nothing of it."""
_HAS_ENDED: Final = {"$ne": [{"$type": "$ended"}, "missing"]}
_HAS_SETUP: Final = {"$ne": [{"$type": "$setup"}, "missing"]}
_FACTS: Final = ("cancelled", "declined", "transparent", "tentative", "own_appointment", "all_day")


def event_write(change: EventChange, now: datetime) -> UpdateOne:
    """Replace the event unless what is there is as new."""
    version = change.version
    document = _event(change) if isinstance(change, Imported) else _gone(change.connection_id, now)
    document |= {"_id": change.event_id, "kind": "event", **version._asdict()}
    return replace_older(document, version)


def replace_older(document: Document, version: Version) -> UpdateOne:
    """Put the document in the place of what is there under its `_id`, unless that is as new."""
    older = {"$lt": [["$epoch", "$revision", "$finality"], [*version]]}
    replaced = {"$cond": [older, {"$literal": document}, "$$ROOT"]}
    return UpdateOne({"_id": document["_id"]}, [{"$replaceWith": replaced}], upsert=True)


def news_write(news: ConnectionNews, now: datetime) -> UpdateOne:
    """Set the part of the connection that the news are about, unless it is as new or the connection has ended.

    `as_of` grows with any news, older ones too: what they say was read then has been read. It is never after MongoDB's
    now: of a clock that was ahead nothing is left once it is right again and the next news come.
    """
    part, fields, as_of = _part(news)
    fields |= {"kind": "connection"}
    older = {"$lt": [[f"${part}.epoch", f"${part}.revision"], [news.version.epoch, news.version.revision]]}
    pieces: list[Any] = ["$$ROOT", {"$cond": [older, {"$literal": fields}, {"$literal": {}}]}]
    if as_of is not None:
        pieces.append({"as_of": {"$min": ["$$NOW", {"$max": ["$as_of", as_of]}]}})
    put = {"$replaceWith": {"$cond": [_HAS_ENDED, "$$ROOT", {"$mergeObjects": pieces}]}}
    lasts = {"$cond": [{"$or": [_HAS_SETUP, _HAS_ENDED]}, "$$REMOVE", now + KEPT]}
    return UpdateOne({"_id": news.connection_id}, [put, {"$set": {"expires_at": lasts}}], upsert=True)


def end_write(end: Disconnected) -> UpdateOne:
    """Leave nothing of the connection but its end."""
    ended = {"epoch": end.version.epoch, "revision": end.version.revision}
    left = {"_id": "$_id", "kind": "connection", "ended": {"$max": ["$ended", ended]}}
    return UpdateOne({"_id": end.connection_id}, [{"$replaceWith": left}], upsert=True)


def entry_fields(kind: EntryKind, entry_id: str, user: User, span: Span) -> Document:
    """The fields by which a question finds what takes time by itself."""
    start, end = span
    return {
        "kind": kind.value,
        **user._asdict(),
        "entry": {"id": entry_id, "start": start, "end": end},
        "periods": [*_periods(span)],
        "since": start,
        "until": end,
    }


def _event(event: Imported) -> Document:
    spans = [span for group in event.groups for span in group.spans]
    document: Document = {
        "account_id": event.owner.account_id,
        "user_id": event.owner.user_id,
        "connection_id": event.owner.connection_id,
        "calendar_id": event.calendar_id,
        "groups": [_group(group) for group in event.groups],
        "periods": sorted({period for span in spans for period in _periods(span)}),
    }
    if event.title is not None:
        document["title"] = event.title
    if spans:
        document |= {"since": min(start for start, _ in spans), "until": max(end for _, end in spans)}
    return document


def _gone(connection_id: str | None, now: datetime) -> Document:
    whose = {} if connection_id is None else {"connection_id": connection_id}
    return {**whose, "expires_at": now + KEPT}


def _group(group: Occurrences) -> Document:
    facts = [name for name in _FACTS if getattr(group.facts, name)]
    sheets: dict[str, list[Span]] = {}
    for span in group.spans:
        for sheet in _touched(span, SHEET_SECONDS, _MOST_SHEETS):
            sheets.setdefault(str(sheet), []).append(span)
    spans = {sheet: packed(some) for sheet, some in sheets.items()}
    return {"facts": facts, "spans": spans} if facts else {"spans": spans}


def packed(spans: Sequence[Span]) -> bytes:
    """Spans as they lie on a sheet; sheets may be put one after another."""
    return pack(f"<{2 * len(spans)}q", *chain.from_iterable(spans))


def unpacked(sheets: Iterable[bytes]) -> list[Span]:
    """The spans of these sheets."""
    return list(_PAIR.iter_unpack(b"".join(sheets)))


def _periods(span: Span) -> Iterable[int]:
    return _touched(span, PERIOD_SECONDS, _MOST_PERIODS)


def _touched(span: Span, length: int, most: int) -> Iterable[int]:
    start, end = span
    first, last = start // length, max(start, end - 1) // length
    return range(first, last + 1) if last - first < most else (ALWAYS,)


def _part(news: ConnectionNews) -> tuple[str, Document, datetime | None]:
    """The name of the part, the fields to set with it, and up to when it says the connection was read."""
    version = {"epoch": news.version.epoch, "revision": news.version.revision}
    match news:
        case SetUp():
            since = {calendar: {"since": revision} for calendar, revision in news.since}
            calendars = [{"id": one, "all_day": rule.value, **since.get(one, {})} for one, rule in news.calendars]
            whose = {"account_id": news.owner.account_id, "user_id": news.owner.user_id}
            always = {"periods": [ALWAYS], "since": -_FOREVER, "until": _FOREVER}
            setup = {
                **version,
                "connection_id": news.owner.connection_id,
                "calendars": calendars,
                "access": news.access.value,
                "linked_calendar_id": news.linked_calendar_id,
                "titles": news.titles,
                "when_stale": news.when_stale.value,
            }
            return "setup", {"setup": setup, **whose, **always}, None
        case Completed():
            behind = [{"id": calendar, "as_of": as_of} for calendar, as_of in news.behind]
            went_by = {"setup_revision": news.setup_revision, "known": news.known}
            return "completed", {"completed": {**version, "behind": behind, **went_by}}, news.as_of
        case Rejected():
            return "rejected", {"rejected": version}, news.as_of
