"""MongoDB's primary dies while people book, connect and change their calendars: what was acknowledged stays."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from threading import Event
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from apple_users import AppleUsers, Person
from desk import Desk
from health import all_alive
from icloud_simulator.client import SimulatorAdmin
from lives import objects
from local_stack.layout import is_database
from local_stack.members import PRIMARY, named
from local_stack.ports import HOST
from local_stack.stack import LocalStack
from local_stack.state import State
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.rough]
SEED = int(os.environ.get("CALSYNC_TEST_SEED") or 20261201)
PATIENCE = 90
LIFE_SECONDS = 0.7
"""Between two changes of a calendar: so slowly that no look sees a mass of deletions, which would be doubted."""


@dataclass(frozen=True, slots=True)
class Scene:
    stack: LocalStack
    apple: SimulatorAdmin
    users: AppleUsers


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The whole system on a replica set of three."""
    env = {"CALSYNC_POLL_INTERVAL": "PT1S", "CALSYNC_LEASE": "PT3S"}
    data = tmp_path_factory.mktemp("failover")
    with (
        LocalStack(data / "stack", ports="auto", mongodb_members=3, env=env) as stack,
        SimulatorAdmin(stack.env["SIMULATOR_ADMIN_URL"]) as apple,
        AppleUsers(stack, apple) as users,
    ):
        yield Scene(stack, apple, users)


def test_a_dead_primary_takes_nothing_acknowledged_with_it(scene: Scene) -> None:
    stack, users = scene.stack, scene.users
    random, today = Random(SEED), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = random.randrange(6, 20), random.randrange(40, 60)
    print(f"seed {SEED}: the primary dies after {moments} wishes")
    booked, living, newcomer = (users.person(life=objects(random, today, count)) for count in (0, 40, 20))
    for person in (booked, living):
        person.connect()
    booked.link_home()
    for person in (booked, living):
        assert wait_until(lambda p=person: users.state(p) == "fresh", seconds=PATIENCE)  # type: ignore[misc]  # the default binds it
    over, services = Event(), _services(stack)

    with Desk(stack, booked, random, today) as desk, ThreadPoolExecutor(max_workers=5) as threads:
        hands = [threads.submit(desk.work, over), threads.submit(desk.work, over)]
        hands += [threads.submit(_live_on, scene, living, random.getrandbits(64), over)]
        hands += [threads.submit(_watch, stack, over)]
        try:
            for moment in moments:
                _demand(hands, lambda least=moment: desk.settled >= least)  # type: ignore[misc]  # the default binds it
                stack.kill(dead := _primary(stack))
                hands.append(threads.submit(_connect_at_last, newcomer))
                settled = desk.settled
                _demand(hands, lambda least=settled: desk.settled > least + 4)  # type: ignore[misc]  # the default binds it
                stack.restart(dead)
        finally:
            over.set()
        for hand in hands:
            hand.result()

        print(f"{len(desk.granted)} granted, {len(desk.refused)} refused, troubles {dict(desk.troubles)}")
        _demand_every_booking_once(desk)
        for person in (booked, living, newcomer):
            assert wait_until(lambda p=person: users.is_right(p, today), seconds=PATIENCE), person.user  # type: ignore[misc]  # the default binds it
            assert len(person.crococlick.connections()) == 1
        written = [one for one in scene.apple.objects(booked.apple.apple_id) if one.calendar == "home"]
        assert len(written) == len(desk.granted)
    assert _services(stack) == services
    assert all_alive(stack)


def test_a_repeated_key_is_told_of_no_booking_that_can_still_be_lost(scene: Scene) -> None:
    stack, person = scene.stack, scene.users.person()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with Desk(stack, person, Random(SEED), today) as desk:
        wish = desk.wish()
        with _followers_stand_still(stack):
            told = [desk.ask(wish).status_code for _ in range(2)]

        at_last = desk.ask(wish)

        assert told == [httpx.codes.SERVICE_UNAVAILABLE] * 2
        assert [one["id"] for one in desk.appointments()] == [at_last.json()["id"]]


def _primary(stack: LocalStack) -> str:
    (name,) = named(PRIMARY, _state(stack))
    return name


@contextmanager
def _followers_stand_still(stack: LocalStack) -> Iterator[None]:
    """MongoDB has a primary, and nothing that it writes gets to a majority."""
    state = _state(stack)
    with ExitStack() as stays:
        for name in {*named("mongodb", state)} - {_primary(stack)}:
            server = stays.enter_context(MongoClient[dict[str, Any]](HOST, state.ports[name], directConnection=True))
            server.admin.command("fsync", lock=True)
            stays.callback(server.admin.command, "fsyncUnlock")
        yield


def _demand_every_booking_once(desk: Desk) -> None:
    assert desk.asked_again, "no call was in the way of the elections"
    kept = sorted(desk.appointments(), key=lambda one: str(one["start"]))
    assert sorted(one["id"] for one in kept) == sorted(desk.granted.values())
    assert all(before["end"] <= after["start"] for before, after in pairwise(kept))
    assert sorted(wish.pair for wish in desk.granted) == sorted({wish.pair for wish in desk.granted})
    whole = {wish.pair for wish in desk.refused}
    assert whole <= {wish.pair for wish in desk.granted}, "both of a pair were refused"
    for wish in desk.asked_again:
        answer = desk.ask(wish)
        assert answer.json().get("id") == desk.granted.get(wish), answer.text


def _live_on(scene: Scene, person: Person, seed: int, over: Event) -> None:
    random, today = Random(seed), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while not over.wait(LIFE_SECONDS):
        scene.users.live_on(person, random, today)


def _watch(stack: LocalStack, over: Event) -> None:
    while not over.wait(0.5):
        assert all_alive(stack)


def _connect_at_last(person: Person) -> None:
    """As a user would: once more, until the answer says that it stands."""

    def stands() -> bool:
        try:
            answer = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)
        except httpx.TransportError:
            return False
        return answer.status_code == 201 or bool(answer.json()["code"] == "already_connected")

    assert wait_until(stands, seconds=PATIENCE)


def _demand(hands: list[Future[None]], holds: Callable[[], bool]) -> None:
    """Wait for it, unless somebody's hand breaks."""

    def settled() -> bool:
        for hand in hands:
            if hand.done():
                hand.result()
        return holds()

    assert wait_until(settled, seconds=PATIENCE)


def _state(stack: LocalStack) -> State:
    assert stack.state is not None
    return stack.state


def _services(stack: LocalStack) -> dict[str, int]:
    """Those that run, with their process ids."""
    state = _state(stack)
    return {name: state.processes[name].pid for name in state.alive() if not is_database(name)}
