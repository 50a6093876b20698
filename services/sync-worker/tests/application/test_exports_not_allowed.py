"""Nothing is written that the user does not allow: after their word at most the request that was on its way then."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from contracts.facts import Access
from icloud import ListedCalendar, TryLater
from sync_worker.application.claim import LeaseLost
from worker_appointments import START, Desk, booked, cancelled, rescheduled
from worker_examples import HOUR, disconnected
from worker_fakes import FakeICloud
from worker_stage import Stage

ONE, TWO = "a" * 32, "b" * 32
MANY = [f"{n:032}" for n in range(12)]


@pytest.mark.parametrize("way", ["read_only", "unlinked"])
async def test_nothing_is_ever_written_that_the_user_did_not_allow(way: str) -> None:
    desk = Desk(Stage())
    await desk.open()
    await desk.say(booked(ONE))
    written = desk.stage.icloud.writes()

    await desk.link(
        desk.home if way == "read_only" else None, **({"access": Access.READ_ONLY} if way == "read_only" else {})
    )
    for news in (rescheduled(ONE, 2, title="Other"), cancelled(ONE, 3), booked(TWO)):
        await desk.say(news)
    await desk.stage.sync(8)

    assert desk.stage.icloud.writes() == written
    assert desk.told() == [("exported", 1)]


class Interrupted(FakeICloud):
    """Has the user say something while a request is under way, once for each word."""

    def __init__(self) -> None:
        super().__init__()
        self.during: dict[str, Callable[[], Awaitable[None]]] = {}

    async def calendars(self) -> list[ListedCalendar]:
        await self._meanwhile("calendars")
        return await super().calendars()

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None:
        await self._meanwhile("put")
        return await super().put(href, text, if_match=if_match)

    async def delete(self, href: str, *, if_match: str | None) -> None:
        await self._meanwhile("delete")
        await super().delete(href, if_match=if_match)

    async def _meanwhile(self, call: str) -> None:
        said = self.during.pop(call, None)
        if said is not None:
            await said()


async def forbid(desk: Desk) -> None:
    await desk.link(desk.home, access=Access.READ_ONLY)


async def unlink(desk: Desk) -> None:
    await desk.link(None)


async def link_another(desk: Desk) -> None:
    await desk.link(desk.work)


async def disconnect(desk: Desk) -> None:
    one = desk.stage.connection_id
    await desk.stage.store.connections.end(one, epoch=1, revision=1_000, whose=disconnected(one))


Word = Callable[[Desk], Awaitable[None]]
WORDS: list[Word] = [forbid, unlink, link_another, disconnect]


async def stage_of_many() -> tuple[Desk, Interrupted]:
    """Twelve appointments wait to be written."""
    icloud = Interrupted()
    desk = Desk(Stage(icloud=icloud))
    await desk.open()
    for n, one in enumerate(MANY):
        await desk.hear(booked(one, start=START + n * HOUR, end=START + (n + 1) * HOUR))
    return desk, icloud


async def one_pass(desk: Desk, icloud: Interrupted, call: str, word: Word) -> list[str]:
    """What is asked to be written in a pass during which the user says this while the first such call is under way."""
    icloud.asked.clear()
    icloud.during[call] = lambda: word(desk)
    claim = await desk.stage.claim()
    with suppress(LeaseLost):
        await desk.stage.worker()(claim)
    return icloud.writes()


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("call", "leave"), [("calendars", []), ("put", ["put"])])
async def test_after_the_users_word_nothing_is_written_but_what_was_on_its_way(
    call: str, leave: list[str], word: Word
) -> None:
    desk, icloud = await stage_of_many()

    assert await one_pass(desk, icloud, call, word) == leave
    assert set(desk.told()) <= {("exported", 1)}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("call", "leave"), [("calendars", []), ("delete", ["delete"])])
async def test_after_the_users_word_nothing_is_taken_away_but_by_what_was_on_its_way(
    call: str, leave: list[str], word: Word
) -> None:
    desk, icloud = await stage_of_many()
    await desk.stage.sync()
    for one in MANY:
        await desk.hear(cancelled(one, 2))

    assert await one_pass(desk, icloud, call, word) == leave


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("word", [forbid, unlink, link_another])
async def test_what_was_on_its_way_is_known_and_goes_on_as_set_up_then(word: Word, *, lost: bool) -> None:
    desk, icloud = await stage_of_many()
    if lost:
        icloud.lost["put", desk.home.path] = TryLater(None, "timeout")
    await one_pass(desk, icloud, "put", word)
    there = len(desk.texts())

    await desk.link(desk.work)
    await desk.stage.sync(2)

    assert there == 1
    assert (len(desk.texts()), len(desk.texts(desk.work))) == (0, 12)


@pytest.mark.parametrize("lost", [False, True])
async def test_what_was_on_its_way_is_taken_away_once_that_is_allowed(*, lost: bool) -> None:
    desk, icloud = await stage_of_many()
    if lost:
        icloud.lost["put", desk.home.path] = TryLater(None, "timeout")
    await one_pass(desk, icloud, "put", forbid)
    for one in MANY:
        await desk.hear(cancelled(one, 2))

    await desk.link(desk.home)
    await desk.stage.sync(2)

    assert desk.texts() == []
    assert icloud.writes() == ["put", "delete"]


async def test_a_new_copy_that_was_on_its_way_does_not_stand_beside_the_old_one_for_ever() -> None:
    desk, icloud = await stage_of_many()
    await desk.stage.sync()
    await desk.link(desk.work)

    left = await one_pass(desk, icloud, "put", unlink)
    both = len(desk.texts()), len(desk.texts(desk.work))
    await desk.link(desk.home)
    await desk.stage.sync(2)

    assert (left, both) == (["put"], (12, 1))
    assert (len(desk.texts()), len(desk.texts(desk.work))) == (12, 0)


async def test_what_the_user_did_is_told_though_nothing_may_be_written_any_more() -> None:
    desk, icloud = await stage_of_many()
    await desk.say(booked(ONE, start=START - HOUR, end=START))
    await desk.stage.sync()
    desk.edit(ONE, "SUMMARY:Coupe", "SUMMARY:Coiffure")
    await desk.hear(rescheduled(MANY[0], 2, title="Coloration"))
    desk.stage.events.said.clear()

    left = await one_pass(desk, icloud, "put", forbid)

    assert left == ["put"]
    assert desk.told() == [("exported", 2), ("edited", 1)]


async def test_an_appointment_that_was_refused_at_the_door_was_never_there() -> None:
    desk, icloud = await stage_of_many()
    await one_pass(desk, icloud, "calendars", forbid)
    await desk.link(desk.home)
    icloud.asked.clear()

    await desk.hear(cancelled(MANY[0], 2))
    await desk.stage.sync()

    assert ("get", desk.home.path) not in icloud.asked
    assert len(desk.texts()) == 11
    assert ("exported", 2) not in desk.told()
