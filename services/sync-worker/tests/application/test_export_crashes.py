"""A process that dies anywhere while it exports leaves one object in the right version, and nothing untold."""

from collections.abc import Awaitable, Callable

import pytest

from worker_appointments import START, Desk, booked, cancelled, rescheduled
from worker_crashes import Fate, Killed, deadly
from worker_examples import HOUR
from worker_stage import Stage
from worker_stores import Database, Store, fake_store

ONE, TWO = "a" * 32, "b" * 32
Story = Callable[[Desk], Awaitable[None]]


async def book(desk: Desk) -> None:
    await desk.hear(booked(ONE))
    await desk.hear(booked(TWO, start=START + HOUR, end=START + 2 * HOUR))


async def move(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.hear(rescheduled(ONE, 2, start=START + HOUR, end=START + 2 * HOUR))


async def cancel(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.hear(cancelled(ONE, 2))


async def link_another(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.link(desk.work)


async def edited(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.stage.sync()
    desk.edit(ONE, "SUMMARY:Coupe", "SUMMARY:Coiffure")


STORIES = [book, move, cancel, link_another, edited]


def is_there(desk: Desk) -> list[list[str]]:
    """What both calendars show in the end, but for the moments of writing."""
    return [
        sorted(line for text in desk.texts(one) for line in text.splitlines() if not line.startswith(("DTST", "LAST-")))
        for one in (desk.home, desk.work)
    ]


def ends(desk: Desk) -> dict[str, tuple[str, int]]:
    """What was said last of each appointment."""
    return {one.key: said for one, said in zip(desk.news(), desk.told(), strict=True)}


async def survive(desk: Desk, fate: Fate, meanwhile: Story | None = None) -> None:
    """One pass of a process with this fate, and two of whoever comes after it."""
    stage = desk.stage
    claim = await stage.claim()
    try:
        await stage.worker(deadly(stage.neighbours(), fate))(claim)
    except Killed:
        await stage.store.leases().release([claim])
    if meanwhile:
        await meanwhile(desk)
    await stage.sync(2)


async def play(story: Story, store: Store, fate: Fate, meanwhile: Story | None = None) -> Desk:
    desk = Desk(Stage(store=store))
    await desk.open()
    await story(desk)
    await survive(desk, fate, meanwhile)
    return desk


@pytest.mark.parametrize("story", STORIES, ids=[story.__name__ for story in STORIES])
async def test_whenever_a_process_dies_the_calendars_end_up_the_same(story: Story) -> None:
    calm = Fate()
    expected = await play(story, fake_store(), calm)

    for moment in range(calm.moments):
        fate = Fate(at=moment)
        desk = await play(story, fake_store(), fate)

        assert (is_there(desk), ends(desk)) == (is_there(expected), ends(expected)), fate.where


async def test_what_is_cancelled_after_a_death_leaves_nothing_behind() -> None:
    async def cancel_both(desk: Desk) -> None:
        await desk.hear(cancelled(ONE, 2))
        await desk.hear(cancelled(TWO, 2))

    calm = Fate()
    await play(book, fake_store(), calm)

    for moment in range(calm.moments):
        fate = Fate(at=moment)
        desk = await play(book, fake_store(), fate, cancel_both)

        assert desk.home.texts == {}, fate.where


async def test_what_is_moved_after_a_death_is_not_taken_for_the_users_doing() -> None:
    async def move_again(desk: Desk) -> None:
        await desk.hear(rescheduled(ONE, 3, title="Coloration"))

    calm = Fate()
    await play(move, fake_store(), calm)

    for moment in range(calm.moments):
        fate = Fate(at=moment)
        desk = await play(move, fake_store(), fate, move_again)

        assert "SUMMARY:Coloration" in desk.texts()[0], fate.where
        assert {kind for kind, _ in desk.told()} == {"exported"}, fate.where


@pytest.mark.servers
@pytest.mark.parametrize("moment", range(6, 22, 5))
async def test_the_same_holds_on_a_real_mongodb(mine: Database, moment: int) -> None:
    expected = await play(book, fake_store(), Fate())

    desk = await play(book, mine.store(), Fate(at=moment))

    assert (is_there(desk), ends(desk)) == (is_there(expected), ends(expected))
