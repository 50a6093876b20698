"""A setup that changes, breaks off half way, and is taken back."""

import pytest

from icloud import ICloudError, TryLater, Unreachable
from worker_examples import ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


AWAY, OF_THE_CALENDAR = Unreachable("refused"), TryLater(None, "server_error")


async def break_off(stage: Stage, home: FakeCalendar, trouble: ICloudError = AWAY) -> None:
    """A pass that brings nothing after its first 250 objects."""

    def fetched() -> None:
        stage.icloud.troubles["objects", home.path] = trouble

    stage.icloud.fetched = fetched
    await stage.sync()
    stage.icloud.fetched = lambda: None
    stage.icloud.troubles.clear()


@pytest.mark.parametrize("trouble", [AWAY, OF_THE_CALENDAR])
async def test_a_time_zone_that_is_taken_back_half_way_leaves_nothing_at_another_time(
    stage: Stage, home: FakeCalendar, trouble: ICloudError
) -> None:
    afloat = ics("uid", TUESDAY).replace("T100000Z", "T100000").replace("T110000Z", "T110000")
    hrefs = [home.put(f"e{n:03}", afloat.replace("uid", f"uid-{n}")) for n in range(300)]
    await stage.follow(home)
    await stage.sync(2)

    await stage.follow(home, time_zone="America/New_York")
    await break_off(stage, home, trouble)
    during = {stage.starts(href)[0] for href in hrefs}
    await stage.follow(home, time_zone="Europe/Paris")
    await stage.sync()

    assert during > {moment("2027-03-02T15:00")}
    assert {stage.starts(href)[0] for href in hrefs} == {moment("2027-03-02T09:00")}
    assert stage.events.completed()[-1].calendars == ()


async def test_titles_that_are_taken_back_half_way_all_leave(stage: Stage, home: FakeCalendar) -> None:
    for n in range(300):
        home.put(f"e{n:03}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home)
    await stage.sync(2)

    await stage.follow(home, titles=True)
    await break_off(stage, home, OF_THE_CALENDAR)
    during = [event for event in stage.events.topic().values() if event.title]
    await stage.follow(home, titles=False)
    stage.icloud.troubles["calendars", ""] = AWAY
    await stage.sync()

    assert len(during) == 250
    assert not [event for event in stage.events.topic().values() if event.title]


async def test_titles_that_are_taken_back_while_a_calendar_comes_back_all_leave(
    stage: Stage, home: FakeCalendar
) -> None:
    stage.icloud.calendar("other")
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    del stage.icloud.list[home.path]
    await stage.sync(2)
    stage.icloud.list[home.path] = home
    for n in range(300):
        home.put(f"e{n:03}", ics(f"uid-{n}", TUESDAY))

    await stage.follow(home, titles=True)
    await break_off(stage, home, OF_THE_CALENDAR)
    during = [event for event in stage.events.topic().values() if event.title]
    await stage.follow(home, titles=False)
    stage.icloud.troubles["calendars", ""] = AWAY
    await stage.sync()

    assert len(during) == 250
    assert not [event for event in stage.events.topic().values() if event.title]


async def test_a_time_zone_that_stays_is_gone_on_with_where_it_broke_off(stage: Stage, home: FakeCalendar) -> None:
    afloat = ics("uid", TUESDAY).replace("T100000Z", "T100000").replace("T110000Z", "T110000")
    hrefs = [home.put(f"e{n:03}", afloat.replace("uid", f"uid-{n}")) for n in range(300)]
    await stage.follow(home)
    await stage.sync(2)

    await stage.follow(home, time_zone="America/New_York")
    await break_off(stage, home)
    stage.icloud.fetched_hrefs.clear()
    await stage.sync(2)

    assert {stage.starts(href)[0] for href in hrefs} == {moment("2027-03-02T15:00")}
    assert len(stage.icloud.fetched_hrefs) == 50
