"""Appointments and blocked slots as documents of the timeline.

An appointment:  {_id, kind, account_id, user_id, start, end, title, location, notes, standing, revision,
                  agreed_revision, created_at, history: [{revision, what, at, by, start, end}],
                  conflicts: [[start, end]], outcome?, written?, change?, published, pending: [{revision, …}],
                  and while it takes time: entry, periods, since, until; once its end was told: expires_at}
A blocked slot:  {_id, kind, account_id, user_id, reason, created_at, revision, entry, periods, since, until}
A deleted one:   {_id, kind, account_id, user_id, reason, created_at, revision, expires_at}

`pending` are the announcements that wait for Kafka (pending.py); `published` is the newest revision that was told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from availability.application.check_conflicts import Held
from availability.domain.appointments import (
    Act,
    Announcement,
    Appointment,
    Happened,
    News,
    Standing,
)
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.busy import EntryKind
from availability.domain.exports import Change, ChangeKind, Outcome, Written
from availability.domain.users import User
from availability.outbound.mongo.documents import Document, entry_fields
from availability.outbound.mongo.pending import (
    agreed_document,
    agreed_from,
    pending_document,
    spans_from,
    with_pending,
)

UNTOLD: Final = {"pending": False, "periods": False}
"""What is not read of an appointment or a blocked slot to tell of it: what waits repeats its words."""
_TAKES_TIME: Final = ("entry", "periods", "since", "until")


@dataclass(frozen=True, slots=True)
class Outline:
    """What a decision makes of one document: its fields at a revision, and what waits to be told of it.

    An older revision never replaces a newer one. What the worker says of an appointment, and what of it was told, stay.
    """

    id: str
    revision: int
    fields: Document
    pending: Document | None = None

    def document(self) -> Document:
        """As it waits to be carried out."""
        return {"id": self.id, "revision": self.revision, "fields": self.fields, "pending": self.pending}


def outline_write(outline: Outline) -> UpdateOne:
    """The write; it meets a duplicate key where the document is as new."""
    fields: Document = {name: {"$literal": value} for name, value in outline.fields.items()}
    if outline.pending is not None:
        fields |= {"pending": with_pending(outline.pending), "published": {"$ifNull": ["$published", 0]}}
    change: list[Document] = [{"$set": {**fields, "revision": outline.revision}}]
    if "entry" not in outline.fields:
        change.append({"$unset": [*_TAKES_TIME]})
    return UpdateOne({"_id": outline.id, "revision": {"$lt": outline.revision}}, change, upsert=True)


def appointment_outline(appointment: Appointment, announcement: Announcement) -> Outline:
    """A new or changed appointment."""
    fields = appointment_fields(appointment)
    if appointment.standing is Standing.BOOKED:
        fields |= entry_fields(EntryKind.APPOINTMENT, appointment.id, appointment.user, appointment.agreed.span)
    return Outline(appointment.id, appointment.revision, fields, pending_document(announcement))


def appointment_fields(appointment: Appointment) -> Document:
    """An appointment without what stands around it."""
    return {
        "kind": EntryKind.APPOINTMENT.value,
        **appointment.user._asdict(),
        **agreed_document(appointment.agreed),
        "standing": appointment.standing.value,
        "agreed_revision": appointment.agreed_revision,
        "created_at": appointment.created_at,
        "history": [_line(line) for line in appointment.history],
        "conflicts": [list(span) for span in appointment.conflicts],
    }


def appointment_from(document: Mapping[str, Any]) -> Appointment:
    """The appointment that a document tells of."""
    return Appointment(
        id=document["_id"],
        user=User(document["account_id"], document["user_id"]),
        agreed=agreed_from(document),
        history=tuple(map(_line_from, document["history"])),
        created_at=document["created_at"],
        agreed_revision=document["agreed_revision"],
        standing=Standing(document["standing"]),
        conflicts=spans_from(document["conflicts"]),
        outcome=_outcome_from(document),
        change=_change_from(document.get("change")),
    )


def held_from(document: Mapping[str, Any]) -> Held:
    """Of an appointment that takes time what is held against the user's."""
    entry = document["entry"]
    return Held(document["_id"], (entry["start"], entry["end"]), spans_from(document["conflicts"]))


def outcome_document(outcome: Outcome) -> Document:
    """What the worker said of an export."""
    return {"revision": outcome.revision, "reason": outcome.reason, "next_try_at": outcome.next_try_at}


def written_document(written: Written) -> Document:
    """What a worker has last written; it stays when later tries fail."""
    return {"connection_id": written.connection_id, "at": written.at}


def change_document(change: Change) -> Document:
    """What the user did on the Apple side."""
    return {"revision": change.revision, "kind": change.kind.value, "span": change.span and list(change.span)}


def slot_outline(slot: BlockedSlot) -> Outline:
    """A new blocked slot."""
    return Outline(slot.id, 1, slot_fields(slot))


def slot_end_outline(slot: BlockedSlot, forgotten_at: datetime) -> Outline:
    """A deleted one: it is remembered until nobody can carry out its beginning any more."""
    return Outline(slot.id, 2, _slot(slot) | {"expires_at": forgotten_at})


def slot_fields(slot: BlockedSlot) -> Document:
    """A blocked slot without what stands around it."""
    return _slot(slot) | entry_fields(EntryKind.BLOCKED_SLOT, slot.id, slot.user, slot.span)


def slot_from(document: Mapping[str, Any]) -> BlockedSlot:
    """The blocked slot that a document tells of."""
    return BlockedSlot(
        id=document["_id"],
        user=User(document["account_id"], document["user_id"]),
        span=(document["entry"]["start"], document["entry"]["end"]),
        reason=document["reason"],
        created_at=document["created_at"],
    )


def _slot(slot: BlockedSlot) -> Document:
    whose = {"kind": EntryKind.BLOCKED_SLOT.value, **slot.user._asdict()}
    return {**whose, "reason": slot.reason, "created_at": slot.created_at}


def _line(line: Happened) -> Document:
    start, end = line.span
    act = {"at": line.act.at, "by": line.act.by}
    return {"revision": line.revision, "what": line.what.value, **act, "start": start, "end": end}


def _line_from(line: Mapping[str, Any]) -> Happened:
    act = Act(line["at"], line["by"])
    return Happened(line["revision"], News(line["what"]), act, (line["start"], line["end"]))


def _outcome_from(document: Mapping[str, Any]) -> Outcome | None:
    part, written = document.get("outcome"), document.get("written")
    if part is None:
        return None
    known = Written(written["connection_id"], written["at"]) if written else None
    return Outcome(part["revision"], part["reason"], part["next_try_at"], known)


def _change_from(part: Mapping[str, Any] | None) -> Change | None:
    if part is None:
        return None
    span = part["span"]
    return Change(part["revision"], ChangeKind(part["kind"]), None if span is None else (span[0], span[1]))
