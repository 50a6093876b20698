"""A connection lifted above all that was ever told of it: each in one transaction over the services' documents."""

from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from motor.motor_asyncio import AsyncIOMotorClientSession as Transaction
from pymongo import ReplaceOne, ReturnDocument

from calsync.by_hand import ACTIVE, DUE, FREE, TAKEN
from calsync.ends import NotThere
from calsync.findings import version
from calsync.newest import Events, ToldConnection
from calsync.restored import UNREAD, left_over, new_epoch, terms_of, to_read_again
from calsync.stores import Document, Stores
from calsync.vouching import Voucher

T = TypeVar("T")

_LIVING: Final = {"$ne": "disconnected"}
_KNOWN: Final = dict.fromkeys(("epoch", "revision"), True)
_KEPT_FOR: Final = timedelta(days=7)
"""As the connector keeps ends: then a tombstone takes their place on the topic."""
_READ_ANEW: Final = ("reconciled", "failures")
"""What goes of each calendar, so that it is listed in full and compared."""


class Busy(Exception):
    """A worker has the connection."""


@dataclass(frozen=True, slots=True)
class Told:
    """What Kafka has of a connection."""

    connection: ToldConnection | None
    events: Events


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a connection became."""

    epoch: int
    revision: int
    read_again: int
    """Events that Kafka has in another version than the backup."""


async def renewed(stores: Stores, connection_id: str, told: Told, voucher: Voucher) -> Renewed:
    """Give it a new epoch at connector, vault and workers, as a reconnect does, with the terms that were told last.

    Raises Busy, NotThere, NotVouchedFor; nothing is changed then.
    """

    async def write(session: Transaction) -> Renewed:
        own = await stores.connections.find_one({"_id": connection_id, "state": _LIVING}, session=session)
        if own is None:
            raise NotThere(f"{connection_id} has ended meanwhile.")
        sealed = await stores.sealed.find_one({"_id": connection_id}, session=session)
        kept = await _taken(stores, connection_id, session)
        epochs = [one["epoch"] for one in (sealed, kept) if one is not None]
        epoch = new_epoch(own, told.connection, (*epochs, *(one.version[0] for one in told.events.values())))
        revision = max(own["revision"], told.connection.version[1] if told.connection else 0) + 1
        if sealed is not None:
            await stores.sealed.update_one(
                {"_id": connection_id}, {"$set": dict(voucher.anew(sealed, epoch))}, session=session
            )
        again = await _of_workers(stores, kept, epoch, told.events, session) if kept is not None else 0
        await stores.connections.update_one(
            {"_id": connection_id},
            _of_connector(own, epoch, revision, told.connection, await stores.now()),
            session=session,
        )
        return Renewed(epoch, revision, again)

    return await _in_transaction(stores, write)


async def ended(stores: Stores, told: ToldConnection, events: Events) -> int:
    """Have the connector tell the end of a connection that it does not know, and workers take back its events.

    Returns how many these are.
    """
    standing = told.standing
    if standing is None:
        raise NotThere(f"{told.id} is over already.")

    async def write(session: Transaction) -> int:
        now = await stores.now()
        epoch, revision = told.version[0], told.version[1] + 1
        identity = {"account_id": standing.account_id, "user_id": standing.user_id, "epoch": epoch}
        end = {"epoch": epoch, "revision": revision, "news": "disconnected", "at": now, "terms": None}
        grave = {"_id": told.id, **identity, "revision": revision, "state": "disconnected", "changed_at": now}
        await stores.connections.insert_one(
            {**grave, "published": 0, "pending": [end], "forget_at": now + _KEPT_FOR}, session=session
        )
        gone = [_gone(told.id, one, said.calendar_id or "", said.version, now) for one, said in events.items()]
        for one in gone:
            # Until the worker hears of the end nobody looks after them; then it tells them gone and erases them.
            await stores.objects.replace_one({"_id": one["_id"]}, one, upsert=True, session=session)
        return len(gone)

    return await _in_transaction(stores, write)


async def swept(stores: Stores, connection_id: str, events: Events) -> int:
    """Have the worker take back what was told before this epoch, and neither the backup nor iCloud has.

    Only once their calendars were compared since it was renewed, and nothing of these is in doubt. Returns how
    many these are. Raises Busy, NotThere.
    """

    async def write(session: Transaction) -> int:
        own = await stores.connections.find_one({"_id": connection_id, "state": _LIVING}, session=session)
        kept = await _taken(stores, connection_id, session)
        if own is None or kept is None:
            raise NotThere(f"{connection_id} has ended meanwhile.")
        living = stores.objects.find({"connection_id": connection_id, "alive": True}, {"_id": True}, session=session)
        left = left_over(events, [one["_id"] async for one in living], kept["epoch"])
        demand_compared(own, kept, {events[one].calendar_id for one in left})
        now = await stores.now()
        graves = {
            one: _gone(connection_id, one, events[one].calendar_id or "", said, now) for one, said in left.items()
        }
        if graves:
            fresh = {"epoch": kept["epoch"], "fence": kept["fence"]}
            writes = [ReplaceOne({"_id": one}, grave | fresh, upsert=True) for one, grave in graves.items()]
            await stores.objects.bulk_write(writes, ordered=False, session=session)
            due = [{"$set": {"unpublished": True, **DUE}}]
            await stores.synced.update_one({"_id": connection_id}, due, session=session)
        return len(graves)

    return await _in_transaction(stores, write)


def demand_compared(own: Document, kept: Document, of: Collection[str | None]) -> None:
    """Raise NotThere unless each of these calendars was compared in full since the connection was renewed.

    What the user has taken out of the setup is not read any more.
    """
    since = own.get("renewed_at")
    if since is None or version(own) != version(kept):
        raise NotThere("not told to the workers yet")
    wanted = [one["id"] for one in (kept.get("setup") or {}).get("conflict_calendars", ())]
    calendars = [kept.get("calendars", {}).get(one) or {} for one in wanted if one in of]
    if not all(one.get("left") or ("reconciled" in one and one["reconciled"] >= since) for one in calendars):
        raise NotThere("not compared yet")
    if any("hold" in one or ("empty_since" in one and one["empty_since"] >= since) for one in calendars):
        raise NotThere("removals are held, or a calendar came empty: later")


async def _in_transaction(stores: Stores, write: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
    async with await stores.client.start_session() as session:
        done: T = await session.with_transaction(write)
    return done


async def _taken(stores: Stores, connection_id: str, session: Transaction) -> Document | None:
    """The workers' document, with no worker at it and its fence raised; None where they look after no such connection.

    Raises Busy.
    """
    mine = {"_id": connection_id, "state": ACTIVE}
    taken: Document | None = await stores.synced.find_one_and_update(
        mine | FREE, [{"$set": TAKEN}], session=session, return_document=ReturnDocument.AFTER
    )
    if taken is None and await stores.synced.count_documents(mine, limit=1, session=session):
        raise Busy
    return taken


async def _of_workers(stores: Stores, kept: Document, epoch: int, told: Events, session: Transaction) -> int:
    """As a reconnect leaves it, and compared with iCloud in full; how many objects are read again."""
    of_calendars = [f"calendars.{one}.{name}" for one in kept.get("calendars", {}) for name in _READ_ANEW]
    # Between 401s, and after the last, their spacing stood: of this epoch nobody has refused anything.
    fresh = {
        "epoch": epoch,
        "failures": 0,
        "next_sync_at": {"$max": ["$$NOW", "$throttled_until"]},
        "wakes": {"$add": [{"$ifNull": ["$wakes", 0]}, 1]},
    }
    gone = ("rejections", "stopped_at", "last_said", *of_calendars)
    await stores.synced.update_one({"_id": kept["_id"]}, [{"$set": fresh}, {"$unset": list(gone)}], session=session)
    living = stores.objects.find({"connection_id": kept["_id"], "alive": True}, _KNOWN, session=session)
    again = list(to_read_again([one async for one in living], told))
    await stores.objects.update_many(
        {"_id": {"$in": again}}, {"$set": dict(UNREAD), "$unset": {"pending": "", "origin": ""}}, session=session
    )
    return len(again)


def _of_connector(
    own: Document, epoch: int, revision: int, told: ToldConnection | None, now: datetime
) -> dict[str, Any]:
    """As a reconnect leaves it: the workers' words begin anew, what is known of the reading stays."""
    newer = told is not None and told.version > version(own)
    standing = told.standing if told is not None and newer else None
    terms = own["terms"] if standing is None else terms_of(standing, revision)
    news = {"epoch": epoch, "revision": revision, "news": "reconnected"}
    fields = {
        **news,
        "terms": terms,
        "changed_at": now,
        "renewed_at": now,
        "state": "connected",
        "calendars_told": 0,
        "sync.told": 0,
        "sync.progress": None,
        "sync.refused_since": None,
    }
    doubts = [f"sync.{kind}.{one}.told" for kind in ("held", "quarantined") for one in own["sync"].get(kind, {})]
    return {"$set": fields | dict.fromkeys(doubts, 0), "$push": {"pending": {**news, "at": now, "terms": terms}}}


def _gone(connection_id: str, event_id: str, calendar_id: str, last: tuple[int, int], now: datetime) -> Document:
    """The workers' gravestone of an event that they do not know, waiting to be told."""
    return {
        "_id": event_id,
        "connection_id": connection_id,
        "calendar_id": calendar_id,
        "epoch": last[0],
        "revision": last[1] + 1,
        "as_of": int(now.timestamp()),
        "alive": False,
        "reason": "deleted",
        "pending": True,
    }
