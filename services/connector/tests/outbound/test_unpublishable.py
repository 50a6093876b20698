"""What can never be told as it is: told from Kafka's absence, and kept apart from everybody else's news."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RequestTimedOutError

from connector.application.publish import PublishPending, Unpublishable, Unpublished
from connector.domain.connection import Announcement, Owner, ended
from connector.outbound.kafka import KafkaAnnouncer, event_of
from connector.outbound.mongo import MongoOutbox
from connector_examples import MARIE, NOW, SECRET, WORK, connection
from connector_fakes import FakeAnnouncer
from connector_kafka import kafka_settings
from connector_stores import Databases, mongo_store
from contracts.topics import CONNECTIONS
from contracts.wire import encode
from icloud.credentials import KeyPair
from runtime.kafka import Publisher, PublishFailed
from runtime.kafka.publisher import RawRecord, key_hash

WEEK = timedelta(days=7)
SAID = connection("c-1", MARIE).announcement()
SETTINGS = kafka_settings("127.0.0.1:1")


def named(name: str) -> Announcement:
    """A calendar has this name."""
    assert SAID.terms
    return replace(SAID, terms=replace(SAID.terms, calendars=(replace(WORK, name=name),)))


class Refusing(Publisher):
    """Its Kafka refuses whatever comes."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__(SETTINGS, "tests")
        self._error = error

    async def publish_raw(self, records: Sequence[RawRecord], largest: int = 0) -> None:
        del records, largest
        raise PublishFailed from self._error


@pytest.mark.parametrize(
    ("said", "publisher", "error"),
    [
        (SAID, Publisher(SETTINGS, "not started"), Unpublished),
        (SAID, Refusing(RequestTimedOutError()), Unpublished),
        (SAID, Refusing(MessageSizeTooLargeError()), Unpublishable),
        (named("x" * 1_000_000), Publisher(SETTINGS, "tests"), Unpublishable),
        (named("\ud800"), Publisher(SETTINGS, "tests"), Unpublishable),
        (replace(SAID, connection_id=""), Publisher(SETTINGS, "tests"), Unpublishable),
    ],
    ids=["away", "slow", "too large for the topic", "too large", "no text", "against the contract"],
)
async def test_what_kafka_would_never_take_is_told_from_its_absence(
    said: Announcement, publisher: Publisher, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await KafkaAnnouncer(publisher).announce([said])


def test_a_lane_is_a_partition() -> None:
    announcer = KafkaAnnouncer(Publisher(SETTINGS, "tests"))
    several = [replace(SAID, connection_id=f"c-{number}") for number in range(200)]

    lanes = [announcer.lane(one.connection_id) for one in several]

    records = [encode(event_of(one), source="connector", time=NOW) for one in several]
    assert lanes == [key_hash(one.partition_key) % CONNECTIONS.partitions for one in records]
    assert len(set(lanes)) == CONNECTIONS.partitions


async def test_a_record_that_can_never_go_is_told_from_kafkas_absence() -> None:
    grave = ended(connection("c-1", MARIE), at=NOW).announcement()

    with pytest.raises(Unpublishable):
        await KafkaAnnouncer(Publisher(SETTINGS, "tests")).forget([replace(grave, connection_id="")])
    with pytest.raises(Unpublished):
        await KafkaAnnouncer(Publisher(SETTINGS, "not started")).forget([grave])


@pytest.mark.servers
async def test_a_document_that_cannot_be_read_keeps_nobody_elses_news_and_loses_none(
    mine: Databases, keys: KeyPair
) -> None:
    store, others = await mongo_store(mine, keys.public_key_file), FakeAnnouncer()
    connections = mine.client[mine.connector]["connections"]
    owners = [Owner(MARIE.account_id, f"usr-{number}") for number in range(3)]
    for number, owner in enumerate(owners):
        await store.connections.add(connection(f"c-{number}", owner), SECRET)
    await connections.update_one({"_id": "c-1"}, {"$set": {"pending.0.news": "spoilt"}})
    outbox = MongoOutbox(mine.client, database=mine.connector)

    told = await PublishPending(outbox, others, lambda: NOW)()
    left = (await outbox.measure())[0]
    await connections.update_one({"_id": "c-1"}, {"$set": {"pending.0.news": "connected"}})
    afterwards = await PublishPending(outbox, others, lambda: NOW)()

    assert (told, left, afterwards) == (2, 1, 1)
    assert [(one.connection_id, one.revision) for one in others.told] == [("c-0", 1), ("c-2", 1), ("c-1", 1)]


@pytest.mark.servers
async def test_an_end_that_cannot_be_read_keeps_no_other_record(mine: Databases, keys: KeyPair) -> None:
    store, others = await mongo_store(mine, keys.public_key_file), FakeAnnouncer()
    for number in range(3):
        owner = Owner(MARIE.account_id, f"usr-{number}")
        await store.connections.add(connection(f"c-{number}", owner), SECRET)
        await store.connections.bury(owner, f"c-{number}", lambda one: ended(one, at=NOW))
    publish = PublishPending(store.outbox, others, lambda: NOW + WEEK - timedelta(seconds=1))
    assert await publish() == 3
    spoilt = {"_id": "c-1"}
    await mine.client[mine.connector]["connections"].update_one(spoilt, {"$unset": {"changed_at": ""}})

    gone = await PublishPending(store.outbox, others, lambda: NOW + WEEK)()

    assert gone == 2
    assert [one.connection_id for one in others.forgotten] == ["c-0", "c-2"]
    assert await store.forgettable(NOW + WEEK - timedelta(seconds=1)) == []


@pytest.mark.servers
async def test_of_what_waits_no_more_is_read_at_once_than_fits(
    mine: Databases, keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.outbound.mongo.outbox._PAGE_BYTES", 1)
    store = await mongo_store(mine, keys.public_key_file)
    for number in range(3):
        await store.connections.add(connection(f"c-{number}", Owner(MARIE.account_id, f"usr-{number}")), SECRET)

    pages = [page async for page in store.outbox.waiting()]

    assert [[one.connection_id for one in page] for page in pages] == [["c-0"], ["c-1"], ["c-2"]]
