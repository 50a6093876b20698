"""A world for the sync-worker's benchmark: an Apple of our own, the connector's side of things."""

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.lib.worker_servers import Servers
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import InsertOne

from contracts.events import CalendarConnected
from contracts.facts import Access, Calendar, ConflictCalendar, Setup
from contracts.wire import encode
from icloud import AppleCredential, Endpoint, KeptHome, calendar_id
from icloud.credentials import Binding, SealedCredential, Sealer
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from runtime.kafka import Publisher
from runtime.mongo import connect
from runtime.settings import KafkaSettings, MongoSettings, load

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
CALENDAR = "home"
PATIENCE_SECONDS = 300.0
TRUSTED = ("127.0.0.1", "localhost")
CHANCE = random.Random(20261122)  # noqa: S311 - the same events in every run
PARIS = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nDTSTART:19810329T020000\r\nTZNAME:GMT+2\r\nTZOFFSETTO:+0200\r\n"
    "END:DAYLIGHT\r\nBEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
    "DTSTART:19961027T030000\r\nTZNAME:GMT+1\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


@contextlib.asynccontextmanager
async def world(running: Servers) -> AsyncIterator["World"]:
    """What this process has to do with them."""
    client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": running.mongodb_url}), "benchmark")
    publisher = Publisher(
        load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": running.bootstrap_servers}), "benchmark"
    )
    await publisher.start()
    try:
        yield World(running, client, publisher)
    finally:
        await publisher.stop()
        client.close()


@dataclass(frozen=True, slots=True)
class World:
    """The servers as the benchmark uses them."""

    servers: Servers
    client: AsyncIOMotorClient[dict[str, Any]]
    publisher: Publisher

    @property
    def admin(self) -> SimulatorAdmin:
        return self.servers.admin

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.servers.apple_url, TRUSTED)

    @property
    def connections(self) -> Any:  # noqa: ANN401 - motor's collections have no simple type
        return self.client["sync"]["connections"]

    def account(self, events: int) -> SimulatedAccount:
        """An Apple account with so many events of the next 400 days in one calendar, in no order."""
        owner = self.admin.create_account()
        for first in range(0, events, 2_000):
            uids = [str(uuid.UUID(int=CHANCE.getrandbits(128))) for _ in range(first, min(first + 2_000, events))]
            texts = {f"{uid}.ics": text(uid, CHANCE.randrange(400)) for uid in uids}
            self.admin.put_objects(owner.apple_id, CALENDAR, texts)
        return owner

    def giants(self, count: int) -> SimulatedAccount:
        """An Apple account with so many events of nearly 1 MB each, of characters that take Python four bytes."""
        owner = self.admin.create_account()
        for day in range(count):
            uid = str(uuid.UUID(int=CHANCE.getrandbits(128)))
            giant = text(uid, day).replace("SEQUENCE:1", f"SEQUENCE:1\r\nCOMMENT:\U0001f642{'x' * 900_000}")
            self.admin.put_object(owner.apple_id, CALENDAR, f"{uid}.ics", giant)
        return owner

    async def connect(self, owners: Sequence[SimulatedAccount]) -> list[str]:
        """What the connector does: credentials into the vault, then the news on Kafka."""
        ids = [uuid.uuid4().hex for _ in owners]
        await self.seal(dict(zip(ids, owners, strict=True)))
        news = [connected(one, owner) for one, owner in zip(ids, owners, strict=True)]
        await self.publisher.publish([encode(one, source="benchmark", time=datetime.now(UTC)) for one in news])
        return ids

    async def seal(self, owners: Mapping[str, SimulatedAccount]) -> None:
        sealer = Sealer(self.servers.keys.public_key_file)
        vault = []
        for one, owner in owners.items():
            credential = AppleCredential(owner.apple_id, owner.app_password)
            sealed = sealer.seal(SealedCredential(credential, owner.principal), Binding(account_of(one), one))
            envelope = {"version": sealed.version, "key_id": sealed.key_id, "sealed": sealed.sealed}
            vault.append({"_id": one, "account_id": account_of(one), "epoch": 1} | envelope)
        await self.client["vault"]["credentials"].insert_many(vault)

    async def multiply(self, one: str, owner: SimulatedAccount, times: int) -> list[str]:
        """More connections to the account of an imported one, each in its very state."""
        imported = await self.connections.find_one({"_id": one})
        sealed = imported.pop("sealed_home")
        document = json.dumps(imported, default=_moment)
        old = calendar_id(one, f"{owner.home}{CALENDAR}/")
        ids = [uuid.uuid4().hex for _ in range(times)]
        for other in ids:
            new = calendar_id(other, f"{owner.home}{CALENDAR}/")
            copy = json.loads(document.replace(one, other).replace(old, new), object_hook=_with_moments)
            # The day's work, which is due at another time for each, is no part of a poll.
            copy["calendars"][new]["reconciled"] = datetime.now(UTC) + timedelta(days=1)
            # Its ids are those of another connection's calendars: a home that lacks what was told is never quiet.
            copy.pop("home_told", None)
            copy["sealed_home"] = _home_of(other, KeptHome(one, sealed), owner)
            await self.connections.bulk_write([InsertOne(copy)])
        await self.seal(dict.fromkeys(ids, owner))
        return ids

    async def wake(self, ids: Sequence[str]) -> None:
        # What is due already costs MongoDB nothing.
        later = {"_id": {"$in": list(ids)}, "next_sync_at": {"$gt": datetime.now(UTC)}}
        await self.connections.update_many(later, [{"$set": {"next_sync_at": "$$NOW"}}])

    async def passes(self, ids: Sequence[str]) -> int:
        """How many were completed over these connections, in all."""
        found = self.connections.find({"_id": {"$in": list(ids)}}, {"passes": True})
        return sum([document.get("passes", 0) async for document in found])

    async def until_read(self, ids: Sequence[str], times: int = 1) -> None:
        """All of them were, so often at least."""
        read = {"_id": {"$in": list(ids)}, "passes": {"$gte": times}}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.connections.count_documents(read) < len(ids):  # noqa: ASYNC110 - as below
                await asyncio.sleep(0.1)

    async def until(self, ids: Sequence[str], passes: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.passes(ids) < passes:  # noqa: ASYNC110 - MongoDB tells nobody
                await asyncio.sleep(0.05)

    def traffic(self) -> tuple[int, int]:
        """Requests, and bytes of bodies both ways, since they were last forgotten."""
        totals = self.admin.totals()
        return sum(one["requests"] for one in totals), sum(one["bytes_in"] + one["bytes_out"] for one in totals)


def _home_of(one: str, kept: KeptHome, owner: SimulatedAccount) -> bytes | None:
    """The home that is kept for another connection to the same account, sealed for this one."""
    credential, mine = AppleCredential(owner.apple_id, owner.app_password), KeptHome(one)
    mine.open(credential)
    return mine.news(kept.open(credential))


def _moment(value: object) -> object:
    assert isinstance(value, datetime)
    return {"moment": value.timestamp()}


def _with_moments(value: dict[str, Any]) -> object:
    return datetime.fromtimestamp(value["moment"], UTC) if value.keys() == {"moment"} else value


def account_of(connection_id: str) -> str:
    """A CrocoClick account for each connection, as in a fleet: for one that holds them all, others are searched."""
    return f"account-{connection_id}"


def connected(one: str, owner: SimulatedAccount) -> CalendarConnected:
    calendar = calendar_id(one, f"{owner.home}{CALENDAR}/")
    return CalendarConnected(
        account_id=account_of(one),
        user_id=f"user-{one}",
        connection_id=one,
        epoch=1,
        revision=1,
        access=Access.READ_ONLY,
        time_zone="Europe/Paris",
        calendars=(Calendar(id=calendar, name="Home", writable=True, supported=True),),
        setup=Setup(conflict_calendars=(ConflictCalendar(id=calendar),)),
    )


def text(uid: str, days_ahead: int) -> str:
    """As Apple writes them: nine in ten single, one in twenty weekly, the rest all-day."""
    start = NOW.replace(tzinfo=None) + timedelta(days=days_ahead, hours=CHANCE.randrange(9))
    times = f"DTSTART;TZID=Europe/Paris:{start:%Y%m%dT%H%M%S}\r\nDTEND;TZID=Europe/Paris:{start:%Y%m%dT%H5900}\r\n"
    kind = CHANCE.randrange(20)
    if kind == 0:
        times += "RRULE:FREQ=WEEKLY;COUNT=30\r\n"
    elif kind == 1:
        times = f"DTSTART;VALUE=DATE:{start:%Y%m%d}\r\nDTEND;VALUE=DATE:{start + timedelta(days=1):%Y%m%d}\r\n"
    return (
        f"BEGIN:VCALENDAR\r\nCALSCALE:GREGORIAN\r\nPRODID:-//Apple Inc.//iOS 18.0//EN\r\nVERSION:2.0\r\n{PARIS}"
        f"BEGIN:VEVENT\r\nCREATED:20261101T080000Z\r\nDTSTAMP:20261101T080001Z\r\nUID:{uid}\r\n{times}"
        f"SUMMARY:Meeting {uid[:6]}\r\nLOCATION:12 rue des Archives\\, 75004 Paris\\, France\r\nSEQUENCE:1\r\n"
        "DESCRIPTION:Bring the plans\\, the keys and whatever else was agreed upon\r\n on the phone last week.\r\n"
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT30M\r\n"
        "UID:6F1C3E1A-5A0B-4E0C-9F6A-2B8B6F0A0C11\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
