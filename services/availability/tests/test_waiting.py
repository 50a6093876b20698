"""What waits of one appointment stays small, however long Kafka is away: of what is superseded the last is told."""

import random
from datetime import timedelta

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import NOW, THEY, connected, imported, span
from services.availability.tests.stories import connections, events

from availability.domain.appointments import WAITING, Agreed, Announcement, News, still_told
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.pending import pending_document, pending_from, with_pending


async def test_of_many_changes_that_wait_the_last_is_told_with_the_time_before_the_first(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    shown = await stage.book(span(9, 10))
    for lap in range(4):
        shown = await stage.change(shown, span(19, 20), title=f"${lap}")
        await events(stage.timeline, imported("event-1", span(19, 19.5), revision=2 * lap + 1))
        await stage.check()
        shown = await stage.change(await stage.look_at(shown), notes=f"$$ROOT {lap}")
        await events(stage.timeline, imported("event-1", span(1, 2), revision=2 * lap + 2))
        await stage.check()
        shown = await stage.change(await stage.look_at(shown), span(21, 22))
    assert [len(several) for several in await stage.waiting()] == [3]

    told = await stage.publish()

    assert [(one.news, one.revision) for one in told] == [
        (News.BOOKED, 1),
        (News.CONFLICT_OVER, 20),
        (News.RESCHEDULED, 21),
    ]
    assert (told[2].agreed, told[2].previous) == (shown.appointment.agreed, span(9, 10))
    assert told[2].agreed.notes == "$$ROOT 3"


async def test_there_and_back_again_is_told_as_from_the_time_before_the_last_move(stage: Stage) -> None:
    shown = await stage.book(span(9, 10))
    for lap in range(WAITING // 2):
        shown = await stage.change(shown, span(11, 12), title=f"Coupe {lap}")
        shown = await stage.change(shown, span(9, 10))
    await stage.cancel(shown)

    told = await stage.publish()

    assert [(one.news, one.previous) for one in told] == [
        (News.BOOKED, None),
        (News.RESCHEDULED, span(11, 12)),
        (News.CANCELLED, None),
    ]
    assert [one.revision for one in told] == [1, WAITING + 1, WAITING + 2]


async def test_who_heard_a_time_that_is_over_is_never_told_that_it_stays(stage: Stage) -> None:
    shown = await stage.book(span(9, 10))
    for lap in range(WAITING - 1):
        shown = await stage.change(shown, span(13, 14) if lap % 2 else span(11, 12))
    ((*_, heard),) = await stage.waiting()
    await stage.change(shown, span(9, 10))

    told = await stage.publish()

    assert (heard.revision, heard.agreed.span) == (WAITING, span(11, 12))
    assert [(one.news, one.revision, one.previous) for one in told] == [
        (News.BOOKED, 1, None),
        (News.RESCHEDULED, WAITING + 1, span(11, 12)),
    ]


async def test_as_many_as_may_wait_are_told_as_they_came(stage: Stage) -> None:
    shown = await stage.book(span(9, 10))
    for lap in range(WAITING - 1):
        shown = await stage.change(shown, title=f"Coupe {lap}")

    told = await stage.publish()

    assert [one.revision for one in told] == [*range(1, WAITING + 1)]


def waiting(seed: int) -> list[Announcement]:
    """Any news in any order, a few more or less than may wait."""
    drawn = random.Random(seed)  # noqa: S311 - draws examples, guards nothing
    spans = [span(hour, hour + 1) for hour in range(3)]
    several = []
    for revision in range(1, WAITING + drawn.randint(-1, 5)):
        news = drawn.choice([*News])
        previous = drawn.choice(spans) if news is News.RESCHEDULED else None
        conflicts = (drawn.choice(spans),) if news is News.IN_CONFLICT else ()
        agreed = Agreed(drawn.choice(spans), f"${revision}")
        at = NOW + timedelta(seconds=revision)
        several.append(Announcement("apt-1", THEY, None, revision, at, news, agreed, previous, conflicts))
    return several


@pytest.mark.servers
async def test_the_server_works_it_out_as_we_do(mongo: AsyncIOMotorClient[Document], database: str) -> None:
    for several in map(waiting, range(60)):
        *before, last = [pending_document(one) for one in several]
        found = mongo[database].aggregate(
            [{"$documents": [{"pending": {"$literal": before}}]}, {"$project": {"pending": with_pending(last)}}]
        )

        (document,) = await found.to_list(1)

        assert pending_from({"_id": "apt-1", **THEY._asdict(), **document}) == still_told(several)


def test_what_waits_is_bounded_and_ends_as_it_ended() -> None:
    for several in map(waiting, range(60)):
        left = still_told(several)

        news = [one.news for one in left if one.news not in {News.BOOKED, News.CANCELLED}]
        assert left[-1].agreed == several[-1].agreed or several[-1].news in {News.IN_CONFLICT, News.CONFLICT_OVER}
        assert len(several) <= WAITING or len(news) <= 2
        assert {one.revision for one in left} <= {one.revision for one in several}
