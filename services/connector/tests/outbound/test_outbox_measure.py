"""How much waits to be told, and for how long it has."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.outbound.mongo import MongoOutbox
from connector_stores import Databases

pytestmark = pytest.mark.servers


async def test_what_waits_is_counted_and_the_oldest_tells_its_age(mine: Databases) -> None:
    now = datetime.now(UTC)
    ages: tuple[list[int], ...] = ([300, 10], [60], [])
    documents = [
        {
            "_id": f"c-{n}",
            "pending": [{"revision": r + 1, "at": now - timedelta(seconds=s)} for r, s in enumerate(each)],
        }
        for n, each in enumerate(ages)
    ]
    connections = mine.client[mine.connector]["connections"]
    await connections.create_index("pending.revision", name="pending", sparse=True)
    outbox = MongoOutbox(mine.client, database=mine.connector)

    empty = await outbox.measure()
    await connections.insert_many(documents)
    count, oldest = await outbox.measure()

    assert empty == (0, 0.0)
    assert count == 3
    assert 299 < oldest < 400
