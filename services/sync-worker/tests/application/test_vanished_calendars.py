"""Conflict calendars that the home does not show any more."""

from datetime import timedelta

import pytest

from contracts.events import CalendarState, HoldState, RemovalReason
from icloud import Forbidden
from sync_worker.domain.holds import Wish
from worker_crashes import Fate, die
from worker_examples import NOW, ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
HELD, CONFIRMED, DROPPED = HoldState.HELD, HoldState.CONFIRMED, HoldState.DROPPED


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def work(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("work")


async def test_a_vanished_calendar_keeps_its_events_and_shows_its_age(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    del stage.icloud.list[work.path]
    await stage.sync()

    (age,) = stage.events.completed()[-1].calendars
    assert stage.heard(href) is not None
    assert stage.holds() == [("vanished", HELD)]
    assert (age.state, age.as_of) == (CalendarState.HELD, int(NOW.timestamp()))


async def test_a_vanished_calendar_is_let_go_once_it_says_itself_that_it_is_gone(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    del stage.icloud.list[work.path]
    await stage.sync(2)
    stage.icloud.asked.clear()
    await stage.sync(2)

    assert stage.removals() == [RemovalReason.CALENDAR_LEFT]
    assert stage.holds() == [("vanished", HELD), ("vanished", CONFIRMED)]
    assert stage.events.completed()[-1].calendars == ()
    assert stage.icloud.asked == [("calendars", "")] * 2


async def test_a_vanished_calendar_that_answers_is_kept(stage: Stage, home: FakeCalendar, work: FakeCalendar) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    stage.icloud.hidden.add(work.path)
    await stage.sync(6)

    assert stage.heard(href) is not None
    assert stage.holds() == [("vanished", HELD)]


async def test_a_vanished_calendar_that_is_closed_to_us_is_kept(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    del stage.icloud.list[work.path]
    stage.icloud.troubles["contents", work.path] = Forbidden()
    await stage.sync(6)

    assert stage.heard(href) is not None


async def test_a_home_that_shows_nothing_at_all_lets_nothing_go(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    del stage.icloud.list[home.path]
    await stage.sync(8)

    assert stage.heard(href) is not None
    assert stage.events.completed()[-1].calendars[0].state is CalendarState.HELD


async def test_the_user_may_let_a_vanished_calendar_go(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    del stage.icloud.list[home.path]
    await stage.sync()

    await stage.wish(home, Wish.CONFIRM)
    await stage.sync()

    assert stage.removals() == [RemovalReason.CALENDAR_LEFT]
    assert stage.holds() == [("vanished", HELD), ("vanished", CONFIRMED)]
    assert (await stage.claim()).wishes == {}


async def test_what_is_not_a_calendar_of_events_any_more_waits_for_the_user(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    work.supported = False
    await stage.sync(6)

    assert stage.heard(href) is not None
    assert stage.holds() == [("vanished", HELD)]


async def test_a_calendar_that_comes_back_goes_on_from_where_it_was_left(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    old = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    await stage.sync()

    stage.icloud.list[work.path] = work
    new = work.put("b", ics("uid-b", TUESDAY))
    stage.icloud.asked.clear()
    await stage.sync()

    assert ("listing", work.path) not in stage.icloud.asked
    assert stage.heard(new) is not None
    assert len(stage.history(old)) == 1
    assert stage.holds() == [("vanished", HELD), ("vanished", DROPPED)]
    assert stage.events.completed()[-1].calendars == ()


async def test_a_calendar_that_comes_back_after_it_was_let_go_is_read_anew(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    await stage.sync(2)
    let_go = stage.heard(href)

    stage.icloud.list[work.path] = work
    await stage.sync()

    assert let_go is None
    assert stage.heard(href) is not None
    assert [revision for _, revision in stage.history(href)] == [1, 2, 2, 3]


async def test_a_chosen_calendar_that_was_never_there_does_not_keep_the_connection_waiting(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    await stage.follow(home, work)
    del stage.icloud.list[work.path]

    await stage.sync()
    first = stage.events.completed()[-1].calendars
    stage.now += timedelta(minutes=1)
    await stage.sync()

    assert [(one.as_of, one.state) for one in first] == [(0, CalendarState.HELD)]
    assert stage.events.completed()[-1].calendars == ()


async def test_removals_wait_while_an_event_may_have_moved_to_a_calendar_that_is_away(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    stage.icloud.calendar("third")
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]

    home.delete("a")
    await stage.sync()
    during = stage.heard(href)
    await stage.sync(2)

    assert during is not None
    assert stage.heard(href) is None


async def test_who_confirms_that_a_calendar_is_gone_does_not_wait(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    await stage.sync()

    await stage.wish(work, Wish.CONFIRM)
    stage.now -= timedelta(minutes=9)
    await stage.sync()

    assert stage.heard(href) is None
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]


async def test_whenever_a_process_dies_while_a_vanished_calendar_is_let_go_all_of_it_comes_back_with_it() -> None:
    fate, moment = Fate(), 0
    while fate.at is None or fate.moments > fate.at:
        stage, fate = Stage(), Fate(at=moment)
        home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
        hrefs = [work.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
        await stage.follow(home, work)
        await stage.sync()
        del stage.icloud.list[work.path]
        await stage.sync()
        await die(stage, fate)

        stage.icloud.list[work.path] = work
        await stage.sync(2)

        assert all(stage.heard(href) for href in hrefs), fate.where
        moment += 1

    assert moment > 10
