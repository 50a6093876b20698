"""New processes in the place of old ones while people go on working: nobody notices."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Literal

import pytest

from apple_users import AppleUsers, Person
from connector.inbound.pages.session import COOKIE
from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack
from replicas import Balancer, OfStack, Replica

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.rough]
STOP_SECONDS = 25
PATIENCE = 60
ENOUGH = 20
"""Requests that a process has answered before nobody doubts that it is used."""
CONNECTIONS, PAGE = "/v1/connections", "/calendars/settings/connections"

Start = Callable[[Literal["connector", "availability"]], Replica]
Step = Callable[[], Awaitable[object]]


@pytest.fixture
def start(stack: LocalStack) -> Iterator[Start]:
    started: list[Replica] = []
    numbers = count(2)

    def begin(service: Literal["connector", "availability"]) -> Replica:
        started.append(Replica(stack, service, next(numbers)))
        return started[-1]

    yield begin
    for one in started:
        one.close()


async def test_a_rolling_restart_under_load_fails_no_request(
    stack: LocalStack, users: AppleUsers, apple: SimulatorAdmin, start: Start
) -> None:
    reader, *coming_and_going = (users.person() for _ in range(4))
    for person in coming_and_going:
        apple.set_faults(person.apple.apple_id, latency_seconds=0.15)
    env = stack.env
    old, availability = start("connector"), start("availability")
    connectors = Balancer([OfStack("connector", env["CONNECTOR_URL"], env["CONNECTOR_OPS_URL"]), old])
    own = OfStack("availability", env["AVAILABILITY_URL"], env["AVAILABILITY_OPS_URL"])
    availabilities = Balancer([own, availability])
    await _ready(old, availability)
    load: list[Step] = [partial(_connect_and_disconnect, connectors, stack, person) for person in coming_and_going]
    load += 2 * [partial(_look, connectors, stack, reader), partial(_ask_when_busy, availabilities, stack, reader)]

    async with connectors.working(), availabilities.working(), _meanwhile(load):
        new = start("connector")
        await _ready(new)
        connectors.instances.append(new)
        codes = [*await asyncio.gather(_stopped(old), _stopped(availability))]
        await _answers(connectors, new.name)
        codes.append(await _stopped(new))
        await _answers(connectors, "connector")
        await _answers(availabilities, "availability")

    print(dict(connectors.answered), dict(availabilities.answered))
    assert connectors.failed == availabilities.failed == []
    assert codes == [0, 0, 0]


async def _ready(*replicas: Replica) -> None:
    await asyncio.gather(*(asyncio.to_thread(one.wait_until_ready) for one in replicas))


async def _stopped(replica: Replica) -> int:
    """Its exit code."""
    return await asyncio.to_thread(replica.stop, seconds=STOP_SECONDS)


async def _answers(balancer: Balancer, name: str) -> None:
    before = balancer.answered[name]
    async with asyncio.timeout(PATIENCE):
        while balancer.answered[name] < before + ENOUGH:  # noqa: ASYNC110 - a deadline is all that is needed
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _meanwhile(steps: Sequence[Step]) -> AsyncIterator[None]:
    """Each again and again; at the end what is under way is finished."""
    end = asyncio.Event()

    async def repeat(step: Step) -> None:
        while not end.is_set():
            await step()

    async with asyncio.TaskGroup() as work:
        for step in steps:
            work.create_task(repeat(step))
        try:
            yield
        finally:
            end.set()


async def _connect_and_disconnect(balancer: Balancer, stack: LocalStack, person: Person) -> None:
    bearer = {"Authorization": f"Bearer {stack.token(person.crococlick.account, person.user)}"}
    apple = {"apple_id": person.apple.apple_id, "app_password": person.apple.app_password}
    wish = {**apple, "access": "read_only", "time_zone": "Europe/Paris"}
    made = await balancer.ask("POST", CONNECTIONS, (201,), json=wish, headers=bearer)
    if made is not None:
        one = f"{CONNECTIONS}/{made.json()['id']}"
        await balancer.ask("GET", one, (200,), headers=bearer)
        await balancer.ask("DELETE", one, (202,), headers=bearer)


async def _look(balancer: Balancer, stack: LocalStack, person: Person) -> None:
    token = stack.token(person.crococlick.account, person.user)
    await balancer.ask("GET", CONNECTIONS, (200,), headers={"Authorization": f"Bearer {token}"})
    await balancer.ask("GET", PAGE, (200,), headers={"Cookie": f"{COOKIE}={token}"})
    await asyncio.sleep(0.05)


async def _ask_when_busy(balancer: Balancer, stack: LocalStack, person: Person) -> None:
    bearer = {"Authorization": f"Bearer {stack.token(person.crococlick.account, person.user)}"}
    now = datetime.now(UTC)
    span = {"start": now.isoformat(), "end": (now + timedelta(days=7)).isoformat()}
    await balancer.ask("GET", f"/v1/users/{person.user}/busy", (200,), params=span, headers=bearer)
    await asyncio.sleep(0.05)
