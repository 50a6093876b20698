"""Calendars that appear, change, vanish and come back."""

import pytest

from contracts.events import (
    CalendarsChanged,
    HoldState,
)
from icloud import calendar_id
from worker_examples import ics
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


def changes(stage: Stage) -> list[set[str]]:
    """The names that were told, each time."""
    said = stage.events.of(CalendarsChanged)
    return [{each.name for each in one.calendars} for one in said if isinstance(one, CalendarsChanged)]


async def test_nothing_is_said_of_calendars_that_are_as_the_connector_told_them(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    work.supported = False
    await stage.follow(home)

    await stage.sync(3)

    assert changes(stage) == []


@pytest.mark.parametrize("change", [{"name": "Private"}, {"supported": False}, {"shared": True}, {"color": "#FF0000"}])
async def test_a_calendar_that_changes_is_told_once_with_all_others(
    stage: Stage, home: FakeCalendar, work: FakeCalendar, change: dict[str, object]
) -> None:
    await stage.follow(home)
    await stage.sync()

    for name, value in change.items():
        setattr(work, name, value)
    await stage.sync(3)

    (said,) = stage.events.of(CalendarsChanged)
    assert isinstance(said, CalendarsChanged)
    shown = {one.id: one for one in said.calendars}
    assert shown.keys() == {calendar_id(stage.connection_id, one.path) for one in (home, work)}
    changed = shown[calendar_id(stage.connection_id, work.path)]
    assert {name: getattr(changed, name) for name in change} == change


async def test_a_calendar_made_after_connecting_is_read_once_the_connector_has_chosen_it(
    stage: Stage, home: FakeCalendar
) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    work = stage.icloud.calendar("work")
    href = work.put("b", ics("uid-b", TUESDAY))
    await stage.sync()
    await hear_as_the_connector_does(stage)
    stage.icloud.asked.clear()
    await stage.sync()

    assert stage.heard(href) is not None
    assert {path for _, path in stage.icloud.asked} == {"", work.path}


async def hear_as_the_connector_does(stage: Stage) -> None:
    """The calendars of the user's own that were told last become conflict calendars (its safe default)."""
    said = stage.events.of(CalendarsChanged)[-1]
    assert isinstance(said, CalendarsChanged)
    chosen = {one.id for one in said.calendars if one.supported and not one.shared}
    calendars = list(stage.icloud.list.values())
    await stage.follow(*(one for one in calendars if calendar_id(stage.connection_id, one.path) in chosen))


async def test_a_home_that_shows_fewer_calendars_for_a_moment_tells_nobody(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    await stage.follow(home)
    await stage.sync()

    del stage.icloud.list[work.path]
    await stage.sync()
    stage.icloud.list[work.path] = work
    await stage.sync(2)

    assert changes(stage) == []


async def test_a_calendar_that_stays_away_is_told(stage: Stage, home: FakeCalendar, work: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()

    del stage.icloud.list[work.path]
    await stage.sync(3)

    (said,) = stage.events.of(CalendarsChanged)
    assert isinstance(said, CalendarsChanged)
    assert [one.id for one in said.calendars] == [calendar_id(stage.connection_id, home.path)]
