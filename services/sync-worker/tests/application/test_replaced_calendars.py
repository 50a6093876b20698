"""Conflict calendars that vanished while others came: one of these may be the same, deleted and made anew."""

from datetime import timedelta

import pytest

from contracts.events import CalendarState, HoldState, ICloudEventImported, ICloudEventRemoved
from icloud import Forbidden
from sync_worker.domain.holds import Wish
from worker_crashes import Fate, die
from worker_examples import ics
from worker_fakes import HOME, FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
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


async def replaced(stage: Stage, home: FakeCalendar, work: FakeCalendar) -> tuple[str, FakeCalendar]:
    """The href of an event in a calendar that is gone, and a new calendar with the same event."""
    href = work.put("a", ics("uid-a", TUESDAY))
    stage.icloud.calendar("left-out")
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    restored = stage.icloud.calendar("restored")
    restored.put("a", ics("uid-a", TUESDAY))
    return href, restored


async def test_a_vanished_calendar_that_a_new_one_may_replace_waits_for_the_user(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href, _ = await replaced(stage, home, work)

    await stage.sync(6)
    during, ages = stage.heard(href), stage.events.completed()[-1].calendars
    await stage.wish(work, Wish.CONFIRM)
    await stage.sync()

    assert during is not None
    assert [age.state for age in ages] == [CalendarState.HELD]
    assert stage.heard(href) is None
    assert stage.holds() == [("vanished", HELD), ("vanished", CONFIRMED)]


async def test_once_the_new_one_is_chosen_too_the_vanished_one_is_let_go(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    old, restored = await replaced(stage, home, work)
    await stage.sync(3)
    stage.events.said.clear()

    await stage.follow(home, work, restored)
    await stage.sync(2)

    about = [one for one in stage.events.said if isinstance(one, ICloudEventImported | ICloudEventRemoved)]
    assert [one.event_id for one in about] == [stage.id_of(f"{restored.path}a.ics"), stage.id_of(old)]
    assert stage.events.completed()[-1].calendars == ()


async def test_once_the_new_one_has_gone_again_the_vanished_one_is_let_go(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href, restored = await replaced(stage, home, work)
    await stage.sync(3)

    del stage.icloud.list[restored.path]
    await stage.sync()

    assert stage.heard(href) is None


async def test_what_was_left_out_before_a_calendar_vanished_does_not_replace_it(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href, restored = await replaced(stage, home, work)
    del stage.icloud.list[restored.path]

    await stage.sync(2)

    assert stage.heard(href) is None


async def test_where_nobody_knows_what_came_as_a_calendar_vanished_it_waits_for_the_user(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href, _ = await replaced(stage, home, work)

    await stage.follow(home, work)
    await stage.sync(6)

    assert stage.heard(href) is not None


async def long_gone(stage: Stage) -> str:
    """The href of an event in a calendar that is gone and does not say so, while others know of the home without it."""
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    href = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    del stage.icloud.list[work.path]
    stage.icloud.troubles["contents", work.path] = Forbidden()
    await stage.sync(3)
    return href


async def test_what_comes_between_two_looks_may_replace_a_vanished_calendar(stage: Stage) -> None:
    href = await long_gone(stage)

    stage.icloud.calendar("restored")
    stage.now -= timedelta(minutes=9)
    await stage.sync()
    stage.icloud.troubles.clear()
    await stage.sync(3)

    assert stage.heard(href) is not None


async def test_what_a_reconnect_has_found_may_replace_a_vanished_calendar(stage: Stage) -> None:
    href = await long_gone(stage)

    stage.icloud.calendar("restored")
    await stage.follow(stage.icloud.calendar("home"), FakeCalendar(f"{HOME.path}work/"), epoch=2)
    stage.icloud.troubles.clear()
    await stage.sync(3)

    assert stage.heard(href) is not None


async def test_whenever_a_process_dies_it_is_remembered_what_may_replace_a_vanished_calendar() -> None:
    fate, moment = Fate(), 0
    while fate.at is None or fate.moments > fate.at:
        stage, fate = Stage(), Fate(at=moment)
        href = await long_gone(stage)
        stage.icloud.calendar("restored")
        await die(stage, fate)
        stage.icloud.troubles.clear()

        await stage.sync(3)

        assert stage.heard(href) is not None, fate.where
        moment += 1

    assert moment > 10
