"""An empty database, filled from the topics alone, equals the one that availability answers from."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from services.availability.tests.bootstrap.conftest import Live
from services.availability.tests.examples import (
    HOME,
    WORK,
    Who,
    completed,
    connected,
    disconnected,
    held,
    imported,
    quarantined,
    removed,
    setup_changed,
    span,
)

from availability.outbound.mongo import COLLECTION
from availability.outbound.mongo.documents import Document
from calsync_bootstrap.app import main
from compaction import eager_compaction, repeat_newest
from contracts.events import Event, LastEvent, QuarantinedObject, SyncCompleted
from contracts.facts import OccurrenceFacts
from contracts.topics import ICLOUD_EVENTS
from contracts.wire import WireRecord, encode, tombstone
from leftovers import records
from local_stack.waiting import wait_until
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings

pytestmark = pytest.mark.servers

Told = tuple[int, str]


def wire(event: Event | SyncCompleted) -> WireRecord:
    return encode(event, source="tests", time=datetime.now(UTC))


def ended(last: Event) -> tuple[WireRecord, WireRecord]:
    """The last word about something, and its tombstone."""
    return wire(last), tombstone(last, source="tests", time=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Family:
    """Marie has moves, removals and doubts; Paul disconnects, comes back, and old news of him come late."""

    name: str

    def event(self, name: str) -> str:
        return f"{self.name} {name}"

    def who(self, person: str, revision: int = 1) -> Who:
        return {"connection": self.event(person), "user": self.event(person), "revision": revision}

    def life(self) -> list[WireRecord]:
        return [*self._marie(), *self._paul()]

    def _marie(self) -> Iterator[WireRecord]:
        yield wire(connected([HOME], **self.who("marie")))
        for n in range(8):
            yield wire(imported(self.event(f"m-{n}"), span(n, n + 1), title=f"Secret {n}", **self.who("marie")))
        again = self.who("marie", 2)
        yield wire(imported(self.event("m-1"), span(9, 10, day=2), **again))
        yield wire(imported(self.event("m-2"), *(span(9, 10, day=d) for d in range(60)), calendar=WORK, **again))
        yield wire(imported(self.event("m-4"), facts=OccurrenceFacts(transparent=True, all_day=True), **again))
        yield from ended(removed(self.event("m-3"), **again))
        yield wire(setup_changed([HOME, WORK], **again))
        last = LastEvent(event_id=self.event("m-3"), revision=2)
        yield wire(completed(last=last, setup=2, **self.who("marie", 3_001)))
        yield wire(held(**self.who("marie", 3_002)))
        unreadable = QuarantinedObject(event_id=self.event("m-9"), reason="unreadable")
        yield wire(quarantined(unreadable, **self.who("marie", 3_003)))

    def _paul(self) -> Iterator[WireRecord]:
        yield wire(connected([HOME], **self.who("paul")))
        for n in range(5):
            yield wire(imported(self.event(f"p-{n}"), span(n, n + 1, day=1), **self.who("paul")))
        yield wire(completed(**self.who("paul", 1_001)))
        yield from ended(removed(self.event("p-1"), **self.who("paul", 2)))
        yield from ended(disconnected(**self.who("paul", 2)))
        yield wire(imported(self.event("p-2"), span(20, 21), **self.who("paul", 7)))
        yield wire(imported(self.event("p-3"), span(3, 4, day=1), **self.who("paul")))
        yield wire(connected([HOME], **self.who("paul anew")))
        yield wire(imported(self.event("a-1"), span(8, 9), **self.who("paul anew")))
        yield wire(completed(**self.who("paul anew", 1_001)))


class Proof:
    """The command, as it is typed, against one living database."""

    def __init__(self, kafka: KafkaSettings, mongodb_url: str, live: Live, capsys: pytest.CaptureFixture[str]) -> None:
        self._environ = {
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": ",".join(kafka.bootstrap_servers),
            "CALSYNC_MONGODB_URL": mongodb_url,
        }
        self._live = live
        self._capsys = capsys
        self.database = f"rebuilt_{uuid4().hex}"

    async def __call__(self, *more: str) -> Told:
        """The exit code, and what was said."""
        which = ("--database", self.database, "--live", self._live.database, "--group", self._live.group)
        code = await asyncio.to_thread(main, ["verify", *which, *more], self._environ)
        said = self._capsys.readouterr()
        return code, said.out + said.err


@pytest.fixture
def proof(kafka: KafkaSettings, mongodb_url: str, live: Live, capsys: pytest.CaptureFixture[str]) -> Proof:
    return Proof(kafka, mongodb_url, live, capsys)


@pytest.fixture
def timeline(mongo: AsyncIOMotorClient[Document], live: Live) -> AsyncIOMotorCollection[Document]:
    return mongo[live.database][COLLECTION]


@pytest.fixture
def family() -> Family:
    return Family(uuid4().hex)


def hashes(said: str) -> list[str]:
    return [line.split("hash ")[1] for line in said.splitlines() if "hash " in line]


def compact(bootstrap_servers: str, key: str) -> None:
    """Let Kafka forget what is not the last word about an event that changed, and what lies around it."""

    def is_done() -> bool:
        found = [one for one in asyncio.run(records(bootstrap_servers, ICLOUD_EVENTS.name)) if one.key == key.encode()]
        # Kafka never cleans the segment that it writes to, and begins another one only when something is written.
        repeat_newest(bootstrap_servers, [key.encode()])
        return ("ce_revision", b"1") not in found[0].headers

    with eager_compaction(bootstrap_servers):
        assert wait_until(is_done, seconds=60)


def read(said: str) -> int:
    return int(said.split("Read ")[1].split(maxsplit=1)[0])


async def test_the_topics_alone_make_the_living_database_before_and_after_compaction(
    kafka: KafkaSettings, publisher: Publisher, proof: Proof, family: Family, mongo: AsyncIOMotorClient[Document]
) -> None:
    await publisher.publish(family.life())
    code, said = await proof()
    left = await mongo.list_database_names()

    assert (code, said.splitlines()[-1]) == (0, "Equal.")
    assert "2 connections, 8 events" in said
    assert len(set(hashes(said))) == 1
    assert proof.database not in left

    await asyncio.to_thread(compact, ",".join(kafka.bootstrap_servers), family.event("m-1"))
    code, later = await proof()

    assert (code, hashes(later)) == (0, hashes(said))
    assert read(later) < read(said)


async def test_every_damage_of_the_living_database_is_found_and_no_title_is_told(
    publisher: Publisher, proof: Proof, family: Family, timeline: AsyncIOMotorCollection[Document]
) -> None:
    await publisher.publish(family.life())
    before, _ = await proof()
    moved = {"groups.0.spans": {"735": [1, 2]}}

    await timeline.update_one({"_id": family.event("m-1")}, {"$set": moved})
    await timeline.delete_one({"_id": family.event("m-2")})
    await timeline.update_one({"_id": family.event("m-6")}, {"$set": {"periods": []}})
    await timeline.insert_one(
        (await timeline.find_one({"_id": family.event("m-5")}) or {}) | {"_id": family.event("m-50")}
    )
    await timeline.update_one({"_id": family.event("marie")}, {"$set": {"setup.calendars": []}})
    code, said = await proof()

    assert (before, code) == (0, 1)
    told = [line for line in said.splitlines() if line.startswith("differs")]
    assert told == [
        f"differs: event {family.event('m-1')}, live at epoch 1 revision 2, rebuilt at epoch 1 revision 2",
        f"differs: event {family.event('m-2')}, live none, rebuilt at epoch 1 revision 2",
        f"differs: event {family.event('m-50')}, live at epoch 1 revision 1, rebuilt none",
        f"differs: event {family.event('m-6')}, live at epoch 1 revision 1, rebuilt at epoch 1 revision 1",
        f"differs: connection {family.event('marie')}, live at epoch 1 revision 2, rebuilt at epoch 1 revision 2",
    ]
    assert len(set(hashes(said))) == 2
    assert "Secret" not in said


async def test_what_moves_meanwhile_is_no_difference(
    publisher: Publisher, proof: Proof, family: Family, mongo: AsyncIOMotorClient[Document]
) -> None:
    await publisher.publish(family.life())

    async def lives_on(revisions: Iterator[int]) -> None:
        """Until the proof has begun, and for a while longer."""
        left = 20
        while left:
            revision = next(revisions)
            moved = imported(family.event(f"m-{revision % 9}"), **family.who("marie", revision))
            await publisher.publish([wire(moved)])
            left -= proof.database in await mongo.list_database_names()

    living = asyncio.create_task(lives_on(count(3)))
    code, said = await proof()
    await living

    assert (code, said.splitlines()[-1]) == (0, "Equal.")


async def test_nothing_is_compared_with_a_database_that_is_not_up_to_date(
    publisher: Publisher, proof: Proof, family: Family, live: Live, mongo: AsyncIOMotorClient[Document]
) -> None:
    await publisher.publish(family.life())
    up_to_date, _ = await proof()
    await live.consumers.stop()
    await publisher.publish([wire(imported(family.event("m-7"), **family.who("marie", 9)))])

    code, said = await proof("--patience", "0.5")

    assert (up_to_date, code) == (0, 1)
    assert said == "availability has not applied 1 records within 0 s\n"
    assert proof.database not in await mongo.list_database_names()


async def test_a_database_that_holds_something_is_neither_filled_nor_dropped(
    proof: Proof, mongo: AsyncIOMotorClient[Document]
) -> None:
    await mongo[proof.database]["anything"].insert_one({"_id": 1})

    code, said = await proof()
    there: Sequence[dict[str, Any]] = await mongo[proof.database]["anything"].find().to_list(None)
    await mongo.drop_database(proof.database)

    assert code == 2
    assert "is not empty" in said
    assert there == [{"_id": 1}]


async def test_a_services_own_database_is_never_filled_and_dropped_empty_or_not(proof: Proof) -> None:
    code, said = await proof("--database", "calsync_admin")

    assert code == 2
    assert "a service's own" in said
