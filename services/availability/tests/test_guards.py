"""A process may die between any two writes of a decision, or sleep and wake: nothing is half done, nobody waits."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from services.availability.tests.booking_stage import MovedClock, Stage
from services.availability.tests.examples import DAY, THEY, TODAY, span
from services.availability.tests.stories import ask

from availability.application.bookings import Desk
from availability.application.refusals import NoSuchBlockedSlot, SlotTaken
from availability.application.timeline import AskLater, Timeline
from availability.domain.intervals import Window
from availability.outbound.mongo import MongoBookings, MongoConflicts, MongoExports, MongoOutbox, MongoTimeline
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.guards import Guards

pytestmark = pytest.mark.servers


class Killed(Exception):
    """The process is gone."""


class Mortal(Guards):
    """Dies before one of the writes that carry out a decision: none was done, the answers, or all but the last."""

    dies_before: str | None = None

    async def _carry_out(self, guard_id: Mapping[str, Any], claim: Mapping[str, Any], **more: Any) -> None:  # noqa: ANN401 - Motor's and bson's
        keep = {"answers": (), "timeline": ("answers",), "end": ("answers", "outlines")}
        if self.dies_before is None:
            await super()._carry_out(guard_id, claim, **more)
            return
        done = {part: claim[part] if part in keep[self.dies_before] else [] for part in ("answers", "outlines")}
        # A number that no claim has: the claim itself stays.
        await super()._carry_out(guard_id, {**claim, **done, "number": -1}, **more)
        raise Killed


@pytest.fixture
def mortal(mongo: AsyncIOMotorClient[Document], database: str, mongo_timeline: MongoTimeline) -> Stage:
    """Another process on the same database."""
    return _stage(mongo, database, mongo_timeline)


@pytest.fixture
def stage(mongo: AsyncIOMotorClient[Document], database: str, mongo_timeline: MongoTimeline) -> Stage:
    return _stage(mongo, database, mongo_timeline)


def _stage(mongo: AsyncIOMotorClient[Document], database: str, timeline: Timeline) -> Stage:
    clock = MovedClock()
    bookings = MongoBookings(mongo, clock, database)
    bookings._guards = Mortal(mongo, database)
    conflicts = MongoConflicts(mongo, database)
    return Stage(timeline, bookings, MongoOutbox(mongo, database), conflicts, MongoExports(mongo, database), clock)


def die(stage: Stage, before: str | None) -> None:
    bookings = stage.bookings
    assert isinstance(bookings, MongoBookings)
    assert isinstance(bookings._guards, Mortal)
    bookings._guards.dies_before = before


@pytest.mark.parametrize("before", ["answers", "timeline", "end"])
async def test_a_booking_whose_process_died_stands_for_everybody_at_once(
    stage: Stage, mortal: Stage, before: str
) -> None:
    die(mortal, before)
    with pytest.raises(Killed):
        await mortal.book(span(19, 20), key="k", title="Coupe")

    with pytest.raises(SlotTaken) as taken:
        await stage.book(span(19.5, 21))
    again = await stage.book(span(19, 20), key="k", title="Coupe")

    assert taken.value.taken == (span(19, 20),)
    assert again.appointment.agreed.span == span(19, 20)
    assert [one.id for one in await stage.conflicts.ahead(THEY, 0)] == [again.appointment.id]
    assert [one.revision for one in await stage.publish()] == [1]


@pytest.mark.parametrize("before", ["answers", "timeline", "end"])
async def test_a_repetition_finds_the_answer_that_nobody_heard(stage: Stage, mortal: Stage, before: str) -> None:
    die(mortal, before)
    with pytest.raises(Killed):
        await mortal.book(span(19, 20), key="k")

    first = await stage.book(span(19, 20), key="k")
    second = await stage.book(span(19, 20), key="k")

    assert first == second
    assert (await ask(stage.timeline)).spans == (span(19, 20),)


@pytest.mark.parametrize("before", ["answers", "timeline", "end"])
async def test_time_off_whose_process_died_is_entered_once(stage: Stage, mortal: Stage, before: str) -> None:
    die(mortal, before)
    with pytest.raises(Killed):
        await mortal.take_off(span(19, 20), key="k")

    answers = [await stage.take_off(span(19, 20), key="k") for _ in range(2)]

    assert answers[0] == answers[1]
    assert await stage.slots.of(THEY, span(0, 24)) == [answers[0]]


@pytest.mark.parametrize("before", ["answers", "timeline", "end"])
async def test_a_move_whose_process_died_is_done_whole_by_the_sweep(stage: Stage, mortal: Stage, before: str) -> None:
    booked = await mortal.book(span(9, 10))
    die(mortal, before)
    with pytest.raises(Killed):
        await mortal.change(booked, span(15, 16))

    await stage.check()

    assert (await ask(stage.timeline)).spans == (span(15, 16),)
    assert [one.revision for one in await stage.publish()] == [1, 2]


async def test_whoever_wakes_late_brings_back_nothing(
    stage: Stage, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    asleep = Guards(mongo, database)
    claims = []
    booked = await stage.book(span(9, 10))
    slot = await stage.slots.add(THEY, span(12, 13), None)
    for number, document in enumerate([booked.appointment.id, slot.id], start=1):
        found = await mongo[database]["timeline"].find_one({"_id": document}) or {}
        fields = {name: said for name, said in found.items() if name not in {"_id", "revision", "pending", "published"}}
        outline = {"id": document, "revision": 1, "fields": fields, "pending": None}
        claims.append({"number": number, "outlines": [outline], "answers": []})
    await stage.cancel(booked)
    await stage.slots.remove(THEY, slot.id)

    for claim in claims:
        await asleep._carry_out(THEY._asdict(), claim)

    assert (await ask(stage.timeline)).spans == ()
    with pytest.raises(NoSuchBlockedSlot):
        await stage.slots.remove(THEY, slot.id)


async def test_a_first_booking_by_two_processes_at_once_is_one_and_refusals_are_no_decisions(
    mongo: AsyncIOMotorClient[Document], database: str, stage: Stage, mortal: Stage
) -> None:
    answers = await asyncio.gather(
        *(where.book(span(9, 10)) for where in (stage, mortal) for _ in range(3)), return_exceptions=True
    )

    assert sum(isinstance(answer, SlotTaken) for answer in answers) == 5
    assert [guard["number"] async for guard in mongo[database]["guards"].find()] == [1]


async def test_bookings_of_one_user_in_two_processes_all_find_their_place(stage: Stage, mortal: Stage) -> None:
    wishes = [where.book(span(hour, hour + 1)) for hour in range(0, 24, 2) for where in (stage, mortal)]

    answers = await asyncio.gather(*wishes, return_exceptions=True)

    assert sum(isinstance(answer, SlotTaken) for answer in answers) == 12
    assert len(await stage.conflicts.ahead(THEY, 0)) == 12


class Elected(Guards):
    """While a decision is carried out another primary comes."""

    async def _carry_out(self, guard_id: Mapping[str, Any], claim: Mapping[str, Any], **more: Any) -> None:  # noqa: ANN401 - as above
        await super()._carry_out(guard_id, claim, **more | ({"term": ObjectId()} if more.get("term") else {}))


async def test_what_another_primary_may_not_have_is_not_answered_but_carried_out_by_the_next(
    mongo: AsyncIOMotorClient[Document], database: str, stage: Stage, mortal: Stage
) -> None:
    bookings = mortal.bookings
    assert isinstance(bookings, MongoBookings)
    bookings._guards = Elected(mongo, database)

    with pytest.raises(AskLater):
        await mortal.book(span(19, 20), key="k")
    with pytest.raises(SlotTaken):
        await stage.book(span(19.5, 21))

    assert (await stage.book(span(19, 20), key="k")).appointment.agreed.span == span(19, 20)
    assert await mongo[database]["guards"].count_documents({"claim": {"$exists": True}}) == 0


class Reads(CommandListener):
    """When the guard was read, and after when the user's time was to be."""

    def __init__(self) -> None:
        self.guard: Any = None
        self.known: Any = None

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "aggregate":
            self.known = event.command["readConcern"].get("afterClusterTime")

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name == "find":
            self.guard = event.reply["operationTime"]

    def failed(self, _event: CommandFailedEvent) -> None:
        self.known = self.guard = None


async def test_what_is_decided_by_is_never_older_than_the_guard(mongodb_url: str, database: str) -> None:
    reads = Reads()
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongodb_url, tz_aware=True, event_listeners=[reads])
    bookings = MongoBookings(client, MovedClock(), database)

    async def decide(desk: Desk) -> None:
        await desk.known(Window(TODAY, TODAY + DAY))

    await bookings.alone(THEY, decide)
    client.close()

    assert reads.guard is not None
    assert reads.known >= reads.guard


async def test_what_appointments_are_held_against_is_never_older_than_the_guard(
    stage: Stage, mongodb_url: str, database: str
) -> None:
    await stage.book(span(9, 10))
    reads = Reads()
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongodb_url, tz_aware=True, event_listeners=[reads])
    conflicts = MongoConflicts(client, database)

    (user,) = [user async for user in conflicts.unchecked()]
    await conflicts.settled(user)
    counted = reads.guard
    found = await conflicts.ahead(user, 0)
    await conflicts.known(user, Window(TODAY, TODAY + DAY))
    client.close()

    assert len(found) == 1
    assert reads.known >= reads.guard >= counted
