"""After MongoDB was restored from a backup: what was told since, made good for every reader of the topics."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from pymongo.errors import DuplicateKeyError

from calsync import left_over
from calsync.audit import Deed, Entry, KeptAudit
from calsync.by_hand import PATIENCE_SECONDS
from calsync.ends import End, Misuse, NotThere
from calsync.kafka import consumer
from calsync.newest import ToldConnection, connections_in, events_in
from calsync.on_topics import partition_of
from calsync.renew_what import What
from calsync.renewal import Busy, Told, ended, renewed, swept
from calsync.restored import Fate, Moments, fate_of, new_epoch
from calsync.session import Session
from calsync.stores import Document, Stores, stores
from calsync.vouching import NotVouchedFor, Renewing, Voucher, voucher
from contracts.topics import CONNECTIONS
from runtime.clock import system_clock

_DONE_FOR: Final = timedelta(days=7)
_AGAIN_SECONDS: Final = 0.5
_SHOWN: Final = 1_000
"""Rows of what is only to be renewed; who has to act on a row finds all of them."""
_OWN: Final = dict.fromkeys(("account_id", "user_id", "state", "epoch", "created_at", "renewed_at", "published"), True)
_QUESTIONS: Final = {
    What.EPOCHS: "Give {} connections a new epoch, and have them compared with iCloud?",
    What.LOST: "Tell everybody that {} connections are over that only Kafka has? It cannot be taken back.",
    What.EVENTS: "Take back what {} connections told before their epoch, and neither backup nor iCloud has?",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which connections, and what of them. `since`: what was renewed from then on is done; None: within seven days."""

    connection_id: str | None
    what: What
    since: datetime | None
    limit: int | None
    per_second: float
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One connection."""

    id: str
    fate: Fate
    about: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is at hand while connections are changed."""

    stores: Stores
    kafka: AIOKafkaConsumer
    voucher: Voucher


async def renew(session: Session, wanted: Wanted) -> End:
    """Show what would be done, ask, do it; WRONG when something is left, or somebody has to act."""
    if wanted.per_second <= 0 or (wanted.limit is not None and wanted.limit < 1):
        raise Misuse("--per-second must be more than 0, --limit at least 1.")
    settings = session.load(Renewing)
    vouches = voucher(settings.signing)
    async with _at_hand(settings, vouches) as work:
        rows = [row async for row in _rows(work, wanted)]
        chosen = [row for row in rows if row.fate is _FATES[wanted.what]][: wanted.limit]
        told = _report(rows, chosen, wanted)
        session.preview(**told)
        left: dict[str, str] = {}
        done = 0
        if chosen and not wanted.dry_run:
            done = await _ask_and_do(session, work, wanted, chosen, left)
        session.tell(**(told if session.as_json else {}), done=done, left=left)
    acts = any(row.fate in {Fate.OVER, Fate.LOST} for row in rows if row.fate is not _FATES[wanted.what])
    return End.WRONG if left or acts or (wanted.dry_run and chosen) else End.OK


_FATES: Final = {What.EPOCHS: Fate.RENEW, What.LOST: Fate.LOST, What.EVENTS: Fate.LEFT_OVER}


@asynccontextmanager
async def _at_hand(settings: Renewing, vouches: Voucher) -> AsyncIterator[_Work]:
    async with stores(settings.mongo) as found, consumer(settings.kafka) as log:
        yield _Work(found, log, vouches)


async def _rows(work: _Work, wanted: Wanted) -> AsyncIterator[Row]:
    """Every connection that there is something to say of. Raises NotThere, Misuse."""
    now = await work.stores.now()
    at = Moments(now, now - _DONE_FOR if wanted.since is None else wanted.since)
    one, seen, told_of = wanted.connection_id, 0, 0
    for number in range(CONNECTIONS.partitions) if one is None else (partition_of(one),):
        told = await connections_in(work.kafka, number)
        told_of += len(told)
        own = await _own(work.stores, number, one)
        ids = sorted(own.keys() | told.keys()) if one is None else [one] if one in own.keys() | told.keys() else []
        seen += len(ids)
        if wanted.what is What.EVENTS:
            async for each, events, beside in left_over.counted(work.stores, work.kafka, number, own.keys() & set(ids)):
                yield Row(each, Fate.LEFT_OVER, {"events": events, "beside": beside})
            continue
        others = await _epochs(work.stores, ids)
        for each in ids:
            fate = fate_of(own.get(each), told.get(each), at)
            if fate is not None:
                yield Row(each, fate, _about(fate, own.get(each), told.get(each), others.get(each, [])))
    if not seen and one is not None:
        raise NotThere(f"Nobody knows a connection {one}. `calsync connection list` names them.")
    if one is None and not told_of:
        raise Misuse("calendar.connections.v1 tells of no connection: there is nothing to go by.")


async def _own(found: Stores, number: int, connection_id: str | None) -> dict[str, Document]:
    where = {} if connection_id is None else {"_id": connection_id}
    return {one["_id"]: one async for one in found.connections.find(where, _OWN) if partition_of(one["_id"]) == number}


async def _epochs(found: Stores, ids: Sequence[str]) -> dict[str, list[int]]:
    """What vault and workers know of them."""
    epochs: dict[str, list[int]] = {}
    for store in (found.sealed, found.synced):
        async for one in store.find({"_id": {"$in": list(ids)}}, {"epoch": True}):
            epochs.setdefault(one["_id"], []).append(one["epoch"])
    return epochs


def _about(
    fate: Fate, own: Document | None, told: ToldConnection | None, others: Sequence[int]
) -> Mapping[str, object]:
    whose = own or (told.standing.model_dump() if told and told.standing else {})
    about: dict[str, object] = {name: whose.get(name) for name in ("account_id", "user_id")}
    if fate is Fate.RENEW and own is not None:
        since = told is not None and told.version[0] > own["epoch"]
        return {**about, "epoch": own["epoch"], "new_epoch": new_epoch(own, told, others), "reconnected_since": since}
    if fate is Fate.OVER:
        return {**about, "why": "Kafka has its end" if told is not None else _absent(own)}
    return about


def _absent(own: Document | None) -> str:
    told = own is not None and own.get("published", 0)
    return "Kafka has nothing of it any more" if told else "Kafka has nothing of it; by the backup it was not told yet"


def _report(rows: Sequence[Row], chosen: Sequence[Row], wanted: Wanted) -> dict[str, Any]:
    report: dict[str, Any] = {
        "what": wanted.what.value,
        "chosen": len(chosen),
        "to_change": [{"connection_id": row.id, **row.about} for row in chosen[:_SHOWN]],
    }
    if wanted.what is What.EVENTS:
        return report
    fates = (Fate.RENEW, Fate.RENEWED, Fate.YOUNG, Fate.OVER, Fate.LOST)
    report["connections"] = {fate.value: sum(row.fate is fate for row in rows) for fate in fates}
    for fate in (Fate.OVER, Fate.LOST):
        report[fate.value] = [{"connection_id": row.id, **row.about} for row in rows if row.fate is fate]
    return report


async def _ask_and_do(
    session: Session, work: _Work, wanted: Wanted, chosen: Sequence[Row], left: dict[str, str]
) -> int:
    async def do(entry: Entry) -> None:
        entry.told |= {"done": 0, "events": 0}
        for number in sorted({partition_of(row.id) for row in chosen}):
            told, events = await connections_in(work.kafka, number), await events_in(work.kafka, number)
            for one in (row.id for row in chosen if partition_of(row.id) == number):
                known = Told(told.get(one), events.get(one, {}))
                why = await _one(entry, partial(_change, work, wanted.what, one, known))
                if why is not None:
                    left[one] = why
                await asyncio.sleep(1 / wanted.per_second)
        entry.told["left"] = len(left)

    target = {"what": wanted.what.value, "connections": len(chosen), "connection_id": wanted.connection_id}
    audit = KeptAudit(work.stores.audit, system_clock, session.named)
    question = _QUESTIONS[wanted.what].format(len(chosen))
    entry = await session.change(audit, Deed("connection renew", target), question, do)
    return int(entry.told["done"])


async def _one(entry: Entry, change: Callable[[], Awaitable[int]]) -> str | None:
    """Do it at a moment when no worker has it; why it could not be done."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            entry.told["events"] += await change()
        except Busy:
            if loop.time() >= until:
                return "a worker has it"
            await asyncio.sleep(_AGAIN_SECONDS)
        except NotVouchedFor as refused:
            return f"the vault's envelope cannot be signed anew: {refused}"
        except NotThere as gone:
            return str(gone)
        except DuplicateKeyError:
            return "the connector knows it by now"
        else:
            entry.told["done"] += 1
            return None


async def _change(work: _Work, what: What, connection_id: str, told: Told) -> int:
    """How many events were touched."""
    if what is What.EPOCHS:
        return (await renewed(work.stores, connection_id, told, work.voucher)).read_again
    if what is What.EVENTS:
        return await swept(work.stores, connection_id, told.events)
    if told.connection is None:
        raise NotThere("Kafka has nothing of it any more")
    return await ended(work.stores, told.connection, told.events)
