"""Having a connection looked at anew, more or less thoroughly."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from calsync.audit import Deed, Entry, KeptAudit
from calsync.by_hand import Decision, Edit, edit
from calsync.ends import End, Misuse, NotThere
from calsync.requests import ask, followed
from calsync.resync_how import How
from calsync.retell import tell_one
from calsync.session import Session
from calsync.settings import Store, StoreAndLog
from calsync.stores import QUARANTINED, Document, stores
from runtime.clock import system_clock

_ON_KAFKA: Final = frozenset({How.LOOK, How.REPUBLISH})
UNREAD: Final = ""
"""The basis of what is to be read again: no reading goes by it."""


async def resync(session: Session, connection_id: str, how: How) -> End:
    """Ask the workers, or prepare what they keep of it, so that the next look is the one that is wanted."""
    settings = session.load(StoreAndLog if how in _ON_KAFKA else Store)
    async with stores(settings.mongo) as found:
        kept = await followed(found, connection_id)

        async def work(entry: Entry) -> None:
            if how is How.LOOK and isinstance(settings, StoreAndLog):
                await ask(settings.kafka, kept)
                return
            if isinstance(settings, StoreAndLog):
                # First the connection: its events count for nobody who does not know it.
                entry.told["connection_told"] = await tell_one(found, settings.kafka, connection_id)
            entry.told["objects"] = await edit(found, connection_id, _EDITS[how])

        deed = Deed("connection resync", {"connection_id": connection_id, "how": how.value})
        audit = KeptAudit(found.audit, system_clock, session.named)
        entry = await session.change(audit, deed, f"Have {connection_id} looked at anew ({how.value})?", work)
    session.tell(connection_id=connection_id, how=how.value, asked=True, **entry.told)
    return End.OK


async def show_quarantined(session: Session, connection_id: str | None, limit: int) -> End:
    """The objects that cannot be read, and how many there are for each reason."""
    if limit < 1:
        raise Misuse("--limit must be at least 1.")
    where: Document = {"quarantine.reason": {"$exists": True}}
    if connection_id is not None:
        where["connection_id"] = connection_id
    async with stores(session.load(Store).mongo) as found:
        counted = found.objects.aggregate(
            [
                {"$match": where},
                {"$group": {"_id": "$quarantine.reason", "objects": {"$sum": 1}}},
                {"$sort": {"_id": 1}},
            ],
            hint=QUARANTINED,
        )
        reasons = [{"reason": one["_id"], "objects": one["objects"]} async for one in counted]
        fields = dict.fromkeys(("connection_id", "calendar_id", "quarantine", "as_of"), True)
        listed = await found.objects.find(where, fields, hint=QUARANTINED).sort("_id", 1).limit(limit).to_list(None)
        session.tell(reasons=reasons, objects=[_row(one) for one in listed])
    return End.OK


async def retry_quarantined(session: Session, connection_id: str, event_ids: Collection[str]) -> End:
    """Fetch and read again what could not be read: all of it, or what is named."""
    async with stores(session.load(Store).mongo) as found:
        await followed(found, connection_id)
        where: Document = {"connection_id": connection_id, "quarantine.reason": {"$exists": True}}
        if event_ids:
            where["_id"] = {"$in": sorted(event_ids)}
        unread = await found.objects.find(where, {"calendar_id": True}).to_list(None)
        if not unread or (event_ids and len(unread) < len(event_ids)):
            raise NotThere(f"Not quarantined in {connection_id}. `calsync quarantine list` names what is.")
        again = _reading_again({one["calendar_id"] for one in unread}, where)

        async def work(entry: Entry) -> None:
            entry.told["objects"] = await edit(found, connection_id, again)

        deed = Deed("quarantine retry", {"connection_id": connection_id, "objects": len(unread)})
        audit = KeptAudit(found.audit, system_clock, session.named)
        question = f"Fetch and read {len(unread)} objects of {connection_id} again?"
        entry = await session.change(audit, deed, question, work)
    session.tell(connection_id=connection_id, asked=True, **entry.told)
    return End.OK


def _reading_again(calendars: Collection[str], objects: Document) -> Decision:
    """Read these objects of these calendars again, whatever their ETags say."""

    def decide(kept: Document) -> Edit:
        there = [one for one in calendars if one in kept.get("calendars", {})]
        bases = {f"calendars.{one}.basis": UNREAD for one in there}
        return Edit(connection=bases, objects=objects, change={"basis": UNREAD})

    return decide


def compared_anew(kept: Document) -> Edit:
    """Have the next look list each calendar in full."""
    return Edit(absent=tuple(f"calendars.{one}.reconciled" for one in kept.get("calendars", {})))


def _reread(kept: Document) -> Edit:
    return _reading_again(kept.get("calendars", {}), {"alive": True})(kept)


def _republished(_: Document) -> Edit:
    return Edit(connection={"unpublished": True}, objects={}, change={"pending": True})


_EDITS: Final = {How.COMPARE: compared_anew, How.REREAD: _reread, How.REPUBLISH: _republished}


def _row(one: Document) -> Document:
    start, end = one["quarantine"].get("span") or (None, None)
    return {
        "event_id": one["_id"],
        "connection_id": one["connection_id"],
        "calendar_id": one["calendar_id"],
        "reason": one["quarantine"]["reason"],
        "start": _moment(start),
        "end": _moment(end),
    }


def _moment(seconds: int | None) -> datetime | None:
    """Spans are kept as epoch seconds; what is told is a moment."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
