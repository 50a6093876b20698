"""What is told in numbers of bookings, and of what waits beside them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from prometheus_client import REGISTRY
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import THEY, imported, span
from services.availability.tests.stories import events

from availability.application.refusals import SlotTaken
from availability.application.timeline import AskLater
from availability.inbound.http.counted import counted
from availability.outbound.mongo import MongoOutbox, MongoTimeline
from availability.outbound.mongo.documents import Document
from runtime.http import Problem


def number(result: str) -> float:
    return REGISTRY.get_sample_value("calsync_bookings_total", {"wish": "tests", "result": result}) or 0


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "done"),
        (SlotTaken(()), "slot_taken"),
        (AskLater(), "ask_later"),
        (Problem(422, "invalid_request", {"en": ""}), "invalid"),
        (ZeroDivisionError(), "broken"),
    ],
)
def test_each_wish_counts_once_by_what_came_of_it(error: Exception | None, result: str) -> None:
    before = number(result)

    with suppress(Exception), counted("tests"):
        if error is not None:
            raise error

    assert number(result) == before + 1


@pytest.mark.servers
async def test_what_waits_is_counted_and_the_oldest_tells_its_age(
    mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    outbox, now = MongoOutbox(mongo, database), datetime.now(UTC)
    empty = await outbox.measure()
    pending = [{"revision": 1, "at": now - timedelta(minutes=5)}, {"revision": 2, "at": now}]
    await mongo[database]["timeline"].insert_many([{"_id": "a", "pending": pending}, {"_id": "b", "pending": []}])

    count, oldest = await outbox.measure()

    assert empty == (0, 0.0)
    assert count == 2
    assert 299 < oldest < 400


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_what_cannot_be_read_holds_up_nobody_and_is_counted(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    then = datetime.now(UTC) - timedelta(minutes=5)
    strange = {"revision": 1, "at": then, "news": "of_the_next_release"}
    await mongo[database]["timeline"].insert_one({"_id": "a", **THEY._asdict(), "pending": [strange]})
    booked = await stage.book(span(9, 10))

    told = await stage.publish()
    count, oldest = await MongoOutbox(mongo, database).measure()

    assert [one.appointment_id for one in told] == [booked.appointment.id]
    assert count == 1
    assert 299 < oldest < 400


@pytest.mark.servers
async def test_what_is_no_newer_counts_as_dropped(mongo_timeline: MongoTimeline) -> None:
    def dropped() -> float:
        return REGISTRY.get_sample_value("calsync_stale_revisions_dropped_total", {"news": "event"}) or 0

    before = dropped()

    await events(mongo_timeline, imported("event-1", revision=2), imported("event-2", revision=2))
    await events(mongo_timeline, imported("event-1", revision=1), imported("event-2", revision=3))

    assert dropped() == before + 1
