"""MongoDB has a primary, and nothing that it writes gets to a majority: what an election may undo is told to nobody."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from connector.application.prove import Asker, Prove
from connector.domain.attempts import DEFAULT_LIMITS
from connector.domain.connection import ended, recalendared
from connector.outbound.mongo import MongoAttempts
from connector.outbound.pseudonyms import Pseudonyms
from connector_examples import CALENDARS, CREDENTIAL, LATER, MARIE, SECRET, connection
from connector_fakes import FakeApple
from connector_stores import Databases, Store, databases, mongo_store
from icloud.credentials import KeyPair
from local_stack.ports import HOST, free_ports
from local_stack.servers.mongo import MongoServer
from runtime import mongo
from runtime.settings import MongoSettings

pytestmark = pytest.mark.servers
Members = list[MongoServer]


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
async def two(members: Members) -> AsyncIterator[Databases]:
    async with databases(members[0].url) as found:
        yield found


@pytest.fixture
async def store(two: Databases, keys: KeyPair) -> Store:
    """With one connection, of which everybody has heard."""
    store = await mongo_store(two, keys.public_key_file)
    first = connection("c-1", MARIE)
    await store.connections.add(first, SECRET)
    await store.outbox.mark(first.announcement())
    return store


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


async def on_the_primary(two: Databases, query: dict[str, Any]) -> None:
    """Return once it has it."""
    async with asyncio.timeout(30):
        while await two.client[two.connector]["connections"].find_one(query) is None:  # noqa: ASYNC110 - MongoDB raises no event
            await asyncio.sleep(0.02)


async def test_a_change_that_may_be_undone_is_announced_by_nobody(
    store: Store, two: Databases, members: Members
) -> None:
    old = connection("c-1", MARIE)
    new = recalendared(old, CALENDARS[:1], told=1, at=LATER)

    with follower_stands_still(members):
        change = asyncio.create_task(store.connections.replace(old, new))
        await on_the_primary(two, {"pending.revision": new.revision})
        meanwhile = await store.waiting()

    assert await change
    assert (meanwhile, await store.waiting()) == ([], [(new.announcement(),)])


async def test_no_record_is_forgotten_while_the_word_of_the_end_may_wait_again(
    store: Store, two: Databases, members: Members
) -> None:
    end, much_later = ended(connection("c-1", MARIE), at=LATER), LATER + timedelta(days=30)
    await store.connections.bury(MARIE, "c-1", lambda _: end)

    with follower_stands_still(members):
        mark = asyncio.create_task(store.outbox.mark(end.announcement()))
        await on_the_primary(two, {"pending": []})
        meanwhile = await store.forgettable(much_later)

    assert await mark == ()
    assert (meanwhile, await store.forgettable(much_later)) == ([], [end.announcement()])


async def test_an_attempt_whose_count_is_not_answered_for_is_taken_out_again(two: Databases, members: Members) -> None:
    settings = MongoSettings(url=SecretStr(members[0].url), timeout=timedelta(seconds=1))
    impatient, apple = mongo.connect(settings, "connector-tests"), FakeApple()
    attempts = MongoAttempts(impatient, Pseudonyms(None), database=two.connector)
    prove = Prove(apple, attempts, DEFAULT_LIMITS, lambda: None)

    with follower_stands_still(members), pytest.raises(PyMongoError):
        await prove(Asker(MARIE), CREDENTIAL, "c-1")

    kept = [one async for one in two.client[two.connector]["attempts"].find()]
    assert (len(kept), apple.asked) == (4, 0)
    assert [(sum(each["number"] for each in one["slices"]), one["open"]) for one in kept] == [(0, [])] * 4
    impatient.close()
