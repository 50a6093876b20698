"""MongoDB or Kafka away for half a minute: nothing dies, nothing is dead-lettered, nothing is lost, all catches up."""

import asyncio
from datetime import UTC, datetime
from random import Random

import httpx
import pytest

from apple_users import AppleUsers
from contracts.topics import TOPICS
from leftovers import records
from lives import objects
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.rough]
OUTAGE_SECONDS = 30
PATIENCE = 90


@pytest.mark.parametrize("server", ["mongodb", "kafka"])
def test_an_outage_loses_nothing(stack: LocalStack, users: AppleUsers, server: str) -> None:
    random, today = Random(30), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    person, newcomer = users.person(life=objects(random, today, 20)), users.person(life=objects(random, today, 20))
    person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status()
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    dead_before = _dead(stack)

    stack.kill(server)
    users.live_on(person, random, today)
    somebody_died = wait_until(lambda: not _all_alive(stack), seconds=OUTAGE_SECONDS)
    stack.restart(server)

    assert not somebody_died
    newcomer.crococlick.connect(newcomer.apple.apple_id, newcomer.apple.app_password).raise_for_status()
    for one in (person, newcomer):
        assert wait_until(lambda p=one: users.believed(p, today) == users.true(p, today), seconds=PATIENCE)  # type: ignore[misc]  # the default binds it
        assert wait_until(lambda p=one: users.state(p) == "fresh", seconds=PATIENCE)  # type: ignore[misc]  # the default binds it
    assert _dead(stack) == dead_before


def _all_alive(stack: LocalStack) -> bool:
    """Whether every service's process runs and calls itself alive."""
    urls = [stack.env["CONNECTOR_OPS_URL"], stack.env["AVAILABILITY_OPS_URL"]]
    urls += stack.env["SYNC_WORKER_OPS_URL"].split(",")
    try:
        return all(httpx.get(f"{url}/livez", timeout=5, trust_env=False).status_code == 200 for url in urls)
    except httpx.TransportError:
        return False


def _dead(stack: LocalStack) -> int:
    found = records(stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"], *(topic.dead for topic in TOPICS))
    return len(asyncio.run(found))
