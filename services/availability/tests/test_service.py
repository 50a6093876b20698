"""The service with a real Kafka and a real MongoDB."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.examples import (
    NOW,
    Who,
    ago,
    completed,
    connected,
    disconnected,
    imported,
    progress,
    removed,
    span,
)
from services.availability.tests.stories import ask
from services.availability.tests.tokens import Platform

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.application.record_exports import RecordExports
from availability.application.record_syncs import RecordSyncs
from availability.domain.busy import Busy
from availability.domain.freshness import State
from availability.inbound.kafka import Records, reach_of, subscriptions
from availability.outbound.mongo import MongoExports, MongoTimeline
from availability.outbound.mongo.documents import Document
from contracts.events import Event, SyncCompleted
from contracts.wire import WireRecord, encode, tombstone
from runtime.kafka import Publisher, broker, subscribe
from runtime.settings import KafkaSettings, load

pytestmark = pytest.mark.servers

EVENING = {"start": "2026-03-02T19:00:00Z", "end": "2026-03-02T20:00:00Z"}
WEEK = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}


def wire(event: Event | SyncCompleted) -> WireRecord:
    return encode(event, source="tests", time=NOW)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in a database or another process
            await asyncio.sleep(0.05)


@pytest.fixture
def who() -> Who:
    """A user and a connection that nobody else on these servers has."""
    return {"user": f"user-{uuid4().hex}", "connection": uuid4().hex}


@pytest.fixture
def kafka(kafka_bootstrap_servers: str) -> KafkaSettings:
    return load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers})


@pytest.fixture
async def publisher(kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka, "availability-tests")
    await publisher.start()
    yield publisher
    await publisher.stop()


@asynccontextmanager
async def consuming(
    kafka: KafkaSettings, publisher: Publisher, timeline: MongoTimeline, exports: MongoExports
) -> AsyncIterator[None]:
    """The service's own subscriptions, in a group of this test's own that begins at the beginning."""
    consumers = broker(kafka, "availability-tests", publisher)
    group = f"availability-{uuid4().hex}"
    ours = subscriptions(
        Records(
            RecordConnections(timeline),
            RecordEvents(timeline),
            RecordSyncs(timeline, lambda: NOW, reach_of(consumers, group)),
            RecordExports(exports),
        )
    )
    subscribe(consumers, *(replace(subscription, group=group) for subscription in ours))
    await consumers.start()
    try:
        yield
    finally:
        await consumers.stop()


async def test_what_comes_over_kafka_becomes_the_answer(
    kafka: KafkaSettings,
    publisher: Publisher,
    mongo_timeline: MongoTimeline,
    mongo: AsyncIOMotorClient[Document],
    database: str,
    who: Who,
) -> None:
    newer: Who = {**who, "revision": 2}
    staying, going = f"{who['connection']}-1", f"{who['connection']}-2"
    gone = removed(going, **newer)
    await publisher.publish(
        [
            wire(connected(**who)),
            wire(progress(**who)),
            wire(imported(staying, span(9, 10), **who)),
            wire(imported(going, span(15, 16), **who)),
            wire(gone),
            tombstone(gone, source="tests", time=NOW),
            wire(completed(ago(minutes=5), **newer)),
        ]
    )

    async def answered() -> Busy:
        return await ask(mongo_timeline, user=who["user"])

    async def known() -> bool:
        answer = await answered()
        return answer.freshness.state is State.FRESH and answer.spans == (span(9, 10),)

    async def forgotten() -> bool:
        return (await answered()).freshness.state is State.NOT_CONNECTED

    async with consuming(kafka, publisher, mongo_timeline, MongoExports(mongo, database)):
        await until(known)
        end = disconnected(**newer)
        await publisher.publish([wire(end), tombstone(end, source="tests", time=NOW)])
        await until(forgotten)

    assert (await answered()).spans == ()


async def test_the_process_serves_books_tells_and_stops_in_order(
    kafka_bootstrap_servers: str,
    mongodb_url: str,
    mongo: AsyncIOMotorClient[Document],
    platform: Platform,
    publisher: Publisher,
    who: Who,
) -> None:
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "availability"),
        env={
            "PATH": os.environ["PATH"],
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers,
            "CALSYNC_MONGODB_URL": mongodb_url,
            "CALSYNC_HTTP_HOST": "127.0.0.1",
            "CALSYNC_HTTP_PORT": "0",
            "CALSYNC_OPS_HOST": "127.0.0.1",
            "CALSYNC_OPS_PORT": "0",
            **platform.environment,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        ports = await _ports(service)
        await publisher.publish([wire(connected(**who)), wire(imported(f"{who['connection']}-1", **who))])
        async with httpx.AsyncClient(trust_env=False) as client:

            async def ready() -> bool:
                return (await client.get(f"http://127.0.0.1:{ports['ops']}/readyz")).status_code == 200

            async def busy() -> bool:
                address = f"http://127.0.0.1:{ports['http']}/v1/users/{who['user']}/busy"
                answer = await client.get(address, params=WEEK, headers=platform.person(who["user"]))
                return bool(answer.raise_for_status().json()["busy"])

            async def told() -> bool:
                found = await mongo["availability"]["timeline"].find_one({"_id": booked.json()["id"]})
                return found is not None and found["published"] == 1

            await until(ready)
            await until(busy)
            booked = await client.post(
                f"http://127.0.0.1:{ports['http']}/v1/appointments",
                json={**EVENING, "user_id": who["user"], "title": "Coupe"},
                headers=platform.person(who["user"], scope="appointments:write") | {"Idempotency-Key": "k"},
            )
            assert booked.status_code == 201
            await until(told)
        service.send_signal(signal.SIGTERM)
        await asyncio.wait_for(service.communicate(), timeout=25)
    finally:
        if service.returncode is None:
            service.kill()
            await service.communicate()

    assert service.returncode == 0


async def _ports(service: asyncio.subprocess.Process) -> dict[str, int]:
    """Where it listens, as its log tells."""
    assert service.stdout is not None
    ports: dict[str, int] = {}
    async with asyncio.timeout(30):
        while {"ops", "http"} - ports.keys():
            line = await service.stdout.readline()
            assert line, "the service ended"
            told = json.loads(line)
            if told["event"] == "listening":
                ports[told["name"]] = told["port"]
    return ports
