"""What workers report, as guarded changes of a connection's document.

`sync.told` guards how far reading is; each calendar's `told` in `sync.held` and `sync.quarantined` guards its own.
"""

from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from connector.domain.connection import State
from connector.domain.reading import (
    CalendarAge,
    CalendarState,
    HeldRemovals,
    Progress,
    Quarantined,
    Reading,
    UnreadableEvent,
)
from connector.domain.sync import Held, Importing, Read, Refused, Report, Settled, Unreadable
from runtime.documents import made_of

Document = dict[str, Any]


def guarded(report: Report) -> UpdateOne:
    """The report's change, unless its connection ended, has another epoch, or heard a newer one of the kind."""
    word = report.of
    place, changes, unset = _changes(report)
    guard = {
        "_id": word.connection_id,
        "state": {"$in": [state.value for state in State]},
        "epoch": word.epoch,
        # Nothing told yet is no number at all, which is not greater either.
        f"{place}.told": {"$not": {"$gte": word.revision}},
    }
    update: Document = {"$set": changes | {f"{place}.told": word.revision}}
    return UpdateOne(guard, update | ({"$unset": dict.fromkeys(unset, "")} if unset else {}))


def sync_document(reading: Reading) -> Document:
    """A reading of which no word of this epoch was heard yet."""
    return {
        "told": 0,
        "as_of": reading.as_of,
        "progress": _progress_document(reading.progress),
        "looked_at": reading.looked_at,
        "setup_revision": reading.setup_revision,
        "behind": [_age_document(age) for age in reading.behind],
        "refused_since": reading.refused_since,
        "held": {one.calendar_id: {"told": 0, "now": _held_document(one)} for one in reading.held},
        "quarantined": {one.calendar_id: {"told": 0, "now": _quarantined_document(one)} for one in reading.quarantined},
    }


def reading_from(sync: Document) -> Reading:
    """The reading of a document."""
    held, quarantined = sync.get("held", {}), sync.get("quarantined", {})
    return Reading(
        as_of=sync["as_of"],
        progress=made_of(Progress, sync["progress"]) if sync["progress"] else None,
        looked_at=sync.get("looked_at"),
        setup_revision=sync.get("setup_revision"),
        behind=tuple(
            CalendarAge(one["id"], one["as_of"], CalendarState(one["state"])) for one in sync.get("behind", ())
        ),
        held=tuple(
            made_of(HeldRemovals, kept["now"] | {"calendar_id": one})
            for one, kept in sorted(held.items())
            if "now" in kept
        ),
        quarantined=tuple(
            _quarantined_from(one, kept["now"]) for one, kept in sorted(quarantined.items()) if "now" in kept
        ),
        refused_since=sync.get("refused_since"),
    )


def _changes(report: Report) -> tuple[str, Document, tuple[str, ...]]:
    """Where the guard lies, what to set, what to unset."""
    match report:
        case Read() | Importing() | Refused():
            return "sync", _sync_changes(report), ()
        case Held(removals=removals):
            place = f"sync.held.{removals.calendar_id}"
            return place, {f"{place}.now": _held_document(removals)}, ()
        case Settled(calendar_id=calendar_id):
            place = f"sync.held.{calendar_id}"
            return place, {}, (f"{place}.now",)
        case Unreadable(quarantined=quarantined):
            place = f"sync.quarantined.{quarantined.calendar_id}"
            if not quarantined.count:
                return place, {}, (f"{place}.now",)
            return place, {f"{place}.now": _quarantined_document(quarantined)}, ()


def _sync_changes(report: Read | Importing | Refused) -> Document:
    match report:
        case Read(as_of=as_of, behind=behind, setup_revision=setup_revision):
            changes: Document = {
                "state": State.CONNECTED.value,
                "sync.progress": None,
                "sync.looked_at": as_of,
                "sync.setup_revision": setup_revision,
                "sync.behind": [_age_document(age) for age in behind],
                "sync.refused_since": None,
            }
            # An age once known is kept until there is a newer one.
            return changes | _known("sync.as_of", report.oldest)
        case Importing(progress=progress):
            return {"sync.progress": _progress_document(progress)}
        case Refused(since=since, as_of=as_of):
            changes = {
                "state": State.NEEDS_RECONNECT.value,
                "sync.progress": None,
                "sync.refused_since": since,
            }
            return changes | _known("sync.looked_at", as_of)


def _known(field: str, moment: datetime | None) -> Document:
    return {} if moment is None else {field: moment}


def _progress_document(progress: Progress | None) -> Document | None:
    return None if progress is None else {"imported": progress.imported, "total": progress.total}


def _age_document(age: CalendarAge) -> Document:
    return {"id": age.calendar_id, "as_of": age.as_of, "state": age.state.value}


def _held_document(held: HeldRemovals) -> Document:
    return {
        "since": held.since,
        "known": held.known,
        "missing": held.missing,
        "doubt": held.doubt,
        "kept_until": held.kept_until,
    }


def _quarantined_document(quarantined: Quarantined) -> Document:
    objects = [
        {"event_id": one.event_id, "reason": one.reason, "start": one.start, "end": one.end}
        for one in quarantined.objects
    ]
    return {"count": quarantined.count, "objects": objects}


def _quarantined_from(calendar_id: str, kept: Document) -> Quarantined:
    return Quarantined(calendar_id, kept["count"], tuple(made_of(UnreadableEvent, one) for one in kept["objects"]))
