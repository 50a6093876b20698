"""A small world, made by the services' own adapters, and the command at work in it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, Final, TypeVar
from uuid import uuid4

from motor.motor_asyncio import AsyncIOMotorClient

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.outbound.mongo import MongoTimeline
from calsync.app import main
from connector.application.disconnect import Disconnection
from connector.domain.connection import Owner, ended
from connector.outbound.kafka import event_of
from connector.outbound.mongo import MongoConnections as Connector
from connector.outbound.mongo import MongoOutbox
from connector.outbound.vault import Vault
from connector_examples import SECRET, connection
from contracts.events import CalendarConnected, ICloudEventImported
from contracts.wire import WireRecord, encode
from icloud.credentials import KeyPair, Sealer
from runtime import mongo
from runtime.clock import system_clock
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings, MongoSettings, load
from sync_worker.application.claim import Claim
from sync_worker.application.endings import Completed
from sync_worker.application.publish_states import imported as event_of_state
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import hold
from sync_worker.domain.outbox import Content, Imported, Quarantine
from sync_worker.domain.tracked import Tracked
from sync_worker.domain.values import FactGroup, Facts, Span
from sync_worker.outbound.mongo import MongoConnections, MongoLeases, MongoObjects, MongoPasses, make_indexes

Client = AsyncIOMotorClient[dict[str, Any]]
T = TypeVar("T")

ACCOUNT, USER = "acc-salon", "usr-marie"
CALENDAR = "cal-private"
LONG_AGO: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
NINE: Final = int(datetime(2027, 3, 2, 9, tzinfo=UTC).timestamp())
TITLE: Final = "Zahnarztbesuch-qzxj"
"""A canary: no command may say it."""


@dataclass(frozen=True)
class Said:
    """What a call of the command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


def calsync(environ: Mapping[str, str], *arguments: str) -> Said:
    """As typed in a shell whose stdin is nobody's terminal."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments, environ)
    return Said(code, out.getvalue(), err.getvalue())


@dataclass
class World:
    """Databases of the names that they have everywhere."""

    url: str
    kafka: str
    keys: KeyPair
    said: list[Said] = field(default_factory=list)
    events: dict[str, ICloudEventImported] = field(default_factory=dict)
    """What was told, by id."""

    @property
    def environ(self) -> dict[str, str]:
        return {
            "CALSYNC_MONGODB_URL": self.url,
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "CALSYNC_ADMIN_NAME": "anna",
        }

    def calsync(self, *arguments: str, **change: str) -> Said:
        said = calsync(self.environ | change, *arguments)
        self.said.append(said)
        return said

    def now(self) -> datetime:
        return system_clock()

    def does(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """With a client of this call alone."""

        async def all_of_it() -> T:
            client = mongo.connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": self.url}), "admin-tests")
            try:
                return await work(client)
            finally:
                client.close()

        return asyncio.run(all_of_it())

    def find(self, database: str, collection: str, where: Mapping[str, Any]) -> dict[str, Any]:
        async def found(client: Client) -> dict[str, Any]:
            return await client[database][collection].find_one(dict(where)) or {}

        return self.does(found)

    def change(self, database: str, collection: str, where: Mapping[str, Any], how: Mapping[str, Any]) -> None:
        async def work(client: Client) -> None:
            done = await client[database][collection].update_one(dict(where), dict(how))
            assert done.matched_count == 1, where

        self.does(work)

    def delete(self, database: str, collection: str, where: Mapping[str, Any]) -> None:
        async def work(client: Client) -> None:
            assert (await client[database][collection].delete_one(dict(where))).deleted_count == 1, where

        self.does(work)

    def connected(self, *, events: int = 3, told: bool = False, first: bool = False) -> "Kept":
        """A connection that all services know, read once; `told`: Kafka has it, too; `first` in any list by ids."""
        id_ = f"{'0' * 12}{uuid4().hex[12:]}" if first else uuid4().hex
        return self.does(lambda client: _connected(self, client, id_, events=events, told=told))

    def ended(self, kept: "Kept") -> None:
        """The connector ends it, and nobody else has heard."""

        async def work(client: Client) -> Disconnection:
            connector = Connector(client, Vault(client, Sealer(self.keys.public_key_file)))
            return await connector.bury(kept.owner, kept.id, lambda one: ended(one, at=LONG_AGO))

        assert self.does(work) is Disconnection.ENDED

    def claims(self, connection_id: str) -> Claim | None:
        """What a worker gets of it, and gives back."""

        async def work(client: Client) -> Claim | None:
            leases = MongoLeases(client, owner="a-worker", length=timedelta(seconds=30))
            claims = [*await leases.claim_urgent(50), *await leases.claim(50)]
            await leases.release(claims)
            return next((one for one in claims if one.connection_id == connection_id), None)

        return self.does(work)

    def publish(self, records: Sequence[WireRecord]) -> None:
        asyncio.run(_published(self.kafka, records))


@dataclass(frozen=True)
class Kept:
    """A connection of the world."""

    id: str
    owner: Owner
    events: tuple[str, ...]


async def _connected(world: World, client: Client, id_: str, *, events: int, told: bool) -> Kept:
    owner = Owner(ACCOUNT, f"{USER}-{uuid4().hex[:8]}")
    one = connection(id_, owner, fingerprint=uuid4().hex, at=LONG_AGO)
    connector = Connector(client, Vault(client, Sealer(world.keys.public_key_file)))
    await connector.prepare()
    await connector.add(one, SECRET)
    await MongoOutbox(client).mark(one.announcement())
    standing = event_of(one.announcement())
    assert isinstance(standing, CalendarConnected)
    timeline = MongoTimeline(client, system_clock)
    await timeline.prepare()
    await RecordConnections(timeline)([standing])
    states = await _read(client, standing, events)
    world.events |= {each.event_id: each for each in states}
    await RecordEvents(timeline)(states)
    if told:
        await _published(world.kafka, [encode(each, source="tests", time=LONG_AGO) for each in (standing, *states)])
    return Kept(one.id, owner, tuple(each.event_id for each in states))


async def _read(client: Client, standing: CalendarConnected, events: int) -> list[ICloudEventImported]:
    """A worker's first pass."""
    await make_indexes(client)
    await MongoConnections(client).follow(standing)
    leases, objects, passes = (
        MongoLeases(client, owner="a-worker", length=timedelta(seconds=30)),
        MongoObjects(client),
        MongoPasses(client),
    )
    claims = await leases.claim(50)
    claim = next(one for one in claims if one.connection_id == standing.connection_id)
    await leases.release([one for one in claims if one is not claim])
    states = [_state(claim, number) for number in range(events)]
    await objects.write(claim, states)
    await objects.mark(claim, {state.event_id: state.revision for state in states})
    tracked = Tracked(f"/20451177/calendars/{CALENDAR}/", claim.basis, token="t", covered=1, reconciled=LONG_AGO)
    await passes.remember(claim, CALENDAR, tracked)
    await passes.end(claim, Completed(LONG_AGO, timedelta(hours=1), None))
    return [event_of_state(claim, state) for state in states]


def _state(claim: Claim, number: int) -> Imported:
    start = NINE + number * 7200
    content = Content("uid", TITLE, all_day=False, groups=(FactGroup(Facts(), ((start, start + 3600),)),))
    return Imported(
        event_id=uuid4().hex[:24],
        calendar_id=CALENDAR,
        href=f"/20451177/calendars/{CALENDAR}/{number}.ics",
        etag='"1"',
        basis=claim.basis,
        epoch=claim.epoch,
        revision=1,
        digest="d",
        as_of=int(LONG_AGO.timestamp()),
        horizon=Span(NINE - 86400, NINE + 86400),
        content=content,
    )


async def held(client: Client, kept: Kept) -> None:
    """Removals of its calendar are held."""
    doubted = Tracked("/p/", "basis", covered=1, hold=hold(Doubt.SHRUNKEN, known=30, missing=20, now=LONG_AGO))
    await _in_a_pass(client, kept, lambda passes, claim: passes.remember(claim, CALENDAR, doubted))


async def quarantined(client: Client, kept: Kept) -> None:
    """Its first event cannot be read."""
    (state,) = (await MongoObjects(client).newest(await _claim(client, kept), [kept.events[0]])).values()
    assert isinstance(state, Imported)
    claim = await _claim(client, kept)
    unread = replace(state, revision=2, quarantine=Quarantine("rule_malformed", Span(NINE, NINE + 3600)))
    await MongoObjects(client).write(claim, [unread])
    await MongoObjects(client).mark(claim, {unread.event_id: 2})
    await MongoPasses(client).end(claim, Completed(LONG_AGO, timedelta(hours=1), None))


async def _in_a_pass(client: Client, kept: Kept, work: Callable[[MongoPasses, Claim], Awaitable[None]]) -> None:
    claim, passes = await _claim(client, kept), MongoPasses(client)
    await work(passes, claim)
    await passes.end(claim, Completed(LONG_AGO, timedelta(hours=1), None))


async def _claim(client: Client, kept: Kept) -> Claim:
    await client["sync"]["connections"].update_one(
        {"_id": kept.id}, {"$set": {"next_sync_at": LONG_AGO}, "$unset": {"lease": ""}}
    )
    leases = MongoLeases(client, owner="a-worker", length=timedelta(seconds=30))
    return next(one for one in await leases.claim(50) if one.connection_id == kept.id)


async def _published(kafka: str, records: Sequence[WireRecord]) -> None:
    publisher = Publisher(KafkaSettings(bootstrap_servers=(kafka,)), "admin-tests")
    await publisher.start()
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()
