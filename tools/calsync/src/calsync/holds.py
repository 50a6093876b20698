"""Removals that are held: seen, and settled."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from calsync.audit import Deed, Entry, KeptAudit
from calsync.ends import End, NotThere
from calsync.requests import ask, followed
from calsync.session import Session
from calsync.settings import Store, StoreAndLog
from calsync.stores import Document, stores
from contracts.events import HeldSince
from runtime.clock import system_clock


class Verdict(StrEnum):
    """What is said about held removals."""

    CONFIRM = "confirm"
    """They are meant: carry them out."""
    DROP = "drop"
    """They are not: do not believe them for a day."""


async def show_held(session: Session, connection_id: str | None) -> End:
    """Each calendar with removals that wait; nothing that says which events they are."""
    where: Document = {"state": "active"}
    if connection_id is not None:
        where["_id"] = connection_id
    calendars = {"$objectToArray": {"$ifNull": ["$calendars", {}]}}
    pipeline: list[Document] = [
        {"$match": where},
        {"$project": {"account_id": True, "wishes": True, "calendar": calendars}},
        {"$unwind": "$calendar"},
        {"$match": {"calendar.v.hold": {"$type": "object"}}},
        {"$sort": {"_id": 1, "calendar.k": 1}},
    ]
    async with stores(session.load(Store).mongo) as found:
        session.tell(held=[_row(one) async for one in found.synced.aggregate(pipeline)])
    return End.OK


async def settle(
    session: Session, connection_id: str, calendars: Sequence[str], verdict: Verdict, since: datetime | None = None
) -> End:
    """Tell the workers; they act on it in their next look, which is asked for with it.

    Nothing is asked of what is held by now since another moment than `since`, where that is given. The workers confirm
    what is held as this is called, and nothing that may come in its place.
    """
    settings = session.load(StoreAndLog)
    named = tuple(sorted(set(calendars)))
    async with stores(settings.mongo) as found:
        kept = await followed(found, connection_id)
        held = _held_since(kept)
        if not held.keys() >= set(named):
            raise NotThere("Nothing is held for one of these calendars. `calsync removals list` names what is.")
        seen = tuple(HeldSince(calendar_id=one, since=held[one]) for one in named)
        if since is not None and any(one.since != since.timestamp() for one in seen):
            raise NotThere("Something else is held by now. `calsync removals list` tells what, and since when.")

        async def work(_: Entry) -> None:
            confirm, keep = (named, ()) if verdict is Verdict.CONFIRM else ((), named)
            await ask(settings.kafka, kept, confirm=confirm, keep=keep, seen=seen)

        deed = Deed(f"removals {verdict.value}", {"connection_id": connection_id, "calendars": list(named)})
        audit = KeptAudit(found.audit, system_clock, session.named)
        await session.change(audit, deed, _question(verdict, kept, named), work)
    session.tell(connection_id=connection_id, calendars=list(named), verdict=verdict.value, asked=True)
    return End.OK


def _held_since(kept: Document) -> dict[str, int]:
    """By calendar, in whole seconds, as the workers tell it (`RemovalsHeld`) and `removals list` shows it."""
    calendars = kept.get("calendars", {}).items()
    return {one: int(tracked["hold"]["since"].timestamp()) for one, tracked in calendars if tracked.get("hold")}


def _question(verdict: Verdict, kept: Document, named: Sequence[str]) -> str:
    missing = sum(kept["calendars"][one]["hold"]["missing"] for one in named)
    if verdict is Verdict.CONFIRM:
        return f"Remove about {missing} events of {kept['_id']}, and free their time?"
    return f"Keep about {missing} events of {kept['_id']} for another day?"


def _row(one: Document) -> Document:
    calendar_id, hold = one["calendar"]["k"], one["calendar"]["v"]["hold"]
    return {
        "connection_id": one["_id"],
        "account_id": one.get("account_id"),
        "calendar_id": calendar_id,
        "doubt": hold["doubt"],
        "since": hold["since"],
        "known": hold["known"],
        "missing": hold["missing"],
        "kept_until": hold.get("kept_until"),
        "said": one.get("wishes", {}).get(calendar_id) or ("keep" if hold.get("kept_until") else None),
    }
