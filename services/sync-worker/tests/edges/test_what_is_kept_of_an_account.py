"""What a worker keeps of an Apple account names its owner to nobody."""

import asyncio

import pytest
from bson import BSON

from icloud_simulator.client import SimulatorAdmin
from worker_edges import Edges
from worker_waiting import eventually

pytestmark = pytest.mark.servers


async def kept(edges: Edges) -> bytes:
    """All documents of the worker's database."""
    database = edges.mine.client[edges.mine.name]
    names = await database.list_collection_names()
    return b"".join([BSON.encode(one) for name in names async for one in database[name].find()])


async def test_no_document_tells_who_the_user_is_at_apple(edges: Edges, admin: SimulatorAdmin) -> None:
    apple = await asyncio.to_thread(admin.create_account, "maria.canary@icloud.com", aliases=["m.canary@example.org"])
    one = await edges.connect(apple, "home")
    connections = edges.mine.client[edges.mine.name]["connections"]

    async def passes(least: int) -> bool:
        return await connections.count_documents({"_id": one, "passes": {"$gte": least}}) > 0

    async def found(since: int = 0) -> int:
        seen = await asyncio.to_thread(admin.requests, apple.apple_id, since=since)
        return sum(request.path == apple.principal for request in seen)

    await edges.worker()
    await eventually(lambda: passes(3))
    searched = await kept(edges)
    looked_for = await found()
    plain = {"principal": apple.principal, "origin": "", "path": apple.home, "addresses": [apple.apple_id]}
    await connections.update_one({"_id": one}, {"$set": {"home": plain}, "$unset": {"sealed_home": ""}})
    before = (await connections.find_one({"_id": one}) or {})["passes"]
    await eventually(lambda: passes(before + 3))

    for needle in ("canary", apple.principal):
        assert needle.encode() not in searched
        assert needle.encode() not in await kept(edges)
    assert (looked_for, await found()) == (1, 2)
    document = await connections.find_one({"_id": one}) or {}
    assert "sealed_home" in document
    assert "home" not in document
