"""Appointments with the longest words, by the hundred: what is read, written and told at once stays small."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from bson import encode
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from services.availability.tests.booking_stage import MovedClock, Stage
from services.availability.tests.examples import NOW, THEY, USER, connected, span
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import served
from services.availability.tests.stories import connections
from services.availability.tests.tokens import Platform

from availability.application.bookings import Desk
from availability.application.check_conflicts import CheckConflicts
from availability.application.publish import PublishPending
from availability.domain.appointments import WAITING, Act, Agreed, Appointment, announcement, booked
from availability.domain.blocked_slots import BlockedSlot
from availability.outbound.mongo import MongoBookings, MongoConflicts, MongoOutbox
from availability.outbound.mongo.documents import Document

NOTES = "\U0001f600" * 10_000
LONG = len(NOTES.encode())
PORTION = 1_000_000
MOST_BYTES = 2_000_000
LIST = f"/v1/users/{USER}/appointments"
SLOTS = f"/v1/users/{USER}/blocked-slots"
DAYS = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-12T00:00:00Z"}


def at_hour(hour: int, *, number: int = 0, notes: str = NOTES) -> Appointment:
    return booked(f"apt-{hour:03}-{number:03}", THEY, Agreed(span(hour, hour + 0.5), "Coupe", None, notes), ACT)


ACT = Act(NOW, "service:tests")


async def keep(stage: Stage, several: list[Appointment]) -> None:
    """A hundred with each decision: more would not fit one."""
    for first in range(0, len(several), 100):

        async def decide(desk: Desk, some: list[Appointment] = several[first : first + 100]) -> None:
            for one in some:
                desk.keep(one, announcement(one, None))

        await stage.bookings.alone(THEY, decide)


class Traffic(CommandListener):
    """How many bytes were read of the timeline, the largest answer, and the largest write."""

    def __init__(self) -> None:
        self.read = self.largest = self.largest_read = 0

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in {"update", "insert"}:
            self.largest = max(self.largest, len(encode(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in {"find", "getMore", "aggregate"}:
            size = len(encode(event.reply))
            self.read += size
            self.largest_read = max(self.largest_read, size)

    def failed(self, _event: CommandFailedEvent) -> None: ...


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
async def counted(mongodb_url: str, traffic: Traffic) -> AsyncIterator[AsyncIOMotorClient[Document]]:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongodb_url, tz_aware=True, event_listeners=[traffic])
    yield client
    client.close()


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_conflicts_of_more_than_a_document_holds_are_told_in_portions(
    stage: Stage, counted: AsyncIOMotorClient[Document], database: str, traffic: Traffic
) -> None:
    await keep(stage, [at_hour(hour) for hour in range(24, 254)])
    await stage.slots.add(THEY, span(24, 254), None)
    conflicts = MongoConflicts(counted, database)
    check = CheckConflicts(conflicts, stage.clock, lambda: None)

    news = await check(THEY)
    written, before = traffic.largest, traffic.read
    left = await stage.unchecked()
    again = await check(THEY)

    assert 230 * 2 * LONG > 16 * 1024 * 1024
    assert (news, again, left) == (230, 0, [])
    assert written < PORTION + 2 * 2 * LONG
    assert traffic.read - before < 3 * LONG, "to look at them again no words are read"
    assert all(one.conflicts == (one.span,) for one in await conflicts.ahead(THEY, 0))


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_of_a_long_list_no_more_is_read_than_a_page_beyond_what_is_told(
    stage: Stage, counted: AsyncIOMotorClient[Document], database: str, traffic: Traffic, platform: Platform
) -> None:
    await keep(stage, [at_hour(hour) for hour in range(24, 224)])
    reading = replace(stage, bookings=MongoBookings(counted, MovedClock(), database))

    async with serving(reading, platform) as http:
        answer = await http.get(LIST, params=DAYS)

    assert len(answer.content) <= MOST_BYTES + 100
    assert len(answer.json()["items"]) > 40
    assert traffic.read < 2 * MOST_BYTES + 10 * LONG


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_one_appointment_may_be_changed_more_often_than_a_document_holds(stage: Stage) -> None:
    lives = [at_hour(24)]
    for lap in range(450):
        words = Agreed(lives[0].agreed.span, "Coupe", None, f"{lap:05}{NOTES[5:]}")
        lives.append(lives[-1].with_agreed(words, ACT))

    await keep(stage, lives)
    told = await stage.publish()

    assert len(lives) * LONG > 16 * 1024 * 1024
    assert [one.revision for one in told] == [1, *range(told[1].revision, 452)]
    assert len(told) <= WAITING
    assert told[-1].agreed == lives[-1].agreed


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_of_what_waits_no_more_is_read_at_once_than_fits(
    stage: Stage, counted: AsyncIOMotorClient[Document], database: str, traffic: Traffic
) -> None:
    several = [at_hour(hour) for hour in range(24, 36)]
    for lap in range(7):
        await keep(stage, several)
        several = [one.with_agreed(replace(one.agreed, title=f"Coupe {lap}"), ACT) for one in several]
    publish = PublishPending(MongoOutbox(counted, database), stage.announcer, stage.clock)

    told = await publish()

    assert told == 12 * 7
    assert len(stage.announcer.told) * LONG > 3 * MOST_BYTES / 2
    assert traffic.largest_read < MOST_BYTES + LONG


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_of_one_appointment_what_waits_is_not_read(
    stage: Stage, counted: AsyncIOMotorClient[Document], database: str, traffic: Traffic
) -> None:
    lives = [at_hour(24)]
    for lap in range(4):
        lives.append(lives[-1].with_agreed(replace(lives[-1].agreed, title=f"Coupe {lap}"), ACT))
    await keep(stage, lives)
    bookings = MongoBookings(counted, MovedClock(), database)

    found = await bookings.find(THEY.account_id, lives[-1].id)

    assert found == lives[-1]
    assert traffic.read < 2 * LONG


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_long_list_goes_on_where_it_says(stage: Stage, platform: Platform, *, cancelled: bool) -> None:
    await connections(stage.timeline, connected())
    several = [at_hour(hour) for hour in range(24, 84)]
    await keep(stage, several)
    over = [at_hour(50, number=number) for number in range(1, 61)]
    await keep(stage, over)
    await keep(stage, [one.cancelled(ACT) for one in over])

    async with serving(stage, platform) as http:
        answers = await all_of(http, LIST, {**DAYS, "cancelled": str(cancelled).lower()})

    wanted = sorted(several + over if cancelled else several, key=lambda one: one.place)
    assert len(answers) == (3 if cancelled else 2)
    assert all(len(answer.content) <= MOST_BYTES + 100 for answer in answers)
    assert [item["id"] for answer in answers for item in answer.json()["items"]] == [one.id for one in wanted]


async def test_a_list_of_more_than_a_thousand_goes_on_too(stage: Stage, platform: Platform) -> None:
    slots = [BlockedSlot(f"off-{number:04}", THEY, span(24, 25), None, NOW) for number in range(1_050)]

    async def decide(desk: Desk) -> None:
        for slot in slots:
            desk.block(slot)

    await stage.bookings.alone(THEY, decide)

    async with serving(stage, platform) as http:
        answers = await all_of(http, SLOTS, DAYS)

    told = [[item["id"] for item in answer.json()["items"]] for answer in answers]
    assert [len(ids) for ids in told] == [1_000, 50]
    assert [one for ids in told for one in ids] == [slot.id for slot in slots]


async def test_one_that_is_too_long_by_itself_is_told(
    stage: Stage, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("availability.inbound.http.lists.MOST_BYTES", 1_000)
    await keep(stage, [at_hour(24), at_hour(25)])

    async with serving(stage, platform) as http:
        answers = await all_of(http, LIST, DAYS)

    assert [len(answer.json()["items"]) for answer in answers] == [1, 1]


@pytest.mark.parametrize("after", ["", "2026-03-02T00:00:00Z", "1.", ".a", "1.a b", "-1.a", "1234567890123.a", "1.é"])
async def test_a_place_that_was_never_told_is_refused(memory: MemoryTimeline, platform: Platform, after: str) -> None:
    headers = platform.person(scope="appointments:write")
    transport = httpx.ASGITransport(served(memory, platform))

    async with httpx.AsyncClient(transport=transport, base_url="http://availability", headers=headers) as http:
        answers = [await http.get(there, params={**DAYS, "after": after}) for there in (LIST, SLOTS)]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_request")}


def serving(stage: Stage, platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served(MemoryTimeline(), platform, stage))
    headers = platform.person(scope="appointments:write")
    return httpx.AsyncClient(transport=transport, base_url="http://availability", headers=headers, timeout=30)


async def all_of(http: httpx.AsyncClient, there: str, question: dict[str, Any]) -> list[httpx.Response]:
    """The answers until one says no more."""
    answers = [await http.get(there, params=question)]
    while "next" in answers[-1].json():
        answers.append(await http.get(there, params={**question, "after": answers[-1].json()["next"]}))
    return answers
