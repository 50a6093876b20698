"""What a second look at a calendar must not lose."""

from datetime import timedelta

import pytest

from contracts.events import HoldState
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
HELD, CONFIRMED, DROPPED = HoldState.HELD, HoldState.CONFIRMED, HoldState.DROPPED


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def emptied(stage: Stage, home: FakeCalendar) -> list[str]:
    """A calendar of twenty events whose removal is held since ten minutes."""
    hrefs = [home.put(f"e{n:02}", ics(f"uid-{n}", TUESDAY)) for n in range(20)]
    await stage.follow(home)
    await stage.sync()
    for n in range(20):
        home.delete(f"e{n:02}")
    await stage.sync()
    return hrefs


async def test_what_changed_since_is_read_even_if_no_listing_shows_it_yet(stage: Stage, home: FakeCalendar) -> None:
    await emptied(stage, home)

    new = home.put("new", ics("uid-new", FRIDAY))
    home.unlisted.add(new)
    await stage.sync()

    assert stage.heard(new) is not None
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]


async def test_what_came_back_while_it_was_looked_for_is_not_removed(stage: Stage, home: FakeCalendar) -> None:
    hrefs = await emptied(stage, home)

    back = home.put("e00", ics("uid-0", FRIDAY))
    home.unlisted.add(back)
    await stage.sync()

    assert back == hrefs[0]
    assert stage.heard(back) is not None
    assert len(stage.removals()) == 19


@pytest.mark.parametrize(("gone", "removed"), [(2, 22), (5, 0)])
async def test_what_went_after_both_ways_had_shown_it_is_removed_or_looked_for_once_more(
    stage: Stage, home: FakeCalendar, gone: int, removed: int
) -> None:
    later = [home.put(f"later{n}", ics(f"uid-later-{n}", FRIDAY)) for n in range(6)]
    hrefs = await emptied(stage, home)

    for n in range(gone):
        home.lingering[later[n]] = home.texts[later[n]]
        home.delete(f"later{n}")
    await stage.sync()
    first = len(stage.removals())
    home.lingering.clear()
    await stage.sync(2)

    assert first == removed
    assert len(stage.removals()) == 20 + gone
    assert [stage.heard(href) for href in hrefs] == [None] * 20


async def test_a_hold_is_timed_by_the_stores_clock(stage: Stage, home: FakeCalendar) -> None:
    await emptied(stage, home)
    stage.now -= timedelta(minutes=9)
    claim = await stage.claim()

    stage.now += timedelta(hours=1)
    await stage.worker()(claim)

    assert len(stage.removals()) == 0
    assert [state for _, state in stage.holds()] == [HELD]


async def test_an_unreadable_event_that_the_window_does_not_show_puts_nothing_in_doubt(
    stage: Stage, home: FakeCalendar
) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    home.unlisted.add(home.put("bad", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"))
    await stage.sync()

    for _ in range(2):
        stage.now += timedelta(days=1)
        await stage.sync()

    assert stage.holds() == []


async def test_an_unreadable_event_stands_in_the_way_of_no_second_look(stage: Stage, home: FakeCalendar) -> None:
    home.put("bad", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n")
    home.unlisted.add(f"{home.path}bad.ics")
    home.put("a", ics("uid-a", FRIDAY))
    await emptied(stage, home)

    await stage.sync()

    assert len(stage.removals()) == 20
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]
