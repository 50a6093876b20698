"""What the user says about removals that are held."""

from datetime import timedelta

import pytest

from contracts.events import HoldState
from icloud import NotUnderstood
from sync_worker.domain.holds import Wish
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
MINUTE = timedelta(minutes=1)
HELD, CONFIRMED, DROPPED = HoldState.HELD, HoldState.CONFIRMED, HoldState.DROPPED


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def full(stage: Stage, home: FakeCalendar, size: int = 30) -> list[str]:
    """A calendar of so many events, read once; it is ten minutes later then."""
    hrefs = [home.put(f"e{n:02}", ics(f"uid-{n}", TUESDAY)) for n in range(size)]
    await stage.follow(home)
    await stage.sync()
    return hrefs


async def soon(stage: Stage) -> None:
    """A pass one minute after the one before."""
    stage.now -= 9 * MINUTE
    await stage.sync()


def lie(home: FakeCalendar, *, left: int = 0) -> dict[str, tuple[str, str]]:
    """The server shows so few events and has forgotten our token; returns the truth."""
    true = dict(home.texts)
    home.texts = dict(list(true.items())[:left])
    home.log.append("a lie")
    home.dead_before = len(home.log)
    return true


async def test_who_confirms_does_not_wait(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    for n in range(30):
        home.delete(f"e{n:02}")
    await stage.sync()

    await stage.wish(home, Wish.CONFIRM)
    await soon(stage)

    assert len(stage.removals()) == 30
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]
    assert (await stage.claim()).wishes == {}


async def test_a_confirmation_removes_nothing_that_is_there_again(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    true = lie(home)
    await stage.sync()

    home.texts = true
    await stage.wish(home, Wish.CONFIRM)
    await soon(stage)

    assert len(stage.removals()) == 0
    assert [state for _, state in stage.holds()] == [HELD, DROPPED]


async def test_who_wants_to_keep_them_is_believed_for_a_day(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    for n in range(20):
        home.delete(f"e{n:02}")
    await stage.sync()

    await stage.wish(home, Wish.KEEP)
    await stage.sync(3)
    stage.now += timedelta(hours=23)
    await stage.sync()
    kept = len(stage.removals())
    stage.now += timedelta(hours=1)
    await stage.sync()

    assert kept == 0
    assert len(stage.removals()) == 20
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]


async def test_a_wish_about_nothing_is_forgotten(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    await stage.wish(home, Wish.CONFIRM)
    await stage.sync()

    lie(home)
    await stage.sync()
    await soon(stage)

    assert len(stage.removals()) == 0
    assert [state for _, state in stage.holds()] == [HELD]


async def test_a_confirmation_waits_for_a_calendar_that_cannot_be_asked(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    for n in range(20):
        home.delete(f"e{n:02}")
    await stage.sync()
    await stage.wish(home, Wish.CONFIRM)
    stage.icloud.troubles["listing", home.path] = NotUnderstood("odd")
    await soon(stage)

    stage.icloud.troubles.clear()
    await soon(stage)

    assert len(stage.removals()) == 20
