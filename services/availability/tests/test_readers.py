"""Threads are shared fairly: whose questions take long leaves threads to all others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.examples import DAY, NOW, THEY, TODAY, connected
from services.availability.tests.stories import connections

from availability.domain.intervals import Window
from availability.domain.users import User
from availability.outbound.mongo import MongoBookings, MongoTimeline
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.readers import Readers

SECONDS = 30
CROWDED, CALM = User("account-1", "crowded"), User("account-1", "calm")
WINDOW = Window(TODAY, TODAY + DAY)


@dataclass
class Long:
    """Work that takes until it is let go."""

    name: str
    begun: list[str]
    go: Event = field(default_factory=Event)

    def __call__(self) -> str:
        self.begun.append(self.name)
        assert self.go.wait(SECONDS)
        return self.name


@pytest.fixture
def readers() -> Readers:
    """Two of four threads are common, and one is everybody's share."""
    return Readers("tests", threads=4, common=2, share=1)


@pytest.fixture
def begun() -> list[str]:
    """What has begun."""
    return []


def asked(readers: Readers, whose: User, *works: Callable[[], str]) -> list["asyncio.Task[str]"]:
    return [asyncio.create_task(readers.read(whose, work)) for work in works]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - what threads do wakes no event of the loop
            await asyncio.sleep(0.001)


async def done(*tasks: "asyncio.Task[str]") -> list[str]:
    async with asyncio.timeout(SECONDS):
        return await asyncio.gather(*tasks)


async def test_others_are_answered_while_ones_questions_take_long(readers: Readers, begun: list[str]) -> None:
    long = [Long(f"{number}", begun) for number in range(6)]
    crowd = asked(readers, CROWDED, *long)
    await until(lambda: len(begun) == 2)

    answers = await done(*asked(readers, CALM, *[lambda: "calm"] * 20))

    assert answers == ["calm"] * 20
    assert sorted(begun) == ["0", "1"], "no more than the common threads"
    for one in long:
        one.go.set()
    assert await done(*crowd) == sorted(begun) == ["0", "1", "2", "3", "4", "5"]


async def test_whoever_has_more_than_a_share_goes_back_to_it_when_others_ask(
    readers: Readers, begun: list[str]
) -> None:
    long = [Long(f"{number}", begun) for number in range(4)]
    crowd = asked(readers, CROWDED, *long)
    await until(lambda: len(begun) == 2)
    other = Long("other", begun)
    calm = asked(readers, CALM, other)
    await until(lambda: "other" in begun)

    long[0].go.set()
    await until(lambda: readers._under_way == 2)

    assert sorted(begun) == ["0", "1", "other"]
    for one in (*long, other):
        one.go.set()
    assert await done(*crowd, *calm) == ["0", "1", "2", "3", "other"]


async def test_an_error_is_raised_where_it_was_asked_and_frees_its_place(readers: Readers, begun: list[str]) -> None:
    def fails() -> str:
        begun.append("failed")
        raise LookupError("canary")

    for _ in range(5):
        with pytest.raises(LookupError, match="canary"):
            await readers.read(CROWDED, fails)

    assert begun == ["failed"] * 5
    await until(lambda: not readers._lines)


async def test_what_nobody_waits_for_is_not_begun(readers: Readers, begun: list[str]) -> None:
    long = [Long(f"{number}", begun) for number in range(4)]
    crowd = asked(readers, CROWDED, *long)
    await until(lambda: len(begun) == 2)

    crowd[2].cancel()
    await asyncio.wait([crowd[2]])
    for one in long:
        one.go.set()

    assert await done(crowd[0], crowd[1], crowd[3]) == sorted(begun) == ["0", "1", "3"]
    await until(lambda: not readers._lines)


async def test_what_was_begun_keeps_its_place_until_it_ends(readers: Readers, begun: list[str]) -> None:
    long = [Long(f"{number}", begun) for number in range(3)]
    crowd = asked(readers, CROWDED, *long)
    await until(lambda: len(begun) == 2)

    crowd[0].cancel()
    crowd[1].cancel()
    await asyncio.wait(crowd[:2])
    assert await done(*asked(readers, CALM, lambda: "calm")) == ["calm"]

    assert sorted(begun) == ["0", "1"]
    assert readers._under_way >= 2
    for one in long:
        one.go.set()
    assert await done(crowd[2]) == ["2"]
    await until(lambda: not readers._lines)
    assert readers._under_way == 0


@pytest.mark.servers
async def test_a_decision_waits_for_no_question_about_its_user(
    mongo: AsyncIOMotorClient[Document], database: str, mongo_timeline: MongoTimeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = Readers("tests", threads=4, common=1, share=1)
    monkeypatch.setattr("availability.outbound.mongo.timeline._READERS", readers)
    await connections(mongo_timeline, connected())
    bookings = MongoBookings(mongo, lambda: NOW, database)
    begun: list[str] = []
    long = Long("long", begun)
    crowd = asked(readers, THEY, long)
    await until(lambda: bool(begun))

    question = asyncio.create_task(mongo_timeline.known(*THEY, WINDOW))
    other = await mongo_timeline.known(THEY.account_id, "somebody else", WINDOW)
    decided = await bookings.alone(THEY, lambda desk: desk.known(WINDOW))

    assert not question.done()
    assert other.connections == ()
    long.go.set()
    assert await done(*crowd) == ["long"]
    assert await question == decided
