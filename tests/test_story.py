"""The main job, once more than `make demo`: what others can read on Kafka while it happens."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from pymongo import MongoClient

from apple_users import AppleUsers, Person
from contracts.events import ICloudEventImported
from contracts.topics import ICLOUD_EVENTS
from contracts.wire import Tombstone, decode
from icloud_simulator.client import SimulatorAdmin
from leftovers import records
from lives import objects
from local_stack.iphone import Iphone
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 30
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def test_busy_minutes_are_those_of_an_independent_oracle(users: AppleUsers) -> None:
    seed = TODAY.toordinal()
    print(f"seed {seed}")
    person = users.person(life=objects(Random(seed), TODAY, 200))

    person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status()

    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    assert wait_until(lambda: users.believed(person, TODAY) == users.true(person, TODAY), seconds=PATIENCE)


def test_what_the_iphone_does_shows_and_an_idle_account_costs_one_request_a_poll(
    users: AppleUsers, apple: SimulatorAdmin, stack: LocalStack
) -> None:
    person = users.person()
    person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status()
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    phone = Iphone(stack.env["SIMULATOR_URL"], person.apple.apple_id, person.apple.app_password)
    nine = TODAY + timedelta(days=3, hours=9)

    url = phone.add("Rendez-vous", nine, nine + timedelta(hours=1))
    assert wait_until(lambda: users.believed(person, TODAY) == [(nine, nine + timedelta(hours=1))], seconds=PATIENCE)
    phone.delete(url)
    assert wait_until(lambda: users.believed(person, TODAY) == [], seconds=PATIENCE)
    phone.close()

    apple.forget_requests()
    assert wait_until(lambda: len(_polls(apple, person)) >= 8, seconds=PATIENCE)
    polls = _polls(apple, person)[:-1]  # the last may still go on
    # A ctag is never trusted alone: at every sixth poll the calendars are asked, too.
    asking = [number for number, requests in enumerate(polls) if requests > 1]
    assert all(later - earlier >= 6 for earlier, later in pairwise(asking)), polls


def test_disconnecting_erases_what_we_held(users: AppleUsers, stack: LocalStack) -> None:
    person = users.person(life=objects(Random(7), TODAY, 30))
    connection = person.crococlick.connect(person.apple.apple_id, person.apple.app_password).json()
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)

    assert person.crococlick.disconnect(connection["id"]).status_code == 202

    assert wait_until(lambda: users.state(person) == "not_connected", seconds=PATIENCE)
    assert wait_until(lambda: users.believed(person, TODAY) == [], seconds=PATIENCE)
    assert wait_until(lambda: _held(stack, connection["id"]) == 0, seconds=PATIENCE)
    newest = _newest_of(stack, connection["id"])
    assert newest
    assert all(value is None for value in newest.values())
    assert person.crococlick.disconnect(connection["id"]).status_code == 204


def _polls(apple: SimulatorAdmin, person: Person) -> list[int]:
    """How many requests each poll of this account took; every poll begins with a PROPFIND."""
    polls: list[int] = []
    for request in apple.requests(person.apple.apple_id):
        if request.method == "PROPFIND":
            polls.append(1)
        elif polls:
            polls[-1] += 1
    return polls


def _held(stack: LocalStack, connection_id: str) -> int:
    """How many events of the connection are still known, and whether its credential is."""
    with MongoClient[dict[str, object]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        return (
            client["vault"]["credentials"].count_documents({"_id": connection_id})
            + client["sync"]["objects"].count_documents({"connection_id": connection_id})
            + client["availability"]["timeline"].count_documents({"connection_id": connection_id, "kind": "event"})
        )


def _newest_of(stack: LocalStack, connection_id: str) -> dict[bytes, bytes | None]:
    """The last value of every key that an event of this connection ever had."""
    found = asyncio.run(records(stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"], ICLOUD_EVENTS.name))
    mine: dict[bytes, bytes | None] = {}
    for record in found:
        if record.key == b"poison":  # another test's, which nobody can decode
            continue
        said = decode(record.topic, record.key, record.headers, record.value)
        if isinstance(said, Tombstone):
            if record.key in mine:
                mine[record.key] = None
        elif isinstance(said, ICloudEventImported) and said.connection_id == connection_id:
            mine[record.key] = record.value
    return mine
