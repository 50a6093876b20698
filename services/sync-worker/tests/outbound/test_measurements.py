"""What is told of the fleet, asked of a real MongoDB."""

from datetime import timedelta

import pytest

from sync_worker.application.measure import MeasureFleet, Standing
from sync_worker.outbound.mongo import MongoFleet, WatchedOutbox
from sync_worker.outbound.mongo.collections import CONNECTIONS, NEVER, OBJECTS
from worker_examples import connected, new_id
from worker_stores import Database

pytestmark = pytest.mark.servers


async def followed(mine: Database, count: int, **fields: object) -> list[str]:
    """Connections, each with these fields: a timedelta is so long before MongoDB's now."""
    ids = [new_id() for _ in range(count)]
    store = mine.store()
    for one in ids:
        await store.connections.follow(connected(one, "cal-1"))
    moments = {
        name: {"$subtract": ["$$NOW", value // timedelta(milliseconds=1)]} if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }
    if moments:
        await mine.client[mine.name][CONNECTIONS].update_many({"_id": {"$in": ids}}, [{"$set": moments}])
    return ids


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


async def test_what_is_late_and_nobodys_is_overdue(mine: Database) -> None:
    await followed(mine, 2, bucket=3, next_sync_at=minutes(4), as_of=minutes(9))
    await followed(mine, 1, bucket=-1, next_sync_at=minutes(2))
    await followed(mine, 1, bucket=3, next_sync_at=minutes(-5))
    await followed(mine, 1, bucket=3, next_sync_at=minutes(30), lease={"until": NEVER})
    await followed(mine, 1, bucket=3, next_sync_at=minutes(30), paused={"by": "hand"})

    overdue = await MongoFleet(mine.client, mine.name).overdue()

    assert overdue.connections == 3
    assert 240 <= overdue.oldest_seconds < 300


async def test_what_has_just_become_due_is_no_backlog(mine: Database) -> None:
    await followed(mine, 3, bucket=3, next_sync_at=timedelta(seconds=1))

    overdue = await MongoFleet(mine.client, mine.name).overdue()

    assert overdue.connections == 0
    assert overdue.oldest_seconds >= 1


async def test_an_idle_fleet_has_nothing_overdue(mine: Database) -> None:
    overdue = await MongoFleet(mine.client, mine.name).overdue()

    assert (overdue.connections, overdue.oldest_seconds) == (0, 0.0)


async def test_connections_are_told_by_how_they_stand(mine: Database) -> None:
    await followed(mine, 3, as_of=minutes(7))
    await followed(mine, 2)
    await followed(mine, 1, as_of=minutes(99), rejections={"count": 1})
    await followed(mine, 1, as_of=minutes(99), rejections={"count": 3}, stopped_at=minutes(9))
    await followed(mine, 1, as_of=minutes(99), paused={"by": "hand"})
    await followed(mine, 1, state="erasing")
    await followed(mine, 4, state="gone")

    told = await MeasureFleet(MongoFleet(mine.client, mine.name)).standings()

    assert dict(zip(Standing, told, strict=True)) == {
        Standing.HEALTHY: 3,
        Standing.IMPORTING: 2,
        Standing.REFUSED: 1,
        Standing.STOPPED: 1,
        Standing.PAUSED: 1,
        Standing.ERASING: 1,
    }


async def test_only_healthy_connections_have_an_age(mine: Database) -> None:
    await followed(mine, 1, as_of=minutes(7))
    await followed(mine, 1, as_of=minutes(99), stopped_at=minutes(9))
    await followed(mine, 1)

    sample = await MongoFleet(mine.client, mine.name).sample()

    (age,) = [seen.age for seen in sample.seen if seen.age is not None]
    assert 420 <= age < 480


async def test_an_outbox_is_as_old_as_it_has_been_seen_to_wait(mine: Database) -> None:
    objects, outbox = mine.client[mine.name][OBJECTS], WatchedOutbox(mine.client, mine.name)
    waiting = [{"_id": new_id(), "connection_id": "c", "revision": 1, "pending": True} for _ in range(3)]
    await objects.insert_many([*waiting, {"_id": new_id(), "connection_id": "c", "revision": 1}])

    first, second = await outbox(), await outbox()
    await objects.update_many({}, {"$inc": {"revision": 1}})
    anew = await outbox()
    await objects.update_many({}, {"$unset": {"pending": ""}})
    published = await outbox()

    assert first == (3, 0.0)
    assert (second[0], second[1] > 0) == (3, True)
    assert anew == (3, 0.0)
    assert published == (0, 0.0)


async def test_what_cannot_be_read_is_counted(mine: Database) -> None:
    unreadable = {"connection_id": "c", "calendar_id": "k", "quarantine": {"reason": "bomb"}}
    await mine.client[mine.name][OBJECTS].insert_many([{"_id": new_id(), **unreadable} for _ in range(2)])

    assert await MongoFleet(mine.client, mine.name).quarantined() == 2


async def test_no_question_reads_more_than_it_has_to(mine: Database) -> None:
    """A thousand connections that nobody waits for cost a question about backlog nothing."""
    await mine.client[mine.name][CONNECTIONS].insert_many(
        [{"_id": new_id(), "bucket": n % 64, "state": "active", "next_sync_at": NEVER} for n in range(1000)]
    )
    await mine.client[mine.name].command("profile", 2)
    await MongoFleet(mine.client, mine.name).overdue()
    await WatchedOutbox(mine.client, mine.name)()
    await mine.client[mine.name].command("profile", 0)

    asked = await mine.client[mine.name]["system.profile"].find({"docsExamined": {"$exists": True}}).to_list(None)
    assert max(one["docsExamined"] for one in asked) <= 1
