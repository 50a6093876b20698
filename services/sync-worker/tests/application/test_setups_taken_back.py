"""A setup that changes, breaks off half way, and is taken back."""

import pytest

from icloud import ICloudError, TryLater, Unreachable
from worker_crashes import Fate, die
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


async def test_titles_that_were_off_while_icloud_was_away_come_back(stage: Stage, home: FakeCalendar) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
    await stage.follow(home, titles=True)
    await stage.sync(2)
    stage.icloud.troubles["calendars", ""] = AWAY
    await stage.follow(home, titles=False)
    await stage.sync()
    during = [event for event in stage.events.topic().values() if event.title]
    stage.icloud.troubles.clear()

    await stage.follow(home, titles=True)
    await stage.sync()

    assert during == []
    assert [event.title for href in hrefs if (event := stage.heard(href))] == ["Dentist"] * 3


async def test_titles_that_were_off_while_a_calendar_was_missing_come_back_with_it(
    stage: Stage, home: FakeCalendar
) -> None:
    other = stage.icloud.calendar("other")
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, other, titles=True)
    await stage.sync()
    stage.icloud.hidden.add(home.path)
    await stage.sync()
    await stage.follow(home, other, titles=False)
    await stage.sync(2)

    await stage.follow(home, other, titles=True)
    await stage.sync()
    stage.icloud.hidden.clear()
    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert event.title == "Dentist"
    assert [revision for _, revision in stage.history(href)] == [1, 2, 3]


async def test_whenever_a_process_dies_while_titles_leave_they_come_back_when_they_are_wanted_again() -> None:
    fate, moment = Fate(), 0
    while fate.at is None or fate.moments > fate.at:
        stage, fate = Stage(), Fate(at=moment)
        home = stage.icloud.calendar("home")
        href = home.put("a", ics("uid-a", TUESDAY))
        await stage.follow(home, titles=True)
        await stage.sync(2)
        stage.icloud.troubles["calendars", ""] = AWAY
        await stage.follow(home, titles=False)
        await die(stage, fate)
        stage.icloud.troubles.clear()

        await stage.follow(home, titles=True)
        await stage.sync(2)

        event = stage.heard(href)
        assert event is not None
        assert event.title == "Dentist", fate.where
        moment += 1

    assert moment > 10


async def test_whenever_a_process_dies_while_a_calendar_is_left_all_of_it_is_there_once_it_is_wanted_again() -> None:
    fate, moment = Fate(), 0
    while fate.at is None or fate.moments > fate.at:
        stage, fate = Stage(), Fate(at=moment)
        home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
        hrefs = [work.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
        await stage.follow(home, work)
        await stage.sync(2)
        await stage.follow(home)
        await die(stage, fate)

        await stage.follow(home, work)
        await stage.sync(2)

        assert all(stage.heard(href) for href in hrefs), fate.where
        moment += 1

    assert moment > 10


async def test_titles_that_are_switched_off_need_no_text_again(stage: Stage, home: FakeCalendar) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
    await stage.follow(home, titles=True)
    await stage.sync()
    stage.icloud.fetched_hrefs.clear()

    await stage.follow(home, titles=False)
    await stage.sync(2)

    assert [event.title for href in hrefs if (event := stage.heard(href))] == [None] * 3
    assert stage.icloud.fetched_hrefs == []


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
