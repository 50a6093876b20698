"""A key is taken without waiting for a majority: what is lost with a primary comes back with the answer."""

from datetime import timedelta

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.booking_stage import MovedClock, Stage
from services.availability.tests.examples import DAY, NOW, THEY, TODAY, span

from availability.application.bookings import Desk, KeptAnswer, Key, Taken
from availability.domain.appointments import Act, Agreed, announcement
from availability.domain.intervals import Window
from availability.outbound.mongo import MongoBookings, MongoConflicts, MongoExports, MongoOutbox, MongoTimeline
from availability.outbound.mongo.documents import Document

pytestmark = pytest.mark.servers

WEEK = Window(TODAY, TODAY + 7 * DAY)
KEY = Key("k", "this wish")
OTHERS = Key("k", "another wish")
MOVED = span(12, 13)


@pytest.fixture
def stage(mongo: AsyncIOMotorClient[Document], database: str, mongo_timeline: MongoTimeline) -> Stage:
    clock = MovedClock()
    bookings, conflicts = MongoBookings(mongo, clock, database), MongoConflicts(mongo, database)
    return Stage(
        mongo_timeline, bookings, MongoOutbox(mongo, database), conflicts, MongoExports(mongo, database), clock
    )


async def lose(mongo: AsyncIOMotorClient[Document], database: str) -> None:
    """What an election may do to a key that no majority had."""
    assert (await mongo[database]["answers"].delete_one({"_id": KEY.id})).deleted_count == 1


async def decide_with_key(stage: Stage) -> None:
    booked = await stage.book(span(9, 10), key="before")
    moved = booked.appointment.with_agreed(Agreed(MOVED, "Coupe"), Act(NOW, None))

    async def decide(desk: Desk) -> None:
        desk.keep(moved, announcement(moved, None))
        desk.remember(KEY, booked)

    await stage.bookings.alone(THEY, decide)


async def test_a_decision_puts_a_lost_key_back_with_its_answer(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    await stage.bookings.take(KEY)
    await lose(mongo, database)

    await decide_with_key(stage)

    kept = await stage.bookings.take(KEY)
    assert kept.key == KEY
    assert kept.answer is not None


async def test_a_refusal_puts_a_lost_key_back_with_its_answer(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    await stage.bookings.take(KEY)
    await lose(mongo, database)

    refused = await stage.bookings.refuse(KEY, Taken((MOVED,)))

    assert refused == Taken((MOVED,))
    assert await stage.bookings.take(KEY) == KeptAnswer(KEY, refused)


async def test_a_key_that_came_back_is_forgotten_after_a_day_like_any_other(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    await stage.bookings.take(KEY)
    await lose(mongo, database)
    await decide_with_key(stage)

    stage.clock.now += timedelta(hours=24)

    assert await stage.bookings.take(OTHERS) == KeptAnswer(OTHERS, None)


async def test_a_lost_key_that_another_wish_has_taken_stays_its_own_and_the_decision_stands(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    await stage.bookings.take(KEY)
    await lose(mongo, database)
    await stage.bookings.take(OTHERS)

    await decide_with_key(stage)

    assert await stage.bookings.take(OTHERS) == KeptAnswer(OTHERS, None)
    assert [one.agreed.span for one in await stage.bookings.between(THEY, WEEK)] == [MOVED]
