"""Whether what must hold does: across MongoDB's databases, and if asked on the topics and at iCloud."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from calsync import findings
from calsync.comparison import Compared, compare
from calsync.ends import End, Misuse, NotThere
from calsync.findings import Connection, Finding, Moment
from calsync.kafka import consumer
from calsync.on_topics import OBJECT, Read, of_topics
from calsync.session import Session
from calsync.settings import Log, Store
from calsync.stores import LEFT_OUT, Document, Stores, stores

_PAGE: Final = 500
_MOST_TOLD: Final = 1_000
_EVENT: Final = dict.fromkeys(("epoch", "revision", "finality", "expires_at"), True)


@dataclass(frozen=True, slots=True)
class Options:
    """How it is looked."""

    connection_id: str | None
    topic: bool
    grace: timedelta
    settle: timedelta
    """What is found is looked at again after so long: only what stays is told."""
    icloud_seconds: float | None = None
    """So long a worker has to ask iCloud; None: nobody asks it."""


@dataclass(slots=True)
class Counts:
    """How much was looked at."""

    connections: int = 0
    events: int = 0
    appointments: int = 0
    on_topics: Read = field(default_factory=Read)


@dataclass(frozen=True, slots=True)
class Look:
    """The whole of it, once."""

    found: Stores
    kafka: AIOKafkaConsumer | None
    grace: timedelta

    async def at(self, ids: Sequence[str] | None, counts: Counts) -> set[Finding]:
        """Everything that is wrong with these connections and their users; None: with all."""
        moment = Moment(await self.found.now(), self.grace)
        seen: set[Finding] = set()
        async for page in _pages(self.found, ids):
            async for finding in self._connections(page, moment, counts):
                seen.add(finding)
        seen |= {one async for one in _appointments(self.found, ids, moment, counts)}
        if ids is None:
            seen |= {one async for one in _strays(self.found)}
        if self.kafka is not None:
            seen |= {one async for one in of_topics(self.found, self.kafka, ids, moment, counts.on_topics)}
        return seen

    async def _connections(self, ids: Sequence[str], moment: Moment, counts: Counts) -> AsyncIterator[Finding]:
        counts.connections += len(ids)
        for one in await _together(self.found, ids):
            for finding in findings.of_connection(one, moment):
                yield finding
            of_it = {"connection_id": one.id}
            objects = await self.found.objects.find(of_it, OBJECT).to_list(None)
            events = await self.found.timeline.find(of_it | {"kind": "event"}, _EVENT).to_list(None)
            counts.events += len(objects)
            for finding in findings.of_events(one.id, objects, events, moment):
                yield finding


async def verify(session: Session, options: Options) -> End:
    """Look, look again at what was found, tell what stays; WRONG when anything does."""
    counts, ids = Counts(), None if options.connection_id is None else [options.connection_id]
    if ids is None and options.icloud_seconds is not None:
        raise Misuse("--icloud asks about one connection: name it.")
    async with AsyncExitStack() as open_:
        found = await open_.enter_async_context(stores(session.load(Store).mongo))
        kafka = await open_.enter_async_context(consumer(session.load(Log).kafka)) if options.topic else None
        if ids is not None and not await _is_known(found, ids[0]):
            raise NotThere(f"Nobody knows a connection {ids[0]}. `calsync connection list` names them.")
        compared = await _asked(session, found, options)
        look = Look(found, kafka, options.grace)
        seen = await look.at(ids, counts)
        if seen:
            await asyncio.sleep(options.settle.total_seconds())
            seen &= await look.at(_again(seen, ids), Counts())
    if compared is not None:
        seen |= set(compared.findings())
    session.tell(**_report(seen, counts, topic=options.topic), **_of_icloud(compared))
    return End.WRONG if seen else End.OK


async def _asked(session: Session, found: Stores, options: Options) -> Compared | None:
    """Before all else is looked at: what a worker puts right is then seen on its way."""
    if options.connection_id is None or options.icloud_seconds is None:
        return None
    return await compare(session, found, options.connection_id, options.icloud_seconds)


def _of_icloud(compared: Compared | None) -> Document:
    return {} if compared is None else {"compared": compared.whole, "icloud": compared.rows()}


def _again(seen: Iterable[Finding], ids: Sequence[str] | None) -> Sequence[str] | None:
    """Which connections to look at again; None, all, where what was found is of none."""
    named = {one.connection_id for one in seen}
    return ids if None in named else sorted(one for one in named if one is not None)


def _report(seen: Collection[Finding], counts: Counts, *, topic: bool) -> dict[str, Any]:
    told = sorted(seen, key=lambda one: (one.check, one.connection_id or "", one.subject or ""))
    checked: Document = {
        "connections": counts.connections,
        "events": counts.events,
        "appointments": counts.appointments,
    }
    if topic:
        checked |= {"records": counts.on_topics.records, "unreadable_records": counts.on_topics.unreadable}
    return {
        "checked": checked,
        "findings": [one._asdict() for one in told[:_MOST_TOLD]],
        "number_of_findings": len(told),
        "by_check": dict(sorted(Counter(one.check for one in told).items())),
        "holds": not told,
    }


async def _is_known(found: Stores, one: str) -> bool:
    kept = (found.connections, found.synced, found.timeline, found.sealed)
    return any([await each.count_documents({"_id": one}, limit=1) for each in kept])


async def _pages(found: Stores, ids: Sequence[str] | None) -> AsyncIterator[Sequence[str]]:
    """The ids of all connections that connector or workers have, or the vault a credential of, in pages."""
    if ids is not None:
        for start in range(0, len(ids), _PAGE):
            yield ids[start : start + _PAGE]
        return
    after = ""
    while True:
        behind, those = {"_id": {"$gt": after}}, list[list[str]]()
        for collection in (found.connections, found.synced, found.sealed):
            cursor = collection.find(behind, {"_id": True}).sort("_id", 1).limit(_PAGE)
            those.append([one["_id"] async for one in cursor])
        # Beyond the end of a full page of one, the others' ids are not known to be all.
        ends = [each[-1] for each in those if len(each) == _PAGE]
        page = sorted(one for one in set[str]().union(*those) if not ends or one <= min(ends))
        if not page:
            return
        yield page
        after = page[-1]


async def _together(found: Stores, ids: Sequence[str]) -> list[Connection]:
    those = {"_id": {"$in": list(ids)}}
    own = {one["_id"]: one async for one in found.connections.find(those, {"terms": False, "sync": False})}
    kept = {one["_id"]: one async for one in found.synced.find(those, LEFT_OUT | {"calendars": False})}
    told = {one["_id"]: one async for one in found.timeline.find(those)}
    fields = dict.fromkeys(("epoch", "account_id"), True)
    sealed = {one["_id"]: one async for one in found.sealed.find(those, fields)}
    marks = {one["apple"]["fingerprint"]: one["_id"] for one in own.values() if "apple" in one}
    claimed: set[str] = set()
    async for mark in found.principals.find({"_id": {"$in": list(marks)}}):
        claimed.update(mark["connections"])
    return [Connection(one, own.get(one), kept.get(one), told.get(one), sealed.get(one), one in claimed) for one in ids]


async def _appointments(
    found: Stores, ids: Sequence[str] | None, moment: Moment, counts: Counts
) -> AsyncIterator[Finding]:
    where: Document = {"kind": "appointment"}
    if ids is not None:
        users = [
            one async for one in found.connections.find({"_id": {"$in": list(ids)}}, {"account_id": 1, "user_id": 1})
        ]
        if not users:
            return
        where["$or"] = [{"account_id": one["account_id"], "user_id": one["user_id"]} for one in users]
    fields = dict.fromkeys(("account_id", "user_id", "entry", "pending.at"), True)
    cursor = found.timeline.find(where, fields, allow_disk_use=True).sort([("account_id", 1), ("user_id", 1)])
    of_user: list[Document] = []
    async for one in cursor:
        counts.appointments += 1
        if of_user and _user(of_user[0]) != _user(one):
            for finding in findings.of_appointments(of_user, moment):
                yield finding
            of_user = []
        of_user.append(one)
    for finding in findings.of_appointments(of_user, moment):
        yield finding


def _user(one: Document) -> tuple[str, str]:
    return one["account_id"], one["user_id"]


async def _strays(found: Stores) -> AsyncIterator[Finding]:
    """Connections that availability has events of, and nobody else knows."""
    alive = {"connection_id": {"$gt": ""}, "kind": "event", "finality": 0}
    groups = found.timeline.aggregate([{"$match": alive}, {"$group": {"_id": "$connection_id"}}], allowDiskUse=True)
    async for one in groups:
        if not await found.synced.count_documents({"_id": one["_id"]}, limit=1):
            yield Finding("events", one["_id"], None, "availability has events of it, the workers do not know it")
