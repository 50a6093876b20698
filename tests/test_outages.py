"""MongoDB or Kafka away for a while: nothing dies, nothing is dead-lettered, nothing is lost, all catches up.

CALSYNC_TEST_OUTAGE_SECONDS makes it another while. By itself it is longer than what the services wait for an answer.
"""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from apple_users import AppleUsers, Person
from contracts.topics import TOPICS
from health import all_alive
from icloud_simulator.client import SimulatorAdmin
from leftovers import records
from lives import objects
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.rough]
MONGODB_SECONDS = float(os.environ.get("CALSYNC_TEST_OUTAGE_SECONDS") or 15)
KAFKA_SECONDS = float(os.environ.get("CALSYNC_TEST_OUTAGE_SECONDS") or 30)
BOOKING_SECONDS = 2
PATIENCE = 60 + KAFKA_SECONDS


def test_an_outage_of_mongodb_loses_nothing(stack: LocalStack, users: AppleUsers) -> None:
    random, today = Random(30), _midnight()
    person, newcomer = users.person(life=objects(random, today, 20)), users.person(life=objects(random, today, 20))
    person.connect()
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    dead_before = _dead(stack)

    stack.kill("mongodb")
    users.live_on(person, random, today)
    somebody_died = wait_until(lambda: not all_alive(stack), seconds=MONGODB_SECONDS)
    stack.restart("mongodb")

    assert not somebody_died
    newcomer.connect()
    for one in (person, newcomer):
        assert wait_until(lambda p=one: users.is_right(p, today), seconds=PATIENCE)  # type: ignore[misc]  # the default binds it
    assert _dead(stack) == dead_before


def test_an_outage_of_kafka_loses_nothing_and_keeps_nobody_from_booking_and_connecting(
    stack: LocalStack, users: AppleUsers, apple: SimulatorAdmin
) -> None:
    random, today = Random(30), _midnight()
    person, newcomer = users.person(life=objects(random, today, 20)), users.person(life=objects(random, today, 20))
    booked = users.person()
    for one in (person, booked):
        one.connect()
    booked.link_home()
    for one in (person, booked):
        assert wait_until(lambda p=one: users.state(p) == "fresh", seconds=PATIENCE)  # type: ignore[misc]  # the default binds it
    dead_before = _dead(stack)

    stack.kill("kafka")
    users.live_on(person, random, today)
    newcomer.connect()
    accepted = _booked_meanwhile(stack, booked, today)
    stack.restart("kafka")

    back = time.monotonic()
    for one in (person, newcomer, booked):
        assert wait_until(lambda p=one: users.is_right(p, today), seconds=PATIENCE)  # type: ignore[misc]  # the default binds it
    print(f"{accepted} bookings without Kafka; {time.monotonic() - back:.1f} s after it was back all was right")
    assert len([one for one in apple.objects(booked.apple.apple_id) if one.calendar == "home"]) == accepted
    assert _dead(stack) == dead_before


def _booked_meanwhile(stack: LocalStack, person: Person, today: datetime) -> int:
    """Book an hour every now and then, and see that nobody dies; how many hours that were."""
    accepted, until = 0, time.monotonic() + KAFKA_SECONDS
    while time.monotonic() < until:
        start = today + timedelta(days=1, hours=accepted)
        person.crococlick.book(start, start + timedelta(hours=1), "Coupe").raise_for_status()
        accepted += 1
        assert not wait_until(_somebody_is_dead(stack), seconds=BOOKING_SECONDS)
    return accepted


def _somebody_is_dead(stack: LocalStack) -> Callable[[], bool]:
    return lambda: not all_alive(stack)


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _dead(stack: LocalStack) -> int:
    found = records(stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"], *(topic.dead for topic in TOPICS))
    return len(asyncio.run(found))
