"""Connections told again on `calendar.connections.v1`: where the topic has lost them, or ends with an older word."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from calsync.audit import Deed, Entry, KeptAudit
from calsync.ends import End, Misuse, NotThere
from calsync.findings import version
from calsync.kafka import consumer, publisher
from calsync.on_topics import Last, Read, last_of_keys, partition_of
from calsync.retelling import DISCONNECTED, told_again
from calsync.session import Session
from calsync.settings import StoreAndLog
from calsync.stores import Document, Stores, stores
from contracts.topics import CONNECTIONS
from runtime.clock import system_clock
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings

_SHOWN: Final = 1_000
_OWN: Final = dict.fromkeys(("account_id", "user_id", "state", "epoch", "revision", "published", "forget_at"), True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which connections; None: all that the topic lacks, or has in an older version last."""

    connection_id: str | None
    limit: int | None
    per_second: float
    dry_run: bool


class Case(Enum):
    """What there is to do about a connection; of what cannot be done, why."""

    TELL = None
    WAITS = "the connector has yet to tell it, and will"
    NEWER = "Kafka has a newer word of it: after a restore, `calsync connection renew`"
    OVER = "Kafka has its end: after a restore, `calsync connection renew` names such"


_STAND_IN_THE_WAY: Final = frozenset({Case.NEWER, Case.OVER})


@dataclass(frozen=True, slots=True)
class _Row:
    own: Document
    case: Case


async def retell(session: Session, wanted: Wanted) -> End:
    """Show what would be told, ask, tell it; WRONG when something is left."""
    if wanted.per_second <= 0 or (wanted.limit is not None and wanted.limit < 1):
        raise Misuse("--per-second must be more than 0, --limit at least 1.")
    settings = session.load(StoreAndLog)
    async with stores(settings.mongo) as found:
        async with consumer(settings.kafka) as log:
            rows = [row async for row in _rows(found, log, wanted.connection_id)]
        chosen = [row.own for row in rows if row.case is Case.TELL][: wanted.limit]
        report = _report(rows, chosen)
        session.preview(**report)
        left: dict[str, str] = {row.own["_id"]: row.case.value for row in rows if row.case in _STAND_IN_THE_WAY}
        done = 0
        if chosen and not wanted.dry_run:
            done = await _ask_and_do(session, found, settings.kafka, chosen, wanted, left)
        session.tell(**(report if session.as_json else {}), done=done, left=left)
    return End.WRONG if left or (wanted.dry_run and chosen) else End.OK


async def tell_one(found: Stores, settings: KafkaSettings, connection_id: str) -> bool:
    """Tell it whatever the topic has; False: the connector is about to. Raises NotThere."""
    async with consumer(settings) as log:
        rows = [row async for row in _rows(found, log, connection_id)]
    for row in rows:
        if row.case in _STAND_IN_THE_WAY:
            raise NotThere(f"{connection_id}: {row.case.value}")
    async with publisher(settings) as kafka:
        return await told_again(found, kafka, connection_id)


async def _rows(found: Stores, log: AIOKafkaConsumer, connection_id: str | None) -> AsyncIterator[_Row]:
    """Every connection that there is something to say of. Raises NotThere."""
    numbers = range(CONNECTIONS.partitions) if connection_id is None else (partition_of(connection_id),)
    seen = 0
    for number in numbers:
        last = await last_of_keys(log, TopicPartition(CONNECTIONS.name, number), Read())
        where: Document = {} if connection_id is None else {"_id": connection_id}
        # After the topic: what is told meanwhile is then told once more, and not taken for news of a lost database.
        async for own in found.connections.find(where, _OWN):
            if partition_of(own["_id"]) != number:
                continue
            seen += 1
            case = case_of(own, last.get(own["_id"]), named=connection_id is not None)
            if case is not None:
                yield _Row(own, case)
    if connection_id is not None and not seen:
        raise NotThere(f"The connector does not know {connection_id}. `calsync connection list` names connections.")


def case_of(own: Mapping[str, Any], last: Last | None, *, named: bool) -> Case | None:
    """What is to be done by what the connector has of it and the topic has last; None: nothing.

    Nothing newer is ever followed by something older, and nothing that is over by life. What is `named` is told though
    the topic has it: a reader may have lost it.
    """
    over = own["state"] == DISCONNECTED
    if last is not None and last.newest > version(own):
        return Case.NEWER
    if last is not None and last.ended and not over:
        return Case.OVER
    if own["published"] < own["revision"]:
        return Case.WAITS
    if named:
        return Case.TELL
    if over:
        # Of what ended long ago and is not there, there is nothing to forget.
        missed = last.alive if last is not None else "forget_at" in own
    else:
        missed = last is None or last.version != version(own)
    return Case.TELL if missed else None


def _report(rows: Sequence[_Row], chosen: Collection[Document]) -> dict[str, Any]:
    to_tell = [
        {"connection_id": own["_id"], **{name: own[name] for name in ("account_id", "user_id", "state")}}
        for own in [*chosen][:_SHOWN]
    ]
    waiting = sum(row.case is Case.WAITS for row in rows)
    return {"chosen": len(chosen), "to_tell": to_tell, "waiting": waiting}


async def _ask_and_do(  # noqa: PLR0913, PLR0917 - what is at hand, what is to be told, and what came of it
    session: Session,
    found: Stores,
    settings: KafkaSettings,
    chosen: Sequence[Document],
    wanted: Wanted,
    left: dict[str, str],
) -> int:
    async def do(entry: Entry) -> None:
        entry.told |= {"done": 0}
        async with publisher(settings) as kafka:
            for own in chosen:
                why = await _one(found, kafka, own["_id"])
                if why is None:
                    entry.told["done"] += 1
                else:
                    left[own["_id"]] = why
                if len(chosen) > 1:
                    await asyncio.sleep(1 / wanted.per_second)
        entry.told["left"] = len(left)

    deed = Deed("connection retell", {"connections": len(chosen), "connection_id": wanted.connection_id})
    audit = KeptAudit(found.audit, system_clock, session.named)
    entry = await session.change(audit, deed, f"Tell {len(chosen)} connections again on {CONNECTIONS.name}?", do)
    return int(entry.told["done"])


async def _one(found: Stores, kafka: Publisher, connection_id: str) -> str | None:
    """Why it could not be told."""
    try:
        await told_again(found, kafka, connection_id)
    except NotThere as stands:
        return str(stands)
    return None
