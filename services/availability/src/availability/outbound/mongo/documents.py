"""The timeline's documents, and the guarded writes that make them.

Each write is an update pipeline, so that the server compares the versions in the write itself: nothing is read
first, a repeated or older write changes nothing, and none of this is an error (a filter with `upsert` would make
each of them a duplicate key; measured: inserts 1.5 times, redeliveries 5 times slower).

An event:        {_id, kind, account_id, user_id, connection_id, calendar_id, epoch, revision, finality,
                  groups: [{facts?: [name, …], spans: {period: [start, end, start, end, …]}}], periods, since, until}
A removed event: {_id, kind, connection_id?, epoch, revision, finality, expires_at}
A connection:    {_id, kind, account_id, user_id, setup, completed?, rejected?, as_of?, periods, since, until}
before its setup is known: {_id, kind, completed?, rejected?, as_of?, expires_at}
An ended one:    {_id, kind, ended: {epoch, revision}}
What takes time by itself, an appointment or a blocked slot: {_id, kind, account_id, user_id, entry: {id, start, end},
                  periods, since, until, …}; the rest of it is told in appointments.py and bookings.py.

Spans are epoch seconds, moments are BSON dates. `periods` are the four-week periods that the document has to do
with, or ALWAYS: an index on them finds the few events around a question among many thousands. An index on the
outer bounds alone (`until`, `since`) walks over all later events of the user: measured with 10,000 events and a
question about tomorrow, 8,807 keys and 20 ms, against 280 keys and below 1 ms. A span stands under each of its
periods, and a question reads the spans of its own periods only: of a year's series, a month.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne

from availability.domain.blocking import AllDayRule, Facts
from availability.domain.busy import Entry, EntryKind, Known, KnownOccurrences
from availability.domain.changes import (
    Access,
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
from availability.domain.freshness import Connection
from availability.domain.intervals import Span, Window
from availability.domain.users import User

Document = dict[str, Any]

PERIOD_SECONDS: Final = 28 * 24 * 60 * 60
"""Four weeks: a question of a week meets one or two, a weekly series of a year has fifteen keys in the index."""
ALWAYS: Final = -1
"""The period of what is looked at in every question."""
_MOST_PERIODS: Final = 26
"""What lasts longer than two years without a break is looked at in every question."""
_FOREVER: Final = 2**53
KEPT: Final = timedelta(days=30)
"""How long a removed event, or news of a connection that never came, is remembered: past it Kafka (7 days of
deletions) repeats nothing of it."""
_READ: Final = ("kind", "calendar_id", "groups.facts", "entry", "setup", "completed", "rejected", "as_of")
_HAS_ENDED: Final = {"$ne": [{"$type": "$ended"}, "missing"]}
_HAS_SETUP: Final = {"$ne": [{"$type": "$setup"}, "missing"]}
_FACTS: Final = ("cancelled", "declined", "transparent", "tentative", "own_appointment", "all_day")


def event_write(change: EventChange, now: datetime) -> UpdateOne:
    """Replace the event unless what is there is as new."""
    version = change.version
    document = _event(change) if isinstance(change, Imported) else _gone(change.connection_id, now)
    document |= {"_id": change.event_id, "kind": "event", **version._asdict()}
    older = {"$lt": [["$epoch", "$revision", "$finality"], [*version]]}
    replaced = {"$cond": [older, {"$literal": document}, "$$ROOT"]}
    return UpdateOne({"_id": change.event_id}, [{"$replaceWith": replaced}], upsert=True)


def news_write(news: ConnectionNews, now: datetime) -> UpdateOne:
    """Set the part of the connection that the news are about, unless it is as new or the connection has ended.

    `as_of` grows with any news, older ones too: what they say was read then has been read.
    """
    part, fields, as_of = _part(news)
    fields |= {"kind": "connection"}
    older = {"$lt": [[f"${part}.epoch", f"${part}.revision"], [news.version.epoch, news.version.revision]]}
    pieces: list[Any] = ["$$ROOT", {"$cond": [older, {"$literal": fields}, {"$literal": {}}]}]
    if as_of is not None:
        pieces.append({"as_of": {"$max": ["$as_of", as_of]}})
    put = {"$replaceWith": {"$cond": [_HAS_ENDED, "$$ROOT", {"$mergeObjects": pieces}]}}
    lasts = {"$cond": [{"$or": [_HAS_SETUP, _HAS_ENDED]}, "$$REMOVE", now + KEPT]}
    return UpdateOne({"_id": news.connection_id}, [put, {"$set": {"expires_at": lasts}}], upsert=True)


def end_write(end: Disconnected) -> UpdateOne:
    """Leave nothing of the connection but its end."""
    ended = {"epoch": end.version.epoch, "revision": end.version.revision}
    left = {"_id": "$_id", "kind": "connection", "ended": {"$max": ["$ended", ended]}}
    return UpdateOne({"_id": end.connection_id}, [{"$replaceWith": left}], upsert=True)


def question(account_id: str, user_id: str, window: Window) -> Document:
    """The filter that finds all of a user that may have to do with `window`."""
    return {
        "account_id": account_id,
        "user_id": user_id,
        "periods": {"$in": _asked(window)},
        "until": {"$gt": window.start},
        "since": {"$lt": window.end},
    }


def projection(window: Window) -> Document:
    """What is read of the documents that the question finds."""
    spans = (f"groups.spans.{period}" for period in _asked(window))
    return {"_id": False, **dict.fromkeys((*_READ, *spans), True)}


def known(documents: Iterable[Mapping[str, Any]]) -> Known:
    """What the documents of one user say.

    Occurrences are put together by calendar and facts, a handful of heaps, so that thousands of events cost one turn
    of a loop each. A span over the end of a period comes twice where both periods are read.
    """
    connections: list[Connection] = []
    entries: list[Entry] = []
    heaps: defaultdict[tuple[str, ...], list[Span]] = defaultdict(list)
    for document in documents:
        if document["kind"] != "event":
            _add_other(document, connections, entries)
            continue
        calendar_id = document["calendar_id"]
        for group in document["groups"]:
            heap = heaps[calendar_id, *group.get("facts", ())]
            for seconds in group["spans"].values():
                heap.extend(zip(seconds[::2], seconds[1::2], strict=True))
    occurrences = (_alike(*key, spans=spans) for key, spans in heaps.items())
    return Known(tuple(connections), tuple(occurrences), tuple(entries))


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


def _add_other(document: Mapping[str, Any], connections: list[Connection], entries: list[Entry]) -> None:
    entry = document.get("entry")
    if entry is None:
        connections.append(_connection(document))
    else:
        entries.append(Entry(EntryKind(document["kind"]), entry["id"], (entry["start"], entry["end"])))


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
    if spans:
        document |= {"since": min(start for start, _ in spans), "until": max(end for _, end in spans)}
    return document


def _gone(connection_id: str | None, now: datetime) -> Document:
    whose = {} if connection_id is None else {"connection_id": connection_id}
    return {**whose, "expires_at": now + KEPT}


def _group(group: Occurrences) -> Document:
    facts = [name for name in _FACTS if getattr(group.facts, name)]
    spans: dict[str, list[int]] = {}
    for span in group.spans:
        for period in _periods(span):
            spans.setdefault(str(period), []).extend(span)
    return {"facts": facts, "spans": spans} if facts else {"spans": spans}


def _alike(calendar_id: str, *facts: str, spans: list[Span]) -> KnownOccurrences:
    return KnownOccurrences(calendar_id, Facts(**dict.fromkeys(facts, True)), spans)


def _asked(window: Window) -> list[int]:
    return [ALWAYS, *range(window.start // PERIOD_SECONDS, (window.end - 1) // PERIOD_SECONDS + 1)]


def _periods(span: Span) -> Iterable[int]:
    start, end = span
    first, last = start // PERIOD_SECONDS, max(start, end - 1) // PERIOD_SECONDS
    return range(first, last + 1) if last - first < _MOST_PERIODS else (ALWAYS,)


def _part(news: ConnectionNews) -> tuple[str, Document, datetime | None]:
    """The name of the part, the fields to set with it, and up to when it says the connection was read."""
    version = {"epoch": news.version.epoch, "revision": news.version.revision}
    match news:
        case SetUp():
            calendars = [{"id": calendar, "all_day": rule.value} for calendar, rule in news.calendars]
            whose = {"account_id": news.owner.account_id, "user_id": news.owner.user_id}
            always = {"periods": [ALWAYS], "since": -_FOREVER, "until": _FOREVER}
            setup = {
                **version,
                "connection_id": news.owner.connection_id,
                "calendars": calendars,
                "access": news.access.value,
                "linked_calendar_id": news.linked_calendar_id,
            }
            return "setup", {"setup": setup, **whose, **always}, None
        case Completed():
            behind = [{"id": calendar, "as_of": as_of} for calendar, as_of in news.behind]
            went_by = {"setup_revision": news.setup_revision}
            return "completed", {"completed": {**version, "behind": behind, **went_by}}, news.as_of
        case Rejected():
            return "rejected", {"rejected": version}, news.as_of


def _connection(document: Mapping[str, Any]) -> Connection:
    setup, completed = document["setup"], document.get("completed")
    return Connection(
        id=setup["connection_id"],
        epoch=setup["epoch"],
        calendars=tuple((calendar["id"], AllDayRule(calendar["all_day"])) for calendar in setup["calendars"]),
        completed=_version(completed),
        as_of=document.get("as_of"),
        behind=tuple((age["id"], age["as_of"]) for age in completed["behind"]) if completed else (),
        rejected=_version(document.get("rejected")),
        revision=setup["revision"],
        setup_read=completed["setup_revision"] if completed else None,
        access=Access(setup["access"]),
        linked_calendar_id=setup["linked_calendar_id"],
    )


def _version(part: Mapping[str, Any] | None) -> Version | None:
    return Version(part["epoch"], part["revision"]) if part else None
