from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient

from local_stack.errors import CannotGoOn
from local_stack.ports import free_ports
from local_stack.servers import KafkaServer, MongoServer

pytestmark = pytest.mark.servers


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path / "mongodb")
    yield server
    server.kill()


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    server = KafkaServer(tmp_path / "les données de Kafka")
    yield server
    server.kill()


def _count(server: MongoServer) -> int:
    with MongoClient[dict[str, Any]](server.url) as client:
        return client["tests"]["things"].count_documents({})


def test_mongodb_takes_transactions(mongo: MongoServer) -> None:
    mongo.start()

    with MongoClient[dict[str, Any]](mongo.url) as client, client.start_session() as session:
        things = client["tests"]["things"]
        session.with_transaction(lambda inside: things.insert_one({"_id": 1}, session=inside))

    assert _count(mongo) == 1


def test_mongodb_keeps_acknowledged_data_over_a_kill(mongo: MongoServer) -> None:
    mongo.start()
    with MongoClient[dict[str, Any]](mongo.url) as client:
        client["tests"]["things"].insert_one({"_id": 1})

    mongo.kill()
    mongo.start()

    assert _count(mongo) == 1


def test_mongodb_keeps_data_when_its_port_changes(mongo: MongoServer) -> None:
    mongo.start()
    with MongoClient[dict[str, Any]](mongo.url) as client:
        client["tests"]["things"].insert_one({"_id": 1})

    mongo.stop()
    mongo.port = free_ports(1)[0]
    mongo.start()

    assert _count(mongo) == 1


def test_a_server_that_cannot_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "mongodb").mkdir()
    (tmp_path / "mongodb" / "storage.bson").write_text("not a database's")

    with pytest.raises(CannotGoOn, match=r"MongoDB ended while it started[\s\S]*storage engine metadata file"):
        MongoServer(tmp_path / "mongodb").start()


async def _make_topic(server: KafkaServer) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic("things", 1, 1)])
    await admin.close()


async def _write(server: KafkaServer, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=server.bootstrap_servers, acks="all") as producer:
        await producer.send_and_wait("things", value)


async def _read(server: KafkaServer, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(
        "things", bootstrap_servers=server.bootstrap_servers, auto_offset_reset="earliest"
    ) as consumer:
        return [bytes((await consumer.getone()).value) for _ in range(count)]


async def test_kafka_keeps_acknowledged_records_over_a_kill_and_when_its_ports_change(kafka: KafkaServer) -> None:
    kafka.start()
    await _make_topic(kafka)
    await _write(kafka, b"before the kill")

    kafka.kill()
    kafka.start()
    await _write(kafka, b"before the move")
    kafka.stop()
    kafka.port, kafka.controller_port = free_ports(2)
    kafka.start()

    assert await _read(kafka, 2) == [b"before the kill", b"before the move"]
    assert (kafka.data / "logs" / "things-0").is_dir()
