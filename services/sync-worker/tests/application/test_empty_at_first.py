"""A calendar whose first listing is empty may be empty, or an answer may have been."""

from datetime import timedelta

import pytest

from contracts.events import CalendarState, EventsQuarantined
from icloud import NotUnderstood, TryLater
from worker_examples import ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY, LATER, LAST_YEAR = "2027-03-02T10:00", "2027-03-05T16:00", "2027-06-01T10:00", "2026-03-02T10:00"
DAY = timedelta(days=1)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def connect(stage: Stage, home: FakeCalendar) -> list[str]:
    """A first import while listings are empty, whatever lies there; then they are true again, and nothing was asked."""
    home.unlisted = set(home.texts)
    await stage.follow(home)
    await stage.sync()
    home.unlisted = set()
    stage.icloud.asked.clear()
    return sorted(home.texts)


def asked(stage: Stage) -> list[str]:
    """But for what every look asks."""
    return [call for call, _ in stage.icloud.asked if call not in {"calendars", "changes"}]


async def test_what_an_empty_answer_hid_is_there_at_the_next_look(stage: Stage, home: FakeCalendar) -> None:
    for n in range(3):
        home.put(f"e{n}", ics(f"uid-{n}", TUESDAY))
    hrefs = await connect(stage, home)
    before = [stage.heard(href) for href in hrefs]

    await stage.sync()

    assert before == [None] * 3
    assert all(stage.heard(href) for href in hrefs)
    assert asked(stage) == ["contents", "listing", "objects"]


async def test_a_calendar_that_is_empty_is_asked_once_more_and_then_believed(stage: Stage, home: FakeCalendar) -> None:
    await connect(stage, home)

    await stage.sync(12)

    assert asked(stage) == ["contents"]


async def test_one_that_holds_only_the_past_is_believed_once_it_was_read_by_its_names(
    stage: Stage, home: FakeCalendar
) -> None:
    home.put("old", ics("uid-old", LAST_YEAR))
    await connect(stage, home)

    await stage.sync(12)

    assert asked(stage) == ["contents", "listing", "objects"]
    assert stage.events.topic() == {}


async def test_what_no_listing_shows_comes_by_its_names_and_what_changes_later_is_heard(
    stage: Stage, home: FakeCalendar
) -> None:
    hrefs = [home.put(f"e{n:03}", ics(f"uid-{n}", TUESDAY)) for n in range(600)]
    await connect(stage, home)
    home.unlisted = set(hrefs)

    await stage.sync()
    requests = asked(stage)
    home.put("e001", ics("uid-1", FRIDAY))
    await stage.sync()

    assert requests == ["contents", "listing", *["objects"] * 3]
    assert all(stage.heard(href) for href in hrefs)
    assert stage.starts(hrefs[1]) == [moment(FRIDAY)]
    assert stage.events.completed()[-1].calendars == ()


async def test_nobody_believes_it_the_day_after(stage: Stage, home: FakeCalendar) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", LATER)) for n in range(20)]
    await connect(stage, home)
    home.unlisted = set(hrefs)
    await stage.sync(2)

    stage.now += DAY
    await stage.sync(3)

    assert all(stage.heard(href) for href in hrefs)
    assert [age.state for age in stage.events.completed()[-1].calendars] == [CalendarState.HELD]


async def test_what_nobody_could_tell_at_first_is_asked_with_the_days_work(stage: Stage, home: FakeCalendar) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", LATER)) for n in range(20)]
    await connect(stage, home)
    home.unlisted = set(hrefs)
    stage.icloud.troubles["contents", home.path] = NotUnderstood("odd")
    await stage.sync(12)
    before = len(stage.events.topic())
    stage.icloud.troubles.clear()

    stage.now += DAY
    await stage.sync()

    assert before == 0
    assert all(stage.heard(href) for href in hrefs)


async def test_a_calendar_of_which_nothing_came_is_not_called_read(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await connect(stage, home)
    home.unlisted, home.lagging = {href}, {href}

    await stage.sync(2)
    during = [[age.state for age in one.calendars] for one in stage.events.completed()[-2:]]
    await stage.sync()

    assert during == [[CalendarState.FAILED]] * 2
    assert len(stage.events.of(EventsQuarantined)) == 1


@pytest.mark.parametrize("later", [timedelta(0), DAY])
async def test_an_empty_listing_in_the_place_of_changes_is_doubted_too(
    stage: Stage, home: FakeCalendar, later: timedelta
) -> None:
    await stage.follow(home)
    await stage.sync(3)
    href = home.put("a", ics("uid-a", LATER))
    home.unlisted, home.dead_before = {href}, len(home.log)

    stage.now += later
    await stage.sync(2)

    assert stage.heard(href)


async def test_nobody_asks_at_once(stage: Stage, home: FakeCalendar) -> None:
    await connect(stage, home)

    stage.now -= timedelta(minutes=1)
    await stage.sync()

    assert asked(stage) == []


async def test_what_comes_meanwhile_comes_and_the_look_is_taken_all_the_same(stage: Stage, home: FakeCalendar) -> None:
    hidden = home.put("hidden", ics("uid-hidden", TUESDAY))
    await connect(stage, home)
    stage.now -= timedelta(minutes=5)
    new = home.put("new", ics("uid-new", TUESDAY))
    await stage.sync()
    seen = [bool(stage.heard(href)) for href in (new, hidden)]

    await stage.sync()

    assert seen == [True, False]
    assert all(stage.heard(href) for href in (new, hidden))


async def test_what_changes_while_it_is_looked_at_again_is_not_missed(stage: Stage, home: FakeCalendar) -> None:
    await connect(stage, home)
    # The contents do not show it yet, its ctag has moved already.
    href = home.put("late", ics("uid-late", TUESDAY))
    late = home.texts.pop(href)
    await stage.sync()
    home.texts[href] = late

    await stage.sync()

    assert stage.heard(href)


@pytest.mark.parametrize("trouble", [NotUnderstood("empty_answer"), TryLater(None, "timeout")])
async def test_where_contents_cannot_be_told_a_second_listing_decides(
    stage: Stage, home: FakeCalendar, trouble: Exception
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await connect(stage, home)
    stage.icloud.troubles["contents", home.path] = trouble

    await stage.sync()

    assert stage.heard(href)
    assert asked(stage) == ["contents", "listing", "objects"]


async def test_a_full_calendar_is_not_asked_twice(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()

    await stage.sync(3)

    assert asked(stage) == []
