"""A user whose calendars hold far more than anybody looks at is answered, and costs nobody else anything."""

from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from services.availability.tests.booking_stage import STALE_AFTER, Stage
from services.availability.tests.examples import (
    DAY,
    HOME,
    NOW,
    THEY,
    TODAY,
    USER,
    WORK,
    at,
    connected,
    imported,
    span,
)
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import memory_stage, served
from services.availability.tests.stories import connections, events
from services.availability.tests.tokens import Platform

from availability.application.answer import Answers
from availability.application.refusals import SlotTaken
from availability.domain.blocking import AllDayRule, Facts
from availability.domain.busy import CONFLICTS, Known, KnownEvent, KnownOccurrences, busy, in_the_way
from availability.domain.freshness import Ageing, Connection
from availability.domain.intervals import Span, Window, meets
from availability.domain.why import MOST, Why, why
from availability.outbound.mongo import MongoTimeline
from availability.outbound.mongo.documents import Document, packed
from availability.outbound.mongo.earliest import Earliest
from availability.outbound.mongo.questions import question
from availability.outbound.mongo.reading import TimeTaken, read
from contracts.facts import OccurrenceFacts

MOMENTS = tuple((TODAY + 20 * number, TODAY + 20 * number + 10) for number in range(5_000))
"""A rule may say that something happens each twenty seconds."""
WEEK = Window(TODAY, TODAY + 7 * DAY)
LARGEST_DOCUMENT = 16 * 1024 * 1024
AGEING = Ageing(NOW, STALE_AFTER)


def drawn(seed: int, count: int) -> Iterator[Span]:
    """Spans of any length around the week, also none, and some of them twice."""
    dice = Random(seed)  # noqa: S311 - draws examples, guards nothing
    for _ in range(count):
        start = TODAY + dice.randint(-DAY, 8 * DAY)
        yield from [(start, start + dice.choice((0, 1, 600, 3_600)))] * dice.randint(1, 2)


@pytest.mark.parametrize("count", [0, 10, 60_000])
def test_the_time_that_is_taken_is_the_same_in_pieces(count: int) -> None:
    spans = [*drawn(count, count)]
    taken = TimeTaken(WEEK)
    for first in range(0, count, 700):
        taken.add(packed(spans[first : first + 700]))
    taken.add(packed(spans[count - count % 700 :]))
    home = Connection("c", 1, ((HOME, AllDayRule.AS_MARKED),))

    whole, left = (Known((home,), (KnownOccurrences(HOME, Facts(), some),)) for some in (spans, taken.spans()))

    assert busy(left, WEEK, AGEING) == busy(whole, WEEK, AGEING)
    assert in_the_way(left, (WEEK.start, WEEK.end)) == in_the_way(whole, (WEEK.start, WEEK.end))


def test_what_is_told_first_is_the_same_when_no_more_is_kept() -> None:
    home = Connection("c", 1, ((HOME, AllDayRule.AS_MARKED),))
    whole: list[KnownOccurrences] = []
    kept: list[KnownOccurrences] = []
    for marked in (Facts(), Facts(transparent=True)):
        earliest = Earliest()
        for number in range(40):
            event = KnownEvent(f"{number}")
            spans = [one for one in drawn(number, 5_000 // (number + 1)) if meets(one, WEEK) and one[0] < one[1]]
            whole.append(KnownOccurrences(HOME, marked, spans, event))
            earliest.add(event, spans)
        kept += [KnownOccurrences(HOME, marked, spans, event) for event, spans in earliest]

    found = why(Known((home,), tuple(kept)), WEEK, AGEING)

    assert found == why(Known((home,), tuple(whole)), WEEK, AGEING)
    assert (len(found.blocking), len(found.ignored)) == (MOST, MOST)
    assert (found.more_blocking, found.more_ignored) == (True, True)
    assert sum(len(one.spans) for one in kept) <= 2 * (MOST + 1 + 40)
    assert {one.event for one in kept} == {one.event for one in whole}


async def test_of_what_is_in_the_way_of_a_booking_so_much_is_told(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await events(stage.timeline, imported("event-1", *MOMENTS))

    with pytest.raises(SlotTaken) as refused:
        await stage.book((TODAY, TODAY + 80 * DAY), key="k")
    with pytest.raises(SlotTaken) as again:
        await stage.book((TODAY, TODAY + 80 * DAY), key="k")

    assert len(refused.value.taken) == len(again.value.taken) == CONFLICTS
    assert (refused.value.taken[0][0], refused.value.taken[-1][1]) == (MOMENTS[0][0], MOMENTS[-1][1])


async def test_an_explanation_tells_a_thousand_of_each_side_and_that_there_are_more(
    memory: MemoryTimeline, platform: Platform
) -> None:
    await connections(memory, connected([HOME]))
    await events(memory, imported("event-1", *MOMENTS), imported("event-2", span(1, 2), calendar=WORK))
    setup = {"conflict_calendars": [{"id": WORK}]}
    asked = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}
    transport = httpx.ASGITransport(served(memory, platform, memory_stage(memory)))

    async with httpx.AsyncClient(transport=transport, base_url="http://a", headers=platform.person()) as http:
        now = (await http.get(f"/v1/users/{USER}/why", params=asked)).json()
        then = (await http.post(f"/v1/users/{USER}/preview", json={**asked, "setup": setup})).json()

    assert (len(now["blocking"]), len(now["ignored"]), now["more"]) == (1_000, 1, ["blocking"])
    assert (len(then["blocking"]), len(then["ignored"]), then["more"]) == (1, 1_000, ["ignored"])


async def crowd(mongo: AsyncIOMotorClient[Document], database: str, timeline: MongoTimeline, count: int) -> None:
    """So many events like one."""
    await events(timeline, imported("event", *MOMENTS))
    collection = mongo[database]["timeline"]
    one = await collection.find_one({"_id": "event"})
    assert one is not None
    await collection.insert_many([{**one, "_id": f"crowd-{number}"} for number in range(count)])


class Replies(CommandListener):
    """How often the server refused, and how often it was asked to go on."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.asked: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.asked.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None:
        self.codes.append(event.failure.get("code", 0))


@pytest.mark.servers
@pytest.mark.parametrize("timeline", ["mongo"], indirect=True)
async def test_more_than_a_document_holds_is_answered_and_holds_up_nobody_who_is_asked_about_with_it(
    stage: Stage, mongo: AsyncIOMotorClient[Document], mongodb_url: str, database: str, mongo_timeline: MongoTimeline
) -> None:
    await connections(stage.timeline, connected([HOME]), connected(connection="other", user="user-2"))
    await events(stage.timeline, imported("event-2", span(11, 12), connection="other", user="user-2"))
    booked = await stage.book(span(4, 5, day=3))
    await crowd(mongo, database, mongo_timeline, LARGEST_DOCUMENT // (len(MOMENTS) * 16) + 1)
    answers = Answers(stage.timeline, stage.clock, STALE_AFTER)
    replies = Replies()

    together = await answers.busy_of(THEY.account_id, [USER, "user-2"], WEEK)
    explained = await answers.why(THEY, WEEK, titles=False)
    shown = await stage.look_at(booked)
    watched: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongodb_url, event_listeners=[replies])
    heaps = await _read(watched, database)
    watched.close()

    assert together[USER].spans == (*MOMENTS, booked.appointment.agreed.span)
    assert together["user-2"].spans == (span(11, 12),)
    assert shown == booked
    assert (len(explained.blocking), explained.more_blocking) == (MOST, True)
    assert replies.codes == [10334], "one by one is the way out, not the way"
    assert sum(len(sheet) for heap in heaps for sheet in heap.get("sheet", ())) == len(MOMENTS) * 16


@pytest.mark.servers
async def test_ordinary_calendars_are_read_in_one_go(
    mongo: AsyncIOMotorClient[Document], mongodb_url: str, database: str, mongo_timeline: MongoTimeline
) -> None:
    await connections(mongo_timeline, connected([HOME]))
    await crowd(mongo, database, mongo_timeline, 2)
    replies = Replies()
    watched: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongodb_url, event_listeners=[replies])

    heaps = await _read(watched, database)
    watched.close()

    assert [one for one in replies.asked if one in {"aggregate", "find", "getMore"}] == ["aggregate"]
    assert sum(len(sheet) for heap in heaps for sheet in heap["sheet"]) == 3 * len(MOMENTS) * 16


async def _read(client: AsyncIOMotorClient[Document], database: str) -> list[Document]:
    await client.admin.command("ping")
    timeline: Any = client[database]["timeline"]
    return read(timeline.delegate, question(*THEY, WEEK), WEEK)


@pytest.mark.servers
async def test_of_all_day_events_that_happen_often_the_last_time_is_enough(mongo_timeline: MongoTimeline) -> None:
    free = OccurrenceFacts(all_day=True, transparent=True)
    daily = [span(0, 24, day=day) for day in range(-40, 200)]
    long = (at(0, day=-30), at(0, day=900))
    await connections(mongo_timeline, connected([HOME]))
    await events(
        mongo_timeline,
        imported("over", *daily[:30], facts=free),
        imported("ahead", *daily, facts=free),
        imported("years", long, *daily[:30], facts=free),
    )

    found = await mongo_timeline.all_day_free(*THEY, int(NOW.timestamp()))

    assert {one.event.id: one.spans for one in found if one.event} == {"ahead": (daily[-1],), "years": (long,)}


def test_no_more_is_told_to_come_where_all_of_it_is_told() -> None:
    home = Connection("c", 1, ((HOME, AllDayRule.AS_MARKED),))
    exactly = KnownOccurrences(HOME, Facts(), MOMENTS[:MOST], KnownEvent("event-1"))

    found: Why = why(Known((home,), (exactly,)), WEEK, AGEING)

    assert (len(found.blocking), found.more_blocking, found.more_ignored) == (MOST, False, False)
