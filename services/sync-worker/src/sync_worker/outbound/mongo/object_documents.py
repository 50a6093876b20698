"""Calendar objects as documents, and back. Spans are flat lists of epoch seconds, start and end in turn."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import chain
from sys import intern
from typing import Any, Final

from runtime.documents import made_of
from sync_worker.application.claim import Claim
from sync_worker.domain.outbox import Content, Gone, Imported, Known, Origin, Quarantine, State
from sync_worker.domain.values import FactGroup, Facts, Span
from sync_worker.outbound.mongo.collections import Document

_FIELDS: Final = (
    "calendar_id",
    "href",
    "etag",
    "basis",
    "revision",
    "digest",
    "alive",
    "extent",
    "horizon",
    "quarantine",
    "was",
)
_OWN: Final = {"$in": [True, {"$ifNull": ["$content.groups.facts.own_appointment", []]}]}
"""An object is the user's own appointment as a whole, or not at all."""
KNOWN: Final[Document] = dict.fromkeys(_FIELDS, True) | {"own": _OWN}
"""The fields that `known_from` needs to compare calendars."""
COUNTED: Final = {
    "$sum": {"$map": {"input": {"$ifNull": ["$content.groups", []]}, "in": {"$divide": [{"$size": "$$this.spans"}, 2]}}}
}
"""How many occurrences an object has, from its contents: releases before this number kept none."""
KNOWN_TO_JUDGE: Final = KNOWN | {
    "origin": True,
    "tied_to": True,
    "occurrences": {"$ifNull": ["$occurrences", COUNTED]},
}
"""And to judge an object that was fetched."""


def state_document(claim: Claim, state: State) -> Document:
    """A state that waits for publication."""
    about = {
        "connection_id": claim.connection_id,
        "calendar_id": state.calendar_id,
        "epoch": state.epoch,
        "revision": state.revision,
        "fence": claim.fence,
        "as_of": state.as_of,
        "pending": True,
    }
    if isinstance(state, Gone):
        return about | {"alive": False, "reason": state.reason, "occurrences": 0}
    read = {
        "alive": True,
        "href": state.href,
        "etag": state.etag,
        "basis": state.basis,
        "digest": state.digest,
        "horizon": _span_document(state.horizon),
        "content": _content_document(state.content),
        "occurrences": state.content.occurrences,
    }
    if state.content.extent:
        read["extent"] = _span_document(state.content.extent)
    if state.was:
        read["was"] = state.was
    return about | read | quarantine_field(state.quarantine) | origin_fields(state.origin)


def quarantine_field(quarantine: Quarantine | None) -> Document:
    """The field of an object that cannot be read; nothing for one that can."""
    if quarantine is None:
        return {}
    span = {"span": _span_document(quarantine.span)} if quarantine.span else {}
    occurrences = {"occurrences": quarantine.occurrences} if quarantine.occurrences else {}
    listed = {"listed": quarantine.listed} if quarantine.listed else {}
    return {"quarantine": {"reason": quarantine.reason, **span, **occurrences, **listed}}


def origin_fields(origin: Origin | None) -> Document:
    """The fields of the text that an object was read from; nothing where there was none."""
    if origin is None:
        return {}
    return {"origin": [origin.digest, origin.until], **({"tied_to": list(origin.tied_to)} if origin.tied_to else {})}


def state_from(document: Document) -> State:
    """The full state."""
    if not document["alive"]:
        return Gone(
            event_id=document["_id"],
            calendar_id=document["calendar_id"],
            epoch=document["epoch"],
            revision=document["revision"],
            as_of=document["as_of"],
            reason=document["reason"],
        )
    return Imported(
        event_id=document["_id"],
        calendar_id=document["calendar_id"],
        href=document["href"],
        etag=document["etag"],
        basis=document["basis"],
        epoch=document["epoch"],
        revision=document["revision"],
        digest=document["digest"],
        as_of=document["as_of"],
        horizon=Span(*document["horizon"]),
        content=_content_from(document["content"]),
        quarantine=_quarantine_from(document),
        origin=_origin_from(document),
        was=document.get("was", ""),
    )


def known_from(document: Document) -> Known:
    """What a fresh reading is judged by."""
    extent, horizon = document.get("extent"), document.get("horizon")
    return Known(
        event_id=document["_id"],
        # A whole calendar may be in memory: what all have in common is there once.
        calendar_id=intern(document["calendar_id"]),
        href=document.get("href", ""),
        etag=document.get("etag", ""),
        basis=intern(document.get("basis", "")),
        revision=document["revision"],
        digest=document.get("digest", ""),
        alive=document["alive"],
        extent=Span(*extent) if extent else None,
        horizon=Span(*horizon) if horizon else None,
        quarantine=_quarantine_from(document),
        origin=_origin_from(document),
        own=document.get("own", False),
        occurrences=int(document.get("occurrences", 0)),
        was=document.get("was", ""),
    )


def _content_document(content: Content) -> Document:
    return {
        "uid_hash": content.uid_hash,
        "title": content.title,
        "all_day": content.all_day,
        "groups": [
            {
                "facts": dict(_said_facts(group.facts)),
                "spans": list(chain.from_iterable(group.spans)),
            }
            for group in content.groups
        ],
    }


@lru_cache(maxsize=1024)
def _said_facts(facts: Facts) -> tuple[tuple[str, bool | int], ...]:
    """Those that are not as usual. The same few facts come again and again."""
    return tuple((name, value) for name, value in asdict(facts).items() if value)


def _content_from(document: Document) -> Content:
    groups = tuple(FactGroup(made_of(Facts, group["facts"]), _pairs(group["spans"])) for group in document["groups"])
    return Content(document["uid_hash"], document["title"], document["all_day"], groups)


def _pairs(flat: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _quarantine_from(document: Document) -> Quarantine | None:
    held: dict[str, Any] | None = document.get("quarantine")
    if held is None:
        return None
    span = Span(*held["span"]) if "span" in held else None
    return Quarantine(held["reason"], span, held.get("occurrences", 0), held.get("listed", ""))


def _origin_from(document: Document) -> Origin | None:
    held: list[Any] | None = document.get("origin")
    return None if held is None else Origin(held[0], held[1], tuple(document.get("tied_to", ())))


def _span_document(span: Span) -> list[int]:
    return [span.start, span.end]
