"""kill -9 of any service at any moment of imports and changes; afterwards everything is as if nothing had happened."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from random import Random

import httpx
import pytest
from pymongo import MongoClient

from apple_users import AppleUsers, Person
from icloud_simulator.client import SimulatorAdmin
from lives import objects
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.rough]
SEED = 20261201
ROUNDS = 12
AT_ONCE = 2
VICTIMS = ("connector", "sync-worker-1", "sync-worker-2", "availability")
PATIENCE = 90


def test_killed_services_lose_nothing_and_resurrect_nothing(
    stack: LocalStack, users: AppleUsers, apple: SimulatorAdmin
) -> None:
    print(f"seed {SEED}, {ROUNDS * AT_ONCE} kills")
    random, today = Random(SEED), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    connected: list[Person] = []
    gone: list[Person] = []

    for number in range(ROUNDS):
        person = users.person(life=objects(random, today, 40))
        apple.set_faults(person.apple.apple_id, latency_seconds=0.05)
        with ThreadPoolExecutor(max_workers=1) as thread:
            connecting = thread.submit(_connect_at_last, person)
            _kill_after(stack, random, partial(_asked, apple, person))
            connecting.result()
        connected.append(person)
        users.live_on(random.choice(connected), random, today)
        if number % 4 == 3:
            gone.append(connected.pop(random.randrange(len(connected))))
            _disconnect_at_last(gone[-1])

    for person in connected:
        _demand_truth(users, person, today)
    for person in gone:
        _demand_nothing(stack, users, person)
    assert _sealed(stack, connected) == len(connected)
    assert _sealed(stack, gone) == 0


def _demand_truth(users: AppleUsers, person: Person, today: datetime) -> None:
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE), person.user
    assert wait_until(lambda: users.believed(person, today) == users.true(person, today), seconds=PATIENCE), person.user
    assert len(person.crococlick.connections()) == 1


def _demand_nothing(stack: LocalStack, users: AppleUsers, person: Person) -> None:
    assert wait_until(lambda: users.state(person) == "not_connected", seconds=PATIENCE), person.user
    assert wait_until(lambda: _events_of(stack, person) == 0, seconds=PATIENCE), person.user


def _asked(apple: SimulatorAdmin, person: Person) -> int:
    return len(apple.requests(person.apple.apple_id))


def _kill_after(stack: LocalStack, random: Random, requests: Callable[[], int]) -> None:
    """Kill two when Apple has answered some requests of this user, one after the other, or soon after the last."""
    victims = random.sample(VICTIMS, AT_ONCE)
    for moment, victim in zip(sorted(random.sample(range(8), AT_ONCE)), victims, strict=True):
        wait_until(lambda least=moment: requests() >= least, seconds=2)  # type: ignore[misc]  # the default binds it
        stack.kill(victim)
    stack.restart(*victims)


def _connect_at_last(person: Person) -> None:
    """As a user would: once more, until the answer says that it stands."""

    def stands() -> bool:
        try:
            answer = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)
        except httpx.TransportError:
            return False
        return answer.status_code == 201 or bool(answer.json()["code"] == "already_connected")

    assert wait_until(stands, seconds=PATIENCE)


def _disconnect_at_last(person: Person) -> None:
    def gone() -> bool:
        try:
            return all(
                person.crococlick.disconnect(one["id"]).status_code in (202, 204)
                for one in person.crococlick.connections()
            )
        except httpx.TransportError:
            return False

    assert wait_until(gone, seconds=PATIENCE)


def _events_of(stack: LocalStack, person: Person) -> int:
    with MongoClient[dict[str, object]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        mine = {"user_id": person.user, "kind": "event"}
        return client["availability"]["timeline"].count_documents(mine)


def _sealed(stack: LocalStack, people: list[Person]) -> int:
    """How many credentials the vault holds for these people's accounts."""
    with MongoClient[dict[str, object]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        accounts = [person.crococlick.account for person in people]
        return client["vault"]["credentials"].count_documents({"account_id": {"$in": accounts}})
