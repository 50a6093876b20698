"""A record that nobody can read goes aside with its bytes, and the next one is processed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer

from apple_users import AppleUsers
from contracts.topics import ICLOUD_EVENTS, PARTITIONS
from leftovers import records
from local_stack.iphone import Iphone
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 30
POISON = b"\xff this is no event \x00"
HEADERS = [("ce_type", b"com.crococlick.calendar.ICloudEventImported.v1"), ("ce_id", b"poison")]


def test_a_poison_record_costs_only_itself(stack: LocalStack, users: AppleUsers) -> None:
    kafka = stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"]
    person = users.person()
    person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status()
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    nine = today + timedelta(days=2, hours=9)

    asyncio.run(_poison_every_partition(kafka))
    phone = Iphone(stack.env["SIMULATOR_URL"], person.apple.apple_id, person.apple.app_password)
    phone.add("Après le poison", nine, nine + timedelta(hours=1))
    phone.close()

    assert wait_until(lambda: users.believed(person, today) == [(nine, nine + timedelta(hours=1))], seconds=PATIENCE)
    assert wait_until(lambda: len(_aside(kafka)) == PARTITIONS, seconds=PATIENCE)
    for record in _aside(kafka):
        headers = dict(record.headers)
        assert (record.key, record.value, headers["ce_id"]) == (b"poison", POISON, b"poison")
        assert headers["dl-reason"]


async def _poison_every_partition(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for partition in range(PARTITIONS):
            await producer.send_and_wait(
                ICLOUD_EVENTS.name, POISON, key=b"poison", partition=partition, headers=HEADERS
            )


def _aside(kafka: str) -> list:  # type: ignore[type-arg]  # aiokafka has no types
    return [r for r in asyncio.run(records(kafka, ICLOUD_EVENTS.dead)) if r.key == b"poison"]
