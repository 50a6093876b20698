"""Whose appointments cannot be held against their time holds up nobody else, and is seen."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import THEY, span

from availability.domain.users import User
from availability.outbound.mongo import MongoConflicts
from availability.outbound.mongo.documents import Document

pytestmark = [pytest.mark.servers, pytest.mark.parametrize("timeline", ["mongo"], indirect=True)]

OTHER = User("another-account", "another-user")


async def test_a_claim_that_cannot_be_carried_out_holds_up_its_own_user_alone(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    outline = {"id": "apt-1", "revision": 1, "fields": {"_id": "apt-2"}}
    claim = {"number": 1, "token": ObjectId(), "outlines": [outline], "answers": []}
    await mongo[database]["guards"].insert_one({"_id": OTHER._asdict(), "number": 1, "unchecked": True, "claim": claim})
    booked = await stage.book(span(19, 20))
    await stage.slots.add(THEY, span(0, 24), None)

    news = await stage.check()

    assert news == 1
    assert (await stage.look_at(booked)).appointment.conflicts == (span(19, 20),)
    assert await stage.unchecked() == [OTHER]


async def test_it_is_told_how_many_are_unchecked_and_since_when(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    conflicts = MongoConflicts(mongo, database)
    measured = [await conflicts.measure()]
    await stage.book(span(9, 10))
    then = datetime.now(UTC) - timedelta(minutes=5)
    await mongo[database]["guards"].update_one({}, {"$set": {"unchecked_since": then}})
    await stage.book(span(10, 11))
    await stage.timeline.recheck([THEY])
    measured.append(await conflicts.measure())

    await stage.check()
    measured.append(await conflicts.measure())

    (_, before), (count, age), (_, after) = measured
    assert (before, count, after) == (0.0, 1, 0.0)
    assert 299 < age < 400
