"""Announcements that wait beside their appointments.

pending: [{revision, connection_id, at, news, previous, conflicts, start, end, title, location, notes, trace?}], oldest
first. A document of 16 MB cannot be written: what waits is bounded by the very write that adds to it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from availability.domain.appointments import CHANGES, CONFLICT_NEWS, WAITING, Agreed, Announcement, News
from availability.domain.intervals import Span
from availability.domain.users import User
from availability.outbound.mongo.documents import Document
from runtime import tracing


def agreed_document(agreed: Agreed) -> Document:
    """Time and words."""
    start, end = agreed.span
    words = {"title": agreed.title, "location": agreed.location, "notes": agreed.notes}
    return {"start": start, "end": end, **words}


def agreed_from(document: Mapping[str, Any]) -> Agreed:
    """The time and the words that a document tells of."""
    span = (document["start"], document["end"])
    return Agreed(span, document["title"], document["location"], document["notes"])


def spans_from(pairs: Iterable[Sequence[int]]) -> tuple[Span, ...]:
    """Spans, of pairs."""
    return tuple((start, end) for start, end in pairs)


def pending_document(announcement: Announcement) -> Document:
    """An announcement as it waits."""
    return {
        "revision": announcement.revision,
        "connection_id": announcement.connection_id,
        "at": announcement.at,
        "news": announcement.news.value,
        "previous": None if announcement.previous is None else list(announcement.previous),
        "conflicts": [list(span) for span in announcement.conflicts],
        **agreed_document(announcement.agreed),
        **tracing.noted(),
    }


def pending_from(document: Mapping[str, Any]) -> list[Announcement]:
    """What waits in a document, in the order of revisions."""
    user = User(document["account_id"], document["user_id"])
    waiting = sorted(document["pending"], key=lambda one: int(one["revision"]))
    return [
        Announcement(
            appointment_id=document["_id"],
            user=user,
            connection_id=one["connection_id"],
            revision=one["revision"],
            at=one["at"],
            news=News(one["news"]),
            agreed=agreed_from(one),
            previous=None if one["previous"] is None else (one["previous"][0], one["previous"][1]),
            conflicts=spans_from(one["conflicts"]),
            trace=one.get(tracing.FIELD),
        )
        for one in waiting
    ]


def with_pending(pending: Document) -> Document:
    """The expression for what waits once this does, too: `still_told`, as the server works it out."""
    everything = {"$concatArrays": [{"$ifNull": ["$pending", []]}, [{"$literal": pending}]]}
    few = {"$lte": [{"$size": "$$all"}, WAITING]}
    return _let({"all": everything}, {"$cond": [few, "$$all", _STILL_TOLD]})


def _let(names: Document, value: Document) -> Document:
    return {"$let": {"vars": names, "in": value}}


def _of(several: str, news: Collection[News]) -> Document:
    return {"$filter": {"input": several, "cond": {"$in": ["$$this.news", [one.value for one in news]]}}}


_FIRST: Final = {"$first": "$$moves.previous"}
_BACK_AGAIN: Final = {"$eq": [_FIRST, ["$$this.start", "$$this.end"]]}
_MOVED: Final = {
    "news": News.RESCHEDULED.value,
    "previous": {"$cond": [_BACK_AGAIN, {"$last": "$$moves.previous"}, _FIRST]},
}
_ALL_CHANGES: Final = {"$cond": [{"$eq": ["$$moves", []]}, "$$this", {"$mergeObjects": ["$$this", _MOVED]}]}
_IS_TOLD: Final = {
    "$or": [
        {"$in": ["$$this.news", [News.BOOKED.value, News.CANCELLED.value]]},
        {"$in": ["$$this.revision", ["$$change.revision", "$$conflict.revision"]]},
    ]
}
_STILL_TOLD: Final = _let(
    {
        "change": {"$last": _of("$$all", CHANGES)},
        "conflict": {"$last": _of("$$all", CONFLICT_NEWS)},
        "moves": _of("$$all", {News.RESCHEDULED}),
    },
    {
        "$map": {
            "input": {"$filter": {"input": "$$all", "cond": _IS_TOLD}},
            "in": {"$cond": [{"$eq": ["$$this.revision", "$$change.revision"]}, _ALL_CHANGES, "$$this"]},
        }
    },
)
