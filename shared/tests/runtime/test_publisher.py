import asyncio
from datetime import UTC, datetime

import pytest
from shared.tests.runtime.world import Kafka

from contracts.events import CalendarDisconnected
from contracts.wire import encode, tombstone
from runtime.kafka import Publisher, PublishFailed, RecordTooLarge
from runtime.kafka.publisher import RawRecord, key_hash

pytestmark = pytest.mark.servers

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


async def test_a_connections_records_lie_in_one_partition_in_order(kafka: Kafka, publisher: Publisher) -> None:
    topic = await kafka.make_topic(12)
    place = key_hash("some-connection")
    records = [RawRecord(topic, f"key-{number}".encode(), b"%d" % number, (), place) for number in range(200)]

    await publisher.publish_raw(records)

    read = await kafka.read_all(topic, 12)
    assert {record.partition for record in read} == {place % 12}
    assert [record.value for record in read] == [b"%d" % number for number in range(200)]


async def test_an_event_keeps_its_own_key_and_headers_and_a_tombstone_has_no_value(
    kafka: Kafka, publisher: Publisher
) -> None:
    event = CalendarDisconnected(account_id="a", user_id="u", connection_id="tests-publisher", epoch=1, revision=2)

    await publisher.publish(
        [encode(event, source="tests", time=NOW), tombstone(event, source="tests", time=NOW)],
    )

    told, ended = [r for r in await kafka.read_all("calendar.connections.v1", 12) if r.key == b"tests-publisher"]
    assert dict(told.headers)["ce_id"] == b"tests-publisher:1:2"
    assert told.value
    assert (ended.value, ended.partition) == (None, told.partition)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)],  # from Kafka's UtilsTest
)
def test_partitions_are_those_of_kafkas_own_clients(key: str, hashed: int) -> None:
    assert key_hash(key) == hashed & 0x7FFFFFFF


async def test_nothing_to_publish_is_published_at_once(kafka: Kafka) -> None:
    await Publisher(kafka.settings, "tests").publish([])


async def test_a_record_that_kafka_would_never_take_is_refused_before_anything_is_written(
    kafka: Kafka, publisher: Publisher
) -> None:
    topic = await kafka.make_topic()

    with pytest.raises(RecordTooLarge):
        await publisher.publish_raw(
            [RawRecord(topic, b"k", b"small", (), 0), RawRecord(topic, b"k", b"x" * 1_000_001, (), 0)]
        )

    assert await kafka.read_all(topic) == []


async def test_the_largest_allowed_record_is_taken(kafka: Kafka, publisher: Publisher) -> None:
    topic = await kafka.make_topic()

    await publisher.publish_raw([RawRecord(topic, b"", b"x" * 1_000_000, (), 0)])

    assert [len(record.value or b"") for record in await kafka.read_all(topic)] == [1_000_000]


async def test_a_stopped_publisher_publishes_nothing(kafka: Kafka) -> None:
    publisher = Publisher(kafka.settings, "tests")
    await publisher.start()
    await publisher.stop()

    with pytest.raises(PublishFailed):
        await publisher.publish_raw([RawRecord(await kafka.make_topic(), b"k", b"v", (), 0)])


async def test_concurrent_publishes_all_arrive(kafka: Kafka, publisher: Publisher) -> None:
    topic = await kafka.make_topic()

    await asyncio.gather(
        *(publisher.publish_raw([RawRecord(topic, b"k", b"%d" % number, (), number)]) for number in range(100))
    )

    assert len(await kafka.read_all(topic)) == 100


async def test_a_record_that_the_broker_refuses_costs_no_other_publish_anything(
    kafka: Kafka, publisher: Publisher
) -> None:
    narrow, topic = await kafka.make_topic(largest=1_000), await kafka.make_topic()
    others = [RawRecord(topic, b"%d" % number, b"x" * 200_000, (), 0) for number in range(60)]

    refused, told = await asyncio.gather(
        publisher.publish_raw([RawRecord(narrow, b"k", b"x" * 2_000, (), 0)]),
        publisher.publish_raw(others),
        return_exceptions=True,
    )

    assert isinstance(refused, PublishFailed)
    assert told is None
    assert {record.key for record in await kafka.read_all(topic)} == {record.key for record in others}
