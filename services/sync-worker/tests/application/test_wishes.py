"""What the user says about removals that are held."""

from datetime import timedelta

import pytest

from contracts.events import HoldState
from icloud import NotUnderstood, calendar_id
from sync_worker.application.track_connection import RequestSync
from sync_worker.domain.holds import Wish
from worker_examples import ics, requested
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
MINUTE = timedelta(minutes=1)
HELD, CONFIRMED, DROPPED = HoldState.HELD, HoldState.CONFIRMED, HoldState.DROPPED
KEPT = HELD
"""The word that says until when."""


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
    asked_again = len(stage.removals())
    await stage.sync()

    assert (kept, asked_again) == (0, 0)
    assert len(stage.removals()) == 20
    assert [state for _, state in stage.holds()] == [HELD, KEPT, HELD, CONFIRMED]


async def test_a_wish_about_nothing_is_forgotten(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    await stage.wish(home, Wish.CONFIRM)
    await stage.sync()

    lie(home)
    await stage.sync()
    await soon(stage)

    assert len(stage.removals()) == 0
    assert [state for _, state in stage.holds()] == [HELD]


async def test_a_confirmation_that_comes_late_is_not_about_what_is_held_by_then(
    stage: Stage, home: FakeCalendar
) -> None:
    await full(stage, home)
    true = lie(home)
    await stage.sync()
    asked = requested(
        stage.connection_id,
        requested_at=int(stage.now.timestamp()),
        confirm_removals=(calendar_id(stage.connection_id, home.path),),
    )
    home.texts = true
    home.log.append("the truth")
    await stage.sync(2)
    lie(home)
    await stage.sync()

    await RequestSync(stage.store.connections)(stage.connection_id, [asked])
    await soon(stage)

    assert [state for _, state in stage.holds()] == [HELD, DROPPED, HELD]
    assert len(stage.removals()) == 0


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


async def test_what_is_to_be_kept_is_kept_when_the_calendar_grows(stage: Stage, home: FakeCalendar) -> None:
    hrefs = await full(stage, home, 3)
    for n in range(3):
        home.delete(f"e{n:02}")
    await stage.sync()
    await stage.wish(home, Wish.KEEP)
    await soon(stage)

    home.put("new", ics("uid-new", FRIDAY))
    await stage.sync(2)

    assert [state for _, state in stage.holds()] == [HELD, KEPT]
    assert all(stage.heard(href) for href in hrefs)


async def test_what_is_to_be_kept_is_kept_when_the_calendar_is_listed_anew(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home, 21)
    for n in range(11):
        home.delete(f"e{n:02}")
    await stage.sync()
    await stage.wish(home, Wish.KEEP)
    await soon(stage)

    for n in range(2):
        home.put(f"new{n}", ics(f"uid-new-{n}", FRIDAY))
        home.dead_before = len(home.log)
        await soon(stage)

    assert [state for _, state in stage.holds()] == [HELD, KEPT]
    assert len(stage.removals()) == 0


async def test_a_confirmation_ends_a_hold_that_the_answers_leave_open(stage: Stage, home: FakeCalendar) -> None:
    (href,) = await full(stage, home, 1)
    home.unlisted.add(href)
    stage.now += timedelta(days=1)
    await stage.sync(2)
    held = [state for _, state in stage.holds()]

    await stage.wish(home, Wish.CONFIRM)
    await soon(stage)

    assert held == [HELD]
    assert [state for _, state in stage.holds()] == [HELD, DROPPED]
    assert stage.heard(href) is not None
    assert (await stage.claim()).wishes == {}


async def test_a_confirmation_is_not_about_a_calendar_that_vanishes_next(stage: Stage, home: FakeCalendar) -> None:
    work = stage.icloud.calendar("work")
    hrefs = [work.put(f"w{n:02}", ics(f"uid-w{n}", TUESDAY)) for n in range(30)]
    await stage.follow(home, work)
    await stage.sync()
    for n in range(20):
        work.delete(f"w{n:02}")
    await stage.sync()

    await stage.wish(work, Wish.CONFIRM)
    stage.icloud.hidden.add(work.path)
    await stage.sync(3)

    assert [doubt for doubt, _ in stage.holds()] == ["shrunken", "vanished"]
    assert all(stage.heard(href) for href in hrefs)


async def test_a_confirmation_that_comes_while_more_is_held_is_not_about_that(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home, 60)
    for n in range(35):
        home.delete(f"e{n:02}")
    await stage.sync()
    for n in range(35, 60):
        home.delete(f"e{n:02}")

    claim = await stage.claim()
    await stage.wish(home, Wish.CONFIRM)
    await stage.worker()(claim)
    await soon(stage)

    assert [state for _, state in stage.holds()] == [HELD, HELD]
    assert len(stage.removals()) == 0
