"""The day's work: what enters the horizon, and what leaves it."""

from datetime import datetime, timedelta

import pytest

from contracts.events import ICloudEventRemoved, RemovalReason, RemovalsHeld
from icloud import NotUnderstood
from sync_worker.domain.passes import Horizon
from worker_drift import Drifted
from worker_examples import HOUR, ics, moment
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


async def test_the_days_work_is_done_once_a_day_in_few_requests(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()

    for _ in range(24):
        await stage.sync()
        stage.now += timedelta(minutes=50)

    calls = [call for call, _ in stage.icloud.asked]
    assert calls.count("calendars") == 24
    assert calls.count("listing") == 2
    assert calls.count("changes") <= 5
    assert calls.count("objects") == 0


async def test_what_enters_the_horizon_comes_in_without_a_change(
    stage: Stage, home: FakeCalendar, drifted: Drifted
) -> None:
    href = home.put("far", ics("uid-far", FAR))
    await stage.follow(home)
    await stage.sync()
    early = stage.heard(href)

    stage.now += 3 * DAY
    await stage.sync()

    assert early is None
    assert stage.starts(href) == [moment(FAR)]
    assert drifted() == {}


@pytest.mark.parametrize("others", [0, 20], ids=["alone", "in a listing that is not believed"])
async def test_what_a_listing_has_once_left_out_of_the_new_days_comes_with_the_next(
    stage: Stage, home: FakeCalendar, others: int
) -> None:
    """The account could not be read for four days: more than what is asked for again every day."""
    moved = home.put("moved", ics("uid-m", TUESDAY))
    hrefs = [home.put(f"other-{n}", ics(f"uid-{n}", "2027-06-01T10:00")) for n in range(others)]
    await stage.follow(home)
    await stage.sync()
    home.put("moved", ics("uid-m", FAR))
    await stage.sync()

    stage.now += 4 * DAY
    home.unlisted = {moved, *hrefs[:3]}
    await stage.sync()
    unseen = stage.starts(moved)
    home.unlisted = set()
    for _ in range(3):
        stage.now += DAY
        await stage.sync(2)

    assert unseen == []
    assert stage.starts(moved) == [moment(FAR)]


async def test_it_is_told_for_which_time_all_calendars_are_read(stage: Stage, home: FakeCalendar) -> None:
    other = stage.icloud.calendar("other")
    await stage.follow(home, other)
    await stage.sync()
    first = stage.events.completed()[-1].known
    began = stage.now

    stage.now += timedelta(hours=1)
    await stage.sync()
    soon = stage.events.completed()[-1].known
    stage.now += 2 * DAY
    await stage.sync()
    later = stage.events.completed()[-1].known

    assert first == known(began, began)
    assert soon == known(stage.now - 2 * DAY, began)
    assert later == known(stage.now, stage.now)


async def test_of_calendars_that_are_read_for_different_times_the_nearest_end_is_told(
    stage: Stage, home: FakeCalendar
) -> None:
    other = stage.icloud.calendar("other")
    await stage.follow(home, other)
    await stage.sync()
    began = stage.now

    stage.now += 2 * DAY
    stage.icloud.troubles["listing", other.path] = NotUnderstood("not today")
    await stage.sync()

    assert stage.events.completed()[-1].known == known(stage.now, began)


def known(now: datetime, read_at: datetime) -> tuple[int, int]:
    """From a day back from now to 400 ahead of when all was last read, in whole days."""
    horizon = Horizon(DAY, 400 * DAY)
    return horizon.around(now).start, horizon.around(read_at).end


async def test_a_series_reaches_on_into_the_new_days(stage: Stage, home: FakeCalendar, drifted: Drifted) -> None:
    weekly = home.put("weekly", ics("uid-w", TUESDAY, rrule="FREQ=WEEKLY"))
    single = home.put("single", ics("uid-s", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()
    before = stage.starts(weekly)
    stage.icloud.fetched_hrefs.clear()

    for _ in range(8):
        stage.now += DAY
        await stage.sync()

    after = stage.starts(weekly)
    assert after[-1] - before[-1] == 7 * 24 * HOUR
    assert single not in stage.icloud.fetched_hrefs
    assert len(stage.history(weekly)) == 2
    assert drifted() == {}


async def test_a_series_without_a_zone_reaches_on_although_the_server_counts_in_another_one(
    stage: Stage, home: FakeCalendar
) -> None:
    """Its instance of the horizon's last day lies beyond the horizon for us, and within it for the server."""
    weekly = ics("uid-w", "2027-03-02T22:00", rrule="FREQ=WEEKLY").replace("00Z", "00")
    href = home.put("weekly", weekly)
    await stage.follow(home, time_zone="America/New_York")
    await stage.sync()
    before = stage.starts(href)

    stage.now += DAY
    await stage.sync()

    assert stage.starts(href)[-1] - before[-1] == 7 * 24 * HOUR


async def test_what_moves_out_of_the_horizon_just_before_the_days_work_is_nothing_odd(
    stage: Stage, home: FakeCalendar, drifted: Drifted
) -> None:
    href = home.put("a", ics("uid-a", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()

    home.put("a", ics("uid-a", "2019-06-01T10:00"))
    stage.now += DAY
    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert event.occurrences == ()
    assert stage.events.of(RemovalsHeld) == []
    assert drifted() == {}


async def test_a_series_that_only_loses_its_past_is_no_news(stage: Stage, home: FakeCalendar) -> None:
    text = ics("uid-a", TUESDAY, rrule="FREQ=DAILY;COUNT=30")
    href = home.put("a", text)
    await stage.follow(home)
    await stage.sync()

    stage.now += 10 * DAY
    await stage.sync()
    home.put("a", text)
    await stage.sync()

    assert len(stage.history(href)) == 1


async def test_a_series_that_changes_after_it_has_lost_its_past_is_news(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY, rrule="FREQ=DAILY;COUNT=30"))
    await stage.follow(home)
    await stage.sync()

    stage.now += 10 * DAY
    home.put("a", ics("uid-a", TUESDAY, rrule="FREQ=DAILY;COUNT=31"))
    await stage.sync()

    found = stage.starts(href)
    assert len(stage.history(href)) == 2
    assert found[0] >= moment("2027-03-09T00:00")
    assert found[-1] == moment("2027-04-01T10:00")


async def test_what_lies_wholly_in_the_past_leaves(stage: Stage, home: FakeCalendar) -> None:
    over, later = home.put("a", ics("uid-a", TUESDAY)), home.put("b", ics("uid-b", "2027-03-09T10:00"))
    going_on = home.put("c", ics("uid-c", TUESDAY, rrule="FREQ=WEEKLY"))
    await stage.follow(home)
    await stage.sync()

    stage.now += 3 * DAY
    await stage.sync(2)

    (removed,) = stage.events.of(ICloudEventRemoved)
    assert isinstance(removed, ICloudEventRemoved)
    assert (removed.event_id, removed.reason) == (stage.id_of(over), RemovalReason.PASSED)
    assert stage.heard(over) is None
    assert stage.heard(later) is not None
    assert stage.heard(going_on) is not None


async def test_many_that_are_over_leave_in_bounded_batches(stage: Stage, home: FakeCalendar) -> None:
    for n in range(450):
        home.put(f"e{n}", ics(f"uid-{n}", TUESDAY))
    home.put("later", ics("uid-later", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()

    stage.now += 3 * DAY
    await stage.sync()

    assert len(stage.events.of(ICloudEventRemoved)) == 450
    assert stage.events.of(RemovalsHeld) == []


async def test_a_server_without_tokens_has_its_day_too(stage: Stage, home: FakeCalendar) -> None:
    home.tokenless = True
    over, far = home.put("a", ics("uid-a", TUESDAY)), home.put("far", ics("uid-far", FAR))
    weekly = home.put("weekly", ics("uid-w", TUESDAY, rrule="FREQ=WEEKLY"))
    await stage.follow(home)
    await stage.sync()
    before = stage.starts(weekly)

    stage.now += 8 * DAY
    await stage.sync()

    assert stage.heard(over) is None
    assert stage.heard(far) is not None
    assert stage.starts(weekly)[-1] - before[-1] == 7 * 24 * HOUR


async def test_a_token_that_dies_over_night_is_survived_by_the_days_work(stage: Stage, home: FakeCalendar) -> None:
    gone, kept = home.put("a", ics("uid-a", "2027-06-01T10:00")), home.put("b", ics("uid-b", "2027-06-01T10:00"))
    await stage.follow(home)
    await stage.sync()

    home.delete("a")
    home.dead_before = len(home.log)
    stage.now += DAY
    await stage.sync(2)

    assert stage.heard(gone) is None
    assert stage.heard(kept) is not None
    assert stage.icloud.asked.count(("changes", home.path)) == 1


async def test_a_day_whose_work_fails_is_made_up_for(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", "2027-06-01T10:00"))
    href = home.put("far", ics("uid-far", FAR))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.troubles["listing", home.path] = NotUnderstood("odd")
    stage.now += 3 * DAY
    await stage.sync()

    stage.icloud.troubles.clear()
    await stage.sync(2)

    assert stage.heard(href) is not None
    assert stage.events.completed()[-1].calendars == ()
