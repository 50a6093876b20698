"""Removals that are held: seen, and settled."""

from collections.abc import Sequence
from enum import StrEnum

from calsync.audit import Deed, Entry, KeptAudit
from calsync.ends import End, NotThere
from calsync.requests import ask, followed
from calsync.session import Session
from calsync.settings import Store, StoreAndLog
from calsync.stores import Document, stores
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


async def settle(session: Session, connection_id: str, calendars: Sequence[str], verdict: Verdict) -> End:
    """Tell the workers; they act on it in their next look, which is asked for with it."""
    settings = session.load(StoreAndLog)
    named = tuple(sorted(set(calendars)))
    async with stores(settings.mongo) as found:
        kept = await followed(found, connection_id)
        held = {one for one, tracked in kept.get("calendars", {}).items() if tracked.get("hold")}
        if not held.issuperset(named):
            raise NotThere("Nothing is held for one of these calendars. `calsync removals list` names what is.")

        async def work(_: Entry) -> None:
            confirm, keep = (named, ()) if verdict is Verdict.CONFIRM else ((), named)
            await ask(settings.kafka, kept, confirm=confirm, keep=keep)

        deed = Deed(f"removals {verdict.value}", {"connection_id": connection_id, "calendars": list(named)})
        audit = KeptAudit(found.audit, system_clock, session.named)
        await session.change(audit, deed, _question(verdict, kept, named), work)
    session.tell(connection_id=connection_id, calendars=list(named), verdict=verdict.value, asked=True)
    return End.OK


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
        "said": one.get("wishes", {}).get(calendar_id),
    }
