"""Removals that the user does not want: until when, who hears of it, and what comes after."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from contracts.events import CalendarAge, CalendarState, HoldState, RemovalsHeld
from icloud import Forbidden, NotUnderstood, calendar_id
from sync_worker.domain.holds import Wish
from worker_crashes import Fate, die
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HELD, CONFIRMED = HoldState.HELD, HoldState.CONFIRMED


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def work(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("work")


async def held(stage: Stage, *, known: int = 30, missing: int = 20) -> FakeCalendar:
    """Most of a calendar's events are missing, and held; it is ten minutes later then."""
    home = stage.icloud.calendar("home")
    for n in range(known):
        home.put(f"e{n:02}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    for n in range(missing):
        home.delete(f"e{n:02}")
    await stage.sync()
    return home


async def kept(stage: Stage) -> datetime:
    """They stay: the user has said so, and a pass has heard it, ten minutes ago; until when they do."""
    await held(stage)
    return await keep(stage)


async def keep(stage: Stage) -> datetime:
    """The user says that what is held stays, and a pass hears it; until when it does."""
    await stage.wish(stage.icloud.calendar("home"), Wish.KEEP)
    until = stage.now + DAY
    await stage.sync()
    return until


def said(stage: Stage) -> list[tuple[HoldState, int | None]]:
    """What is held, and until when it is kept."""
    return [(one.state, one.kept_until) for one in stage.events.of(RemovalsHeld) if isinstance(one, RemovalsHeld)]


def ages(stage: Stage) -> tuple[CalendarAge, ...]:
    return stage.events.completed()[-1].calendars


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


async def test_it_is_told_once_until_when_the_events_stay(stage: Stage) -> None:
    until = await kept(stage)

    await stage.sync(3)

    assert said(stage) == [(HELD, None), (HELD, seconds(until))]


async def test_who_says_it_again_is_told_the_later_end(stage: Stage) -> None:
    until = await kept(stage)

    await keep(stage)

    assert said(stage)[1:] == [(HELD, seconds(until)), (HELD, seconds(until + 10 * MINUTE))]


async def test_much_more_that_goes_meanwhile_is_told_as_kept(stage: Stage, home: FakeCalendar) -> None:
    await held(stage, known=60, missing=35)
    until = await keep(stage)

    for n in range(35, 60):
        home.delete(f"e{n:02}")
    await stage.sync()

    assert said(stage)[2:] == [(HELD, seconds(until))]


async def test_what_is_kept_makes_nothing_older_for_all_that_day(stage: Stage) -> None:
    await held(stage)
    before = ages(stage)

    until = await keep(stage)
    during = []
    while stage.now < until:
        during.append(ages(stage))
        stage.now += 50 * MINUTE
        await stage.sync()

    assert [age.state for age in before] == [CalendarState.HELD]
    assert len(during) > 20
    assert set(during) == {()}


async def test_once_the_day_is_over_the_question_is_asked_again_before_anything_goes(stage: Stage) -> None:
    until = await kept(stage)
    stage.now = until - MINUTE
    await stage.sync()

    last, stage.now = until - MINUTE, until
    await stage.sync()
    asked, held_for, removed = said(stage), ages(stage), len(stage.removals())
    stage.now -= MINUTE
    await stage.sync()
    early = len(stage.removals())
    await stage.sync()

    assert asked[1:] == [(HELD, seconds(until)), (HELD, None)]
    assert [(age.state, age.as_of) for age in held_for] == [(CalendarState.HELD, seconds(last))]
    assert (removed, early, len(stage.removals())) == (0, 0, 20)
    assert said(stage)[3:] == [(CONFIRMED, None)]
    assert ages(stage) == ()


async def test_who_is_asked_again_may_keep_them_for_another_day(stage: Stage) -> None:
    stage.now = await kept(stage)
    await stage.sync()

    another = await keep(stage)
    await stage.sync(2)

    assert said(stage)[2:] == [(HELD, None), (HELD, seconds(another))]
    assert len(stage.removals()) == 0
    assert ages(stage) == ()


async def test_what_is_kept_and_cannot_be_read_is_as_old_as_its_last_reading(stage: Stage, home: FakeCalendar) -> None:
    await kept(stage)
    await stage.sync()
    last = stage.now - 10 * MINUTE

    stage.icloud.troubles["listing", home.path] = NotUnderstood("odd")
    await stage.sync(2)

    assert [(age.state, age.as_of) for age in ages(stage)] == [(CalendarState.FAILED, seconds(last))]


async def test_a_vanished_calendar_that_is_kept_makes_nothing_older_and_goes_once_that_is_confirmed(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    stage.icloud.troubles["contents", work.path] = Forbidden()
    await stage.sync()

    await stage.wish(work, Wish.KEEP)
    await stage.sync(3)
    kept_at, there = ages(stage), stage.heard(href)
    await stage.wish(work, Wish.CONFIRM)
    await stage.sync()

    assert kept_at == ()
    assert there is not None
    assert stage.heard(href) is None
    assert [state for state, _ in said(stage)] == [HELD, HELD, CONFIRMED]


async def test_what_may_have_moved_to_a_calendar_that_vanished_waits_though_that_is_kept(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    await stage.sync()
    await stage.wish(work, Wish.KEEP)

    home.delete("a")
    stage.now -= 9 * MINUTE
    await stage.sync()

    assert stage.heard(href) is not None


async def answer(stage: Stage) -> None:
    """The user wants to keep them, and no pass has heard it yet."""
    home = await held(stage)
    await stage.wish(home, Wish.KEEP)


async def the_next_day(stage: Stage) -> None:
    """It is over for how long they were to be kept, and no pass has looked since."""
    stage.now = await kept(stage)


@pytest.mark.parametrize("story", [answer, the_next_day])
async def test_whenever_a_process_dies_the_last_word_is_what_is_remembered(
    story: Callable[[Stage], Awaitable[None]],
) -> None:
    fate, moment = Fate(), 0
    while fate.at is None or fate.moments > fate.at:
        stage, fate = Stage(), Fate(at=moment)
        await story(stage)
        await die(stage, fate)
        stage.now += MINUTE

        await stage.sync()

        claim = await stage.claim()
        hold = claim.calendars[calendar_id(stage.connection_id, stage.icloud.calendar("home").path)].hold
        assert hold is not None, fate.where
        until = seconds(hold.kept_until) if hold.kept_until else None
        assert said(stage)[-1] == (HELD, until), fate.where
        assert (until is not None, dict(claim.wishes)) == (story is answer, {}), fate.where
        assert len(stage.removals()) == 0, fate.where
        moment += 1

    assert moment > 10
