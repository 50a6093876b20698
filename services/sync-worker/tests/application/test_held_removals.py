"""Removals that are not believed at once: held, told, looked at again, carried out or dropped."""

from datetime import timedelta

import pytest

from contracts.events import CalendarState, HoldState, RemovalsHeld
from icloud import NotUnderstood, TryLater, calendar_id
from sync_worker.domain.appointments import uid_of
from worker_examples import NOW, ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
MINUTE = timedelta(minutes=1)
HELD, CONFIRMED, DROPPED = HoldState.HELD, HoldState.CONFIRMED, HoldState.DROPPED


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def full(stage: Stage, home: FakeCalendar, size: int = 30) -> list[str]:
    """A calendar of so many events, read once; it is ten minutes later then."""
    hrefs = [home.put(f"e{n:02}", ics(f"uid-{n}", TUESDAY)) for n in range(size)]
    await stage.follow(home)
    await stage.sync()
    return hrefs


async def soon(stage: Stage) -> None:
    """A pass one minute after the one before."""
    stage.now -= 9 * MINUTE
    await stage.sync()


def lie(home: FakeCalendar, *, left: int = 0) -> dict[str, tuple[str, str]]:
    """The server shows so few events and has forgotten our token; returns the truth."""
    true = dict(home.texts)
    home.texts = dict(list(true.items())[:left])
    home.log.append("a lie")
    home.dead_before = len(home.log)
    return true


@pytest.mark.parametrize("left", [0, 12])
async def test_an_emptied_or_far_smaller_listing_is_held_and_dropped_when_it_recovers(
    stage: Stage, home: FakeCalendar, left: int
) -> None:
    hrefs = await full(stage, home)

    true = lie(home, left=left)
    await stage.sync()
    during = [stage.heard(href) for href in hrefs]
    ages = stage.events.completed()[-1].calendars
    home.texts = true
    await stage.sync()

    assert None not in during
    assert [(age.state, age.as_of) for age in ages] == [(CalendarState.HELD, int(NOW.timestamp()))]
    assert stage.events.completed()[-1].calendars == ()
    assert [state for _, state in stage.holds()] == [HELD, DROPPED]
    assert len(stage.removals()) == 0


@pytest.mark.parametrize("forgotten", [True, False])
async def test_appointments_that_another_user_wrote_into_a_shared_calendar_are_guarded_as_any_event(
    stage: Stage, home: FakeCalendar, *, forgotten: bool
) -> None:
    theirs = [uid_of(f"a{n}", "/their/calendars/shared/") for n in range(30)]
    hrefs = [home.put(uid, ics(uid, TUESDAY)) for uid in theirs]
    await stage.follow(home)
    await stage.sync()

    if forgotten:
        lie(home)
    else:
        for uid in theirs:
            home.delete(uid)
    await stage.sync()

    assert None not in [stage.heard(href) for href in hrefs]
    assert [state for _, state in stage.holds()] == [HELD]


async def test_a_hold_says_what_it_is_about(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)

    lie(home, left=12)
    await stage.sync()

    (held,) = stage.events.of(RemovalsHeld)
    assert isinstance(held, RemovalsHeld)
    assert held.calendar_id == calendar_id(stage.connection_id, home.path)
    assert (held.state, held.doubt, held.known, held.missing) == (HELD, "shrunken", 30, 18)
    assert held.since == int((NOW + 10 * MINUTE).timestamp())


async def test_many_removals_that_changes_name_are_held_and_carried_out_once_both_ways_agree(
    stage: Stage, home: FakeCalendar
) -> None:
    hrefs = await full(stage, home)
    for n in range(20):
        home.delete(f"e{n:02}")

    await stage.sync()
    held = [stage.heard(href) is not None for href in hrefs]
    stage.icloud.asked.clear()
    await stage.sync()

    assert all(held)
    assert [stage.heard(href) is not None for href in hrefs] == [False] * 20 + [True] * 10
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]
    assert [call for call, _ in stage.icloud.asked] == ["calendars", "listing", "contents", "changes", "objects"]
    assert stage.events.completed()[-1].calendars == ()


@pytest.mark.parametrize(("size", "deleted"), [(1, 1), (2, 2), (11, 10), (40, 20)])
async def test_what_people_tidy_up_goes_at_once(stage: Stage, home: FakeCalendar, size: int, deleted: int) -> None:
    await full(stage, home, size)
    for n in range(deleted):
        home.delete(f"e{n:02}")

    await stage.sync()

    assert len(stage.removals()) == deleted
    assert [state for _, state in stage.holds()] == []


@pytest.mark.parametrize(("size", "deleted"), [(3, 3), (12, 11), (40, 21)])
async def test_what_empties_a_calendar_or_most_of_it_is_held(
    stage: Stage, home: FakeCalendar, size: int, deleted: int
) -> None:
    await full(stage, home, size)
    for n in range(deleted):
        home.delete(f"e{n:02}")

    await stage.sync()

    assert len(stage.removals()) == 0
    assert [state for _, state in stage.holds()] == [HELD]


async def test_removals_of_what_we_do_not_hold_do_not_matter(stage: Stage, home: FakeCalendar) -> None:
    for n in range(40):
        home.put(f"old{n}", ics(f"uid-old-{n}", "2019-03-02T10:00"))
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    for n in range(40):
        home.delete(f"old{n}")
    home.delete("a")

    await stage.sync()

    assert stage.heard(href) is None
    assert [state for _, state in stage.holds()] == []


async def test_while_removals_are_held_everything_else_goes_on(stage: Stage, home: FakeCalendar) -> None:
    hrefs = await full(stage, home)
    for n in range(20):
        home.delete(f"e{n:02}")
    new = home.put("new", ics("uid-new", TUESDAY))
    await stage.sync()
    early = stage.heard(new)

    home.put("e25", ics("uid-25", FRIDAY))
    home.delete("e29")
    await soon(stage)

    changed, waiting = stage.heard(hrefs[25]), stage.heard(hrefs[29])
    assert early is not None
    assert changed is not None
    assert changed.revision == 2
    assert waiting is not None
    assert [state for _, state in stage.holds()] == [HELD]


async def test_a_hold_is_told_once_and_costs_nothing_while_it_waits(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    lie(home)
    await stage.sync()
    stage.icloud.asked.clear()

    for _ in range(8):
        await soon(stage)

    assert [state for _, state in stage.holds()] == [HELD]
    assert stage.icloud.asked.count(("calendars", "")) == 8
    assert len(stage.icloud.asked) <= 10
    assert {one.calendars[0].state for one in stage.events.completed()[1:]} == {CalendarState.HELD}


async def test_nothing_is_carried_out_before_ten_minutes_have_passed(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    for n in range(20):
        home.delete(f"e{n:02}")
    await stage.sync()

    stage.now -= MINUTE
    await stage.sync()
    early = len(stage.removals())
    stage.now -= 9 * MINUTE
    await stage.sync()

    assert early == 0
    assert len(stage.removals()) == 20


async def test_an_answer_that_the_other_way_contradicts_is_never_carried_out(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home)
    home.unlisted |= set(home.texts)
    home.dead_before = len(home.log) + 1
    home.log.append("a lie")

    await stage.sync(6)
    before = [state for _, state in stage.holds()]
    home.unlisted.clear()
    await stage.sync()

    assert before == [HELD]
    assert [state for _, state in stage.holds()] == [HELD, DROPPED]
    assert len(stage.removals()) == 0


@pytest.mark.parametrize("trouble", [NotUnderstood("odd"), TryLater(None, "cut_short")])
async def test_a_second_opinion_that_cannot_be_had_settles_nothing(
    stage: Stage, home: FakeCalendar, trouble: Exception
) -> None:
    await full(stage, home)
    lie(home)
    stage.icloud.troubles["contents", home.path] = trouble

    await stage.sync(4)

    assert len(stage.removals()) == 0
    assert [state for _, state in stage.holds()] == [HELD]


async def test_what_comes_when_it_is_asked_for_by_name_is_not_gone(stage: Stage, home: FakeCalendar) -> None:
    """A listing that leaves out a few: fewer than the guard minds."""
    hrefs = await full(stage, home)
    home.unlisted |= set(hrefs[:3])
    home.dead_before = len(home.log) + 1
    home.log.append("a lie")

    await stage.sync()
    during = [state for _, state in stage.holds()], stage.events.of(RemovalsHeld)[0]
    home.unlisted.clear()
    await stage.sync()

    assert isinstance(during[1], RemovalsHeld)
    assert (during[0], during[1].doubt, during[1].missing) == ([HELD], "incomplete", 3)
    assert [state for _, state in stage.holds()] == [HELD, DROPPED]
    assert len(stage.removals()) == 0


async def test_much_more_that_goes_missing_begins_the_wait_anew(stage: Stage, home: FakeCalendar) -> None:
    await full(stage, home, 60)
    for n in range(35):
        home.delete(f"e{n:02}")
    await stage.sync()
    for n in range(35, 60):
        home.delete(f"e{n:02}")

    await stage.sync()
    before = len(stage.removals())
    await stage.sync()

    assert before == 0
    assert [state for _, state in stage.holds()] == [HELD, HELD, CONFIRMED]
    assert len(stage.removals()) == 60


async def test_a_calendar_whose_removals_are_believed_and_wait_for_another_one_is_still_held(
    stage: Stage, home: FakeCalendar
) -> None:
    work = stage.icloud.calendar("work")
    for n in range(30):
        home.put(f"e{n:02}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    for n in range(30):
        home.delete(f"e{n:02}")
    await stage.sync()

    work.put("news", ics("uid-news", FRIDAY))
    stage.icloud.troubles["changes", work.path] = NotUnderstood("odd")
    await stage.sync()
    ages = {age.id: age.state for age in stage.events.completed()[-1].calendars}
    stage.icloud.troubles.clear()
    await stage.sync()

    held, failed = (calendar_id(stage.connection_id, one.path) for one in (home, work))
    assert ages == {held: CalendarState.HELD, failed: CalendarState.FAILED}
    assert stage.events.completed()[-1].calendars == ()
    assert [state for _, state in stage.holds()] == [HELD, CONFIRMED]
