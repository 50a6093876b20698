"""What is read to explain an answer: events one by one, with their titles, and what we know not to know.

A calendar's held removals: {_id: "<connection> <calendar> held", kind, connection_id, calendar_id, epoch, revision,
                             finality, since, known, missing, why}
What of it cannot be read:  {_id: "<connection> <calendar> quarantined", kind, connection_id, calendar_id, epoch,
                             revision, finality, events: [{id, reason, start?, end?}]}
Once there is nothing to doubt: expires_at. They are found by their ids, and no question about busy times reads them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from availability.domain.blocking import Facts
from availability.domain.busy import Entry, Known, KnownEvent, KnownOccurrences
from availability.domain.changes import Version
from availability.domain.doubts import Doubt, Held, Quarantined, UnreadableEvent, is_over
from availability.domain.freshness import Connection
from availability.domain.intervals import Span, Window, meets
from availability.outbound.mongo.documents import ALWAYS, KEPT, Document, unpacked
from availability.outbound.mongo.earliest import Earliest
from availability.outbound.mongo.questions import add_other, facts_of, projection

ALL_DAY_FREE: Final = ("all_day", "transparent")
_Alike = tuple[str, Facts, bool]
"""A calendar, facts, and whether time is taken: all of it is decided in one way."""
_HELD: Final = "held"
_QUARANTINED: Final = "quarantined"


def detailed_projection(window: Window) -> Document:
    """What is read of the documents that a question finds, to explain its answer."""
    return {**projection(window), "_id": True, "title": True}


def detailed(documents: Iterable[Mapping[str, Any]], window: Window) -> Known:
    """What the documents of one user say of the window, each event by itself; of what is alike the earliest."""
    connections: list[Connection] = []
    entries: list[Entry] = []
    alike: dict[_Alike, Earliest] = defaultdict(Earliest)
    for document in documents:
        if document["kind"] == "event":
            for one, event, spans in _occurrences(document, window):
                alike[one].add(event, spans)
        else:
            add_other(document, connections, entries)
    occurrences = [
        KnownOccurrences(calendar_id, facts, spans, event)
        for (calendar_id, facts, _), earliest in alike.items()
        for event, spans in earliest
    ]
    return Known(tuple(connections), tuple(occurrences), tuple(entries))


def latest(documents: Iterable[Mapping[str, Any]]) -> list[KnownOccurrences]:
    """Of each event of these the occurrence of each kind that ends last."""
    return [
        KnownOccurrences(document["calendar_id"], _facts(group), (last,), KnownEvent(document["_id"]))
        for document in documents
        for group in document["groups"]
        if (last := _last(group["spans"])) is not None
    ]


def doubt_ids(connections: Iterable[Connection]) -> list[str]:
    """Under which ids the doubts about their conflict calendars stand."""
    pairs = [(connection.id, calendar) for connection in connections for calendar, _ in connection.calendars]
    return [_doubt_id(*pair, kind) for pair in pairs for kind in (_HELD, _QUARANTINED)]


def doubt_document(doubt: Doubt, now: datetime) -> Document:
    """A doubt as it is kept."""
    kind, fields = (_HELD, _held(doubt)) if isinstance(doubt, Held) else (_QUARANTINED, _quarantined(doubt))
    return {
        "_id": _doubt_id(doubt.connection_id, doubt.calendar_id, kind),
        "kind": kind,
        "connection_id": doubt.connection_id,
        "calendar_id": doubt.calendar_id,
        **doubt.version._asdict(),
        **fields,
        **({"expires_at": now + KEPT} if is_over(doubt) else {}),
    }


def doubt_from(document: Mapping[str, Any]) -> Doubt:
    """The doubt that a document tells of."""
    version = Version(document["epoch"], document["revision"])
    whose = (document["connection_id"], document["calendar_id"], version)
    if document["kind"] == _HELD:
        return Held(*whose, document["since"], document["known"], document["missing"], document["why"])
    return Quarantined(*whose, tuple(map(_event_from, document["events"])))


def _occurrences(document: Mapping[str, Any], window: Window) -> Iterator[tuple[_Alike, KnownEvent, list[Span]]]:
    event = KnownEvent(document["_id"], document.get("title"))
    for group in document["groups"]:
        facts = _facts(group)
        found = [span for span in unpacked(group["spans"].values()) if meets(span, window)]
        for takes_time in (True, False):
            spans = [span for span in found if (span[0] < span[1]) is takes_time]
            yield (document["calendar_id"], facts, takes_time), event, spans


def _facts(group: Mapping[str, Any]) -> Facts:
    return facts_of(tuple(group.get("facts", ())))


def _last(sheets: Mapping[str, bytes]) -> Span | None:
    """It lies on the last sheet, or on that of what is looked at in every question."""
    names = {*sorted(sheets, key=int)[-1:], str(ALWAYS)} & sheets.keys()
    return max(unpacked(sheets[name] for name in names), key=itemgetter(1), default=None)


def _doubt_id(connection_id: str, calendar_id: str, kind: str) -> str:
    return f"{connection_id} {calendar_id} {kind}"


def _held(doubt: Held) -> Document:
    return {"since": doubt.since, "known": doubt.known, "missing": doubt.missing, "why": doubt.why}


def _quarantined(doubt: Quarantined) -> Document:
    return {"events": [_event(event) for event in doubt.events]}


def _event(event: UnreadableEvent) -> Document:
    span = {} if event.span is None else {"start": event.span[0], "end": event.span[1]}
    return {"id": event.event_id, "reason": event.reason, **span}


def _event_from(part: Mapping[str, Any]) -> UnreadableEvent:
    span = (part["start"], part["end"]) if "start" in part else None
    return UnreadableEvent(part["id"], part["reason"], span)
