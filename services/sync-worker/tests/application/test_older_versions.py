"""A version that was there before is not believed because a server shows it late."""

from datetime import timedelta

import pytest

from worker_drift import Drifted
from worker_examples import ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

OLD, NEW, OTHER = "2027-03-02T10:00", "2027-03-10T10:00", "2027-03-12T10:00"
DAY = timedelta(days=1)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def behind_its_time(stage: Stage, home: FakeCalendar) -> tuple[str, tuple[str, str]]:
    """An event that was changed, and whose listing and text are again what they were before; and what it is."""
    href = home.put("e", ics("uid-e", OLD))
    before = home.texts[href]
    await stage.follow(home)
    await stage.sync()
    home.put("e", ics("uid-e", NEW))
    await stage.sync()
    changed, home.texts[href] = home.texts[href], before
    return href, changed


async def test_an_older_version_that_a_full_listing_and_the_answer_agree_on_is_not_kept(
    stage: Stage, home: FakeCalendar
) -> None:
    drifted = Drifted()
    href, changed = await behind_its_time(stage, home)

    stage.now += DAY
    await stage.sync()
    meanwhile = stage.starts(href)
    home.texts[href] = changed
    await stage.sync(3)

    assert (meanwhile, stage.starts(href)) == ([moment(NEW)], [moment(NEW)])
    assert [one for one in stage.history(href) if one[0] == "ICloudEventImported"] == [
        ("ICloudEventImported", 1),
        ("ICloudEventImported", 2),
    ]
    assert drifted() == {}
    assert stage.events.completed()[-1].calendars == ()


async def test_a_version_that_stays_is_believed_even_if_it_was_there_before(stage: Stage, home: FakeCalendar) -> None:
    href, changed = await behind_its_time(stage, home)

    stage.now += DAY
    await stage.sync(4)
    restored = stage.starts(href)
    home.texts[href] = changed
    home.log.append(href)
    await stage.sync()

    assert restored == [moment(OLD)]
    assert stage.starts(href) == [moment(NEW)]


async def test_what_never_came_and_then_comes_in_an_older_version_is_asked_for_again(
    stage: Stage, home: FakeCalendar
) -> None:
    await stage.follow(home)
    await stage.sync()
    href = home.put("e", ics("uid-e", NEW))
    home.lagging.add(href)
    await stage.sync(16)
    home.lagging.clear()
    home.outdated[href] = ('"old"', ics("uid-e", OLD))

    home.put("another", ics("uid-another", OTHER))
    await stage.sync()
    before = stage.starts(href)
    home.outdated.clear()
    await stage.sync(2)

    assert (before, stage.starts(href)) == ([moment(OLD)], [moment(NEW)])


async def test_what_changes_before_it_ever_came_is_waited_for_in_its_newest_version(
    stage: Stage, home: FakeCalendar
) -> None:
    await stage.follow(home)
    await stage.sync()
    href = home.put("e", ics("uid-e", OLD))
    home.lagging.add(href)
    await stage.sync(16)
    home.put("e", ics("uid-e", NEW))
    await stage.sync(16)
    home.lagging.clear()
    stage.icloud.asked.clear()

    home.put("another", ics("uid-another", OTHER))
    await stage.sync(3)

    assert stage.starts(href) == [moment(NEW)]
    assert all(one.calendars == () for one in stage.events.completed()[-3:])
    assert stage.icloud.asked.count(("objects", home.path)) == 1


async def test_what_never_comes_is_not_asked_for_by_idle_passes(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    home.lagging.add(home.put("e", ics("uid-e", NEW)))
    await stage.sync(16)
    stage.icloud.asked.clear()

    await stage.sync(12)

    assert stage.icloud.asked.count(("calendars", "")) == 12
    assert stage.icloud.asked.count(("objects", home.path)) == 2
