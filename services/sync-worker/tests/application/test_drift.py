"""What no change had told is found by the daily listing, put right and counted."""

from datetime import timedelta

import pytest

from contracts.events import HoldState, ICloudEventImported, RemovalsHeld
from icloud import calendar_id
from sync_worker.domain.tracked import PutRight
from worker_drift import Drifted
from worker_examples import ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
DAY = timedelta(days=1)
FAR = "2028-04-06T10:00"
"""Two days beyond the horizon when a test begins."""


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def drifted() -> Drifted:
    return Drifted()


async def kept(stage: Stage, calendar: FakeCalendar) -> PutRight | None:
    """What is remembered of the last comparison."""
    return (await stage.claim()).calendars[calendar_id(stage.connection_id, calendar.path)].put_right


async def test_what_no_change_had_told_is_put_right_within_a_day_and_counted(
    stage: Stage, home: FakeCalendar, drifted: Drifted
) -> None:
    for n in range(5):
        home.put(f"e{n}", ics(f"uid-{n}", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()
    silently = len(home.log)
    added = home.put("added", ics("uid-added", "2027-06-02T10:00"))
    changed = home.put("e0", ics("uid-0", "2027-06-03T10:00"))
    home.delete("e1")
    del home.log[silently:]

    stage.now += DAY
    await stage.sync()

    assert stage.starts(added) == [moment("2027-06-02T10:00")]
    assert stage.starts(changed) == [moment("2027-06-03T10:00")]
    assert stage.heard(f"{home.path}e1.ics") is None
    assert drifted() == {"missing": 1, "changed": 1, "extra": 1}
    assert await kept(stage, home) == PutRight(missing=1, changed=1, extra=1)


async def test_a_comparison_that_finds_nothing_takes_the_place_of_the_one_before(
    stage: Stage, home: FakeCalendar
) -> None:
    home.put("a", ics("uid-a", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()
    home.put("b", ics("uid-b", "2027-06-02T10:00"))
    home.log.pop()

    stage.now += DAY
    await stage.sync(2)
    stage.now += DAY
    await stage.sync()

    assert await kept(stage, home) == PutRight()


async def test_where_no_change_can_be_asked_for_nothing_is_said_of_drift(
    stage: Stage, home: FakeCalendar, drifted: Drifted
) -> None:
    home.put("a", ics("uid-a", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()

    home.put("b", ics("uid-b", "2027-06-02T10:00"))
    home.dead_before = len(home.log)
    stage.now += DAY
    await stage.sync()

    assert drifted() == {}
    assert await kept(stage, home) is None


async def test_what_changes_do_tell_is_no_drift(stage: Stage, home: FakeCalendar, drifted: Drifted) -> None:
    for n in range(5):
        home.put(f"e{n}", ics(f"uid-{n}", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()

    home.put("added", ics("uid-added", "2027-06-02T10:00"))
    home.put("e0", ics("uid-0", "2027-06-03T10:00"))
    home.delete("e1")
    stage.now += DAY
    await stage.sync()

    assert stage.heard(f"{home.path}e1.ics") is None
    assert drifted() == {}


async def test_a_new_etag_on_the_same_text_is_no_drift(stage: Stage, home: FakeCalendar, drifted: Drifted) -> None:
    text = ics("uid-a", "2027-06-01T10:00")
    home.put("a", text)
    await stage.follow(home)
    await stage.sync()

    home.put("a", text)
    home.log.pop()
    stage.now += DAY
    await stage.sync(2)

    assert len(stage.events.of(ICloudEventImported)) == 1
    assert drifted() == {}


async def test_a_full_listing_that_is_odd_removes_nothing(stage: Stage, home: FakeCalendar, drifted: Drifted) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", "2027-06-01T10:00")) for n in range(20)]
    await stage.follow(home)
    await stage.sync()

    home.unlisted |= set(hrefs[:15])
    stage.now += DAY
    await stage.sync(2)
    home.unlisted.clear()
    await stage.sync(2)

    assert None not in [stage.heard(href) for href in hrefs]
    held = [one.state for one in stage.events.of(RemovalsHeld) if isinstance(one, RemovalsHeld)]
    assert held == [HoldState.HELD, HoldState.DROPPED]
    assert drifted() == {}


@pytest.mark.parametrize("number", [2, 120])
async def test_what_only_the_listing_shows_and_never_comes_is_given_up(
    stage: Stage, home: FakeCalendar, number: int
) -> None:
    home.put("a", ics("uid-a", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync(2)
    for n in range(number):
        home.lagging.add(home.put(f"lost{n}", ics(f"uid-{n}", "2027-06-01T10:00")))
        home.log.pop()

    stage.now += DAY
    await stage.sync(12)
    stage.icloud.asked.clear()
    await stage.sync(12)

    assert ("listing", home.path) not in stage.icloud.asked
    assert all(one.calendars == () for one in stage.events.completed()[-12:])


@pytest.mark.parametrize("number", [2, 120])
async def test_a_server_that_names_versions_in_two_ways_is_compared_once_a_day(
    stage: Stage, home: FakeCalendar, number: int
) -> None:
    for n in range(number):
        href = home.put(f"e{n}", ics(f"uid-{n}", "2027-06-01T10:00"))
        home.outdated[href] = (f'"another {n}"', home.texts[href][1])
    await stage.follow(home)
    await stage.sync(12)

    stage.now += DAY
    await stage.sync(12)
    stage.icloud.asked.clear()
    await stage.sync(12)

    assert ("listing", home.path) not in stage.icloud.asked
    assert ("objects", home.path) not in stage.icloud.asked
    assert all(one.calendars == () for one in stage.events.completed()[-12:])


async def test_so_many_that_changed_and_came_as_before_are_asked_for_again(stage: Stage, home: FakeCalendar) -> None:
    before, after = "2027-06-01T10:00", "2027-06-02T10:00"
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", before)) for n in range(120)]
    await stage.follow(home)
    await stage.sync(2)
    home.outdated = dict(home.texts)
    for n in range(120):
        home.put(f"e{n}", ics(f"uid-{n}", after))

    stage.now += DAY
    await stage.sync()
    home.outdated.clear()
    await stage.sync()

    assert {start for href in hrefs for start in stage.starts(href)} == {moment(after)}
