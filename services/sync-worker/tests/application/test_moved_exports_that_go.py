"""What the user made of our appointments takes time: that many of them go at once is doubted as of any events."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.events import HoldState, RemovalsHeld
from worker_appointments import START, Desk, booked, cancelled
from worker_examples import HOUR
from worker_stage import Stage

NAMES = [f"{n:032}" for n in range(4)]
DAY, NEXT_DAY = ":20270302T", ":20270303T"
HELD, CONFIRMED = HoldState.HELD, HoldState.CONFIRMED
Look = Callable[[Desk], None]


@pytest.fixture
async def desk() -> Desk:
    """Four appointments are in iCloud, and have come back."""
    found = Desk(Stage())
    await found.open()
    await book(found, NAMES)
    return found


async def book(desk: Desk, names: list[str]) -> None:
    for n, one in enumerate(names):
        await desk.hear(booked(one, start=START + n * HOUR, end=START + (n + 1) * HOUR))
    await desk.stage.sync(2)


async def edit(desk: Desk, old: str, new: str) -> None:
    for one in NAMES:
        desk.edit(one, old, new)
    await desk.stage.sync()


def lose_tokens(desk: Desk) -> None:
    """From now on calendars are listed."""
    desk.home.dead_before = 1_000


def wait_for_the_days_work(desk: Desk) -> None:
    desk.stage.now += timedelta(days=1)


LOOKS: list[Look] = [lambda _: None, lose_tokens, wait_for_the_days_work]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    ("old", "new"), [(DAY, NEXT_DAY), ("SUMMARY:Coupe", "RRULE:FREQ=WEEKLY;COUNT=3\r\nSUMMARY:Coupe")]
)
async def test_what_takes_a_time_of_its_own_is_guarded(desk: Desk, look: Look, old: str, new: str) -> None:
    await edit(desk, old, new)

    look(desk)
    for one in NAMES:
        desk.delete(one)
    await desk.stage.sync()
    during = [desk.stage.heard(desk.href(one)) for one in NAMES]
    await desk.stage.sync(2)

    assert None not in during
    assert desk.stage.holds() == [("emptied", HELD), ("emptied", CONFIRMED)]
    assert desk.stage.events.topic() == {}
    assert set(desk.told()[-4:]) == {("deleted", 1)}


@pytest.mark.parametrize("look", LOOKS)
async def test_what_lies_as_agreed_is_not_counted_beside_it(desk: Desk, look: Look) -> None:
    await book(desk, untouched := [f"{n:032}" for n in range(10, 22)])
    await edit(desk, DAY, NEXT_DAY)

    look(desk)
    for one in (*NAMES, *untouched):
        desk.delete(one)
    await desk.stage.sync()

    (held,) = desk.stage.events.of(RemovalsHeld)
    assert isinstance(held, RemovalsHeld)
    assert (held.known, held.missing) == (4, 4)


@pytest.mark.parametrize("look", LOOKS)
async def test_what_the_user_only_renamed_raises_no_doubt(desk: Desk, look: Look) -> None:
    await edit(desk, "SUMMARY:Coupe", "SUMMARY:Coiffure")

    look(desk)
    for one in NAMES:
        desk.delete(one)
    await desk.stage.sync()

    assert desk.stage.events.topic() == {}
    assert desk.stage.holds() == []


@pytest.mark.parametrize("look", LOOKS)
async def test_what_crococlick_cancels_raises_no_doubt_wherever_the_user_had_moved_it(desk: Desk, look: Look) -> None:
    await edit(desk, DAY, NEXT_DAY)

    look(desk)
    for one in NAMES:
        await desk.hear(cancelled(one, 2))
    await desk.stage.sync(2)

    assert desk.home.texts == {}
    assert desk.stage.events.topic() == {}
    assert desk.stage.holds() == []
