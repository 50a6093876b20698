"""A Kafka of their own for tests that stop, freeze and kill it."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client import REGISTRY
from shared.tests.runtime.world import Kafka, eventually, good

from contracts.wire import Tombstone
from local_stack.servers.kafka import KafkaServer
from local_stack.waiting import wait_until
from runtime.kafka import Delivery, Publisher, PublishFailed, Subscription, broker, subscribe
from runtime.kafka.publisher import RawRecord

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    server = KafkaServer(Path(tmp_path_factory.mktemp("kafka")) / "data")
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def patient(server: KafkaServer) -> Kafka:
    """A Kafka that may be away: clients wait two seconds for it."""
    return Kafka(server.bootstrap_servers, publish_timeout=timedelta(seconds=2))


@pytest.fixture
def running(server: KafkaServer) -> KafkaServer:
    if not server.is_alive():
        server.start()
    return server


@pytest.fixture
async def publisher(patient: Kafka) -> AsyncIterator[Publisher]:
    publisher = Publisher(patient.settings, "tests")
    await publisher.start()
    yield publisher
    await publisher.stop()


async def published(publisher: Publisher, record: RawRecord) -> int:
    """Publish as an outbox does: again and again until it is acknowledged; returns the number of failures."""
    failures = 0
    async with asyncio.timeout(60):
        while True:
            try:
                await publisher.publish_raw([record])
            except PublishFailed:
                failures += 1
            else:
                return failures


async def test_a_publisher_and_a_consumer_start_before_kafka_does(
    server: KafkaServer, patient: Kafka, publisher: Publisher
) -> None:
    server.kill()
    topic = f"tests-{uuid.uuid4().hex}"
    seen: list[Delivery] = []

    async def write_down(deliveries: Sequence[Delivery]) -> None:
        seen.extend(deliveries)

    consumers = broker(patient.settings, "tests", publisher)
    subscribe(consumers, Subscription(topic, "tests", write_down))
    await consumers.start()
    with pytest.raises(PublishFailed):
        await publisher.publish_raw([RawRecord(topic, b"k", b"v", (), 0)])
    assert publisher.unready() == "has not reached Kafka yet"
    assert consumers.unready() == "tests does not consume yet"

    await asyncio.to_thread(server.start)
    await patient.make_topic(name=topic)
    await published(
        publisher, RawRecord(topic, b"k", None, (("ce_type", b"x"), ("ce_epoch", b"1"), ("ce_revision", b"1")), 0)
    )

    await eventually(lambda: seen)
    assert publisher.unready() is None
    assert consumers.unready() is None
    await consumers.stop()


async def test_a_publish_fails_in_time_while_kafka_is_away_and_succeeds_after(
    running: KafkaServer, patient: Kafka, publisher: Publisher
) -> None:
    topic = await patient.make_topic()
    await published(publisher, RawRecord(topic, b"k", b"before", (), 0))
    running.kill()
    loop = asyncio.get_running_loop()

    began = loop.time()
    with pytest.raises(PublishFailed):
        await publisher.publish_raw([RawRecord(topic, b"k", b"during", (), 0)])
    assert loop.time() - began < 3

    await asyncio.to_thread(running.start)
    await published(publisher, RawRecord(topic, b"k", b"after", (), 0))
    values = [record.value for record in await patient.read_all(topic)]
    assert (values[0], values[-1]) == (b"before", b"after")
    assert publisher.unready() is None


def freeze(pid: int) -> None:
    """Return once all of its threads stand still: those that run go on until the signal has come to the process."""
    os.kill(pid, signal.SIGSTOP)
    threads = Path(f"/proc/{pid}/task")
    assert wait_until(lambda: {state_of(thread) for thread in threads.iterdir()} == {"T"}, seconds=30)


def state_of(thread: Path) -> str:
    """As proc(5) writes it, behind the name in brackets."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


async def test_a_frozen_kafka_is_given_up_in_time_and_the_last_word_stays_the_last(
    running: KafkaServer, patient: Kafka, publisher: Publisher
) -> None:
    topic = await patient.make_topic()
    await published(publisher, RawRecord(topic, b"k", b"1", (), 0))

    assert running.identity
    freeze(running.identity.pid)
    try:
        with pytest.raises(PublishFailed):
            await publisher.publish_raw([RawRecord(topic, b"k", b"2", (), 0)])
    finally:
        os.kill(running.identity.pid, signal.SIGCONT)
    await published(publisher, RawRecord(topic, b"k", b"3", (), 0))

    values = [record.value for record in await patient.read_all(topic)]
    assert values[-1] == b"3"


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_stopping_takes_no_longer_because_kafka_does_not_answer(
    running: KafkaServer, patient: Kafka, fault: signal.Signals
) -> None:
    topic = await patient.make_topic()

    async def ignore(deliveries: Sequence[Delivery]) -> None:
        del deliveries

    publisher = Publisher(patient.settings, "tests")
    await publisher.start()
    consumers = broker(patient.settings, "tests", publisher)
    subscribe(consumers, Subscription(topic, f"tests-{topic}", ignore))
    await consumers.start()
    await eventually(lambda: consumers.unready() is None)
    assert running.identity
    os.kill(running.identity.pid, fault)
    failing = asyncio.create_task(publisher.publish_raw([RawRecord(topic, b"k", b"v", (), 0)]))

    loop = asyncio.get_running_loop()
    began = loop.time()
    await consumers.stop()
    await publisher.stop()

    assert loop.time() - began < 20
    with pytest.raises(PublishFailed):
        await failing
    running.kill()


async def test_a_consumer_tells_that_kafka_is_away_stays_ready_and_goes_on_where_it_was(
    running: KafkaServer, patient: Kafka, publisher: Publisher
) -> None:
    topic = await patient.make_topic()
    seen: list[Delivery] = []

    async def write_down(deliveries: Sequence[Delivery]) -> None:
        seen.extend(deliveries)

    consumers = broker(patient.settings, "tests", publisher)
    subscribe(consumers, Subscription(topic, f"tests-{topic}", write_down))
    await consumers.start()
    await published(publisher, good(topic, "before"))
    await eventually(lambda: seen)
    before = _silence(topic)
    running.kill()
    await eventually(lambda: _silence(topic) > before + 4)
    meanwhile = consumers.unready(), consumers.unwell()
    await asyncio.to_thread(running.start)

    await published(publisher, good(topic, "after"))
    await eventually(lambda: len(seen) == 2, within=60)

    await eventually(lambda: _silence(topic) < 2)
    assert (*meanwhile, consumers.unready()) == (None, None, None)
    await consumers.stop()


async def test_a_kafka_that_goes_before_the_commit_is_waited_for_by_polling(
    running: KafkaServer, patient: Kafka, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.kafka.consumer.REQUEST_TIMEOUT_MS", 1_000)
    monkeypatch.setattr("runtime.kafka.consumers._UNREADY_SECONDS", 6.0)
    topic = await patient.make_topic()
    seen: list[Delivery] = []

    async def write_down(deliveries: Sequence[Delivery]) -> None:
        seen.extend(deliveries)
        if len(seen) == 1:
            running.kill()

    consumers = broker(patient.settings, "tests", publisher)
    subscribe(consumers, Subscription(topic, f"tests-{topic}", write_down))
    await consumers.start()
    await published(publisher, good(topic, "one"))
    await eventually(lambda: seen)
    await eventually(lambda: _silence(topic) > 8)
    meanwhile = consumers.unready()
    await asyncio.to_thread(running.start)

    await published(publisher, good(topic, "two"))
    async with asyncio.timeout(60):
        while await _committed(patient, topic) != len(await patient.read_all(topic)):  # noqa: ASYNC110 - Kafka raises no event
            await asyncio.sleep(0.2)

    assert (meanwhile, await patient.read_all(f"{topic}.dead")) == (None, [])
    assert [one.event for one in seen[:: len(seen) - 1]] == [Tombstone("one", 1, 1), Tombstone("two", 1, 1)]
    await consumers.stop()


async def _committed(kafka: Kafka, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"tests-{topic}")
    finally:
        await admin.close()
    known = offsets.get(TopicPartition(topic, 0))
    return known.offset if known else 0


def _silence(topic: str) -> float:
    return REGISTRY.get_sample_value("calsync_kafka_last_poll_age_seconds", {"group": f"tests-{topic}"}) or 0.0
