"""MongoDB has a primary, and nothing that it writes gets to a majority: nobody works on what an election may undo."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from local_stack.ports import HOST, free_ports
from local_stack.servers.mongo import MongoServer
from worker_examples import connected, new_id
from worker_stores import Database, database
from worker_waiting import eventually

pytestmark = pytest.mark.servers
Members = list[MongoServer]
LAPSING = timedelta(seconds=0.1)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """A set of two: its majority are both."""
    ports, data = free_ports(2), tmp_path_factory.mktemp("mongodb-of-two")
    servers = [MongoServer(data / str(port), port=port, members=ports) for port in ports]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        yield servers
    finally:
        for server in servers:
            server.kill()


@pytest.fixture
async def two(members: Members) -> AsyncIterator[Database]:
    async with database(members[0].url) as found:
        yield found


@contextmanager
def follower_stands_still(members: Members) -> Iterator[None]:
    clients = [MongoClient[dict[str, Any]](HOST, member.port, directConnection=True) for member in members]
    (follower,) = (client.admin for client in clients if client.admin.command("hello")["secondary"])
    follower.command("fsync", lock=True)
    try:
        yield
    finally:
        follower.command("fsyncUnlock")
        for client in clients:
            client.close()


async def test_a_claim_counts_once_a_majority_has_it(two: Database, members: Members) -> None:
    one = new_id()
    await two.store().connections.follow(connected(one, "cal-1"))

    with follower_stands_still(members):
        meanwhile = await two.store().leases(LAPSING).claim(1)
        noted = await two.client[two.name]["connections"].find_one({"_id": one, "lease": {"$exists": True}})

    (claim,) = await eventually(lambda: two.store().leases().claim(1))
    assert (meanwhile, noted is not None) == ([], True)
    assert claim.connection_id == one
