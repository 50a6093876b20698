"""The list of announcements that wait in a connection's document, changed by the server itself.

A document of 16 MB cannot be written: what waits is bounded by the very write that adds to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connector.domain.connection import Announcement, News
from connector.domain.waiting import WAITING
from connector.outbound.mongo.documents import DISCONNECTED, FORGOTTEN_AFTER, Document, pending_document

SINCE: Final = {"$map": {"input": "$pending", "in": {"$ifNull": ["$$this.since", "$$this.at"]}}}
"""Since when each waits; what waits once more does so longer after it happened."""
_A_WEEK_ON: Final = {"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": FORGOTTEN_AFTER.days}}
_ENDS: Final = [{"$min": "$$all.revision"}, {"$max": "$$all.revision"}]
_STILL_TOLD: Final = {
    "$filter": {
        "input": "$$all",
        "cond": {"$or": [{"$ne": ["$$this.news", News.SETUP_CHANGED.value]}, {"$in": ["$$this.revision", _ENDS]}]},
    }
}


def changed_to(fields: Mapping[str, Any], news: Announcement | None) -> Sequence[Document]:
    """The update that sets these, and lets `news` wait."""
    change: Document = {name: {"$literal": value} for name, value in fields.items()}
    if news is not None:
        change["pending"] = with_pending(pending_document(news))
    return [{"$set": change}]


def with_pending(pending: Document) -> Document:
    """The expression for what waits once this does, too: `still_told`, as the server works it out."""
    everything = {"$concatArrays": ["$pending", [{"$literal": pending}]]}
    few = {"$lte": [{"$size": "$$all"}, WAITING]}
    return {"$let": {"vars": {"all": everything}, "in": {"$cond": [few, "$$all", _STILL_TOLD]}}}


def waiting_again() -> Sequence[Document]:
    """The update that lets the newest wait once more.

    Word for word as it lies there, whether or not we can read it. The record of an end goes a week later.
    """
    newest = {
        "epoch": "$epoch",
        "revision": "$revision",
        "news": {"$ifNull": ["$news", News.DISCONNECTED.value]},
        "at": "$changed_at",
        "terms": {"$ifNull": ["$terms", None]},
        "since": "$$NOW",
    }
    over = {"$eq": ["$state", DISCONNECTED]}
    change = {
        "pending": {"$concatArrays": ["$pending", [newest]]},
        "published": {"$subtract": ["$revision", 1]},
        "forget_at": {"$cond": [over, {"$ifNull": ["$forget_at", _A_WEEK_ON]}, "$$REMOVE"]},
    }
    return [{"$set": change}]
