"""What one calendar meets is no trouble of the others, nor of the password."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.events import CalendarState, EventsQuarantined
from icloud import CredentialsRejected, TryLater, Unreachable, calendar_id
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
BROKEN = TryLater(None, "status_500")


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def work(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("work")


@pytest.mark.parametrize(
    ("call", "trouble"), [("changes", BROKEN), ("objects", BROKEN), ("changes", CredentialsRejected())]
)
async def test_a_calendar_that_fails_for_ever_keeps_no_other_from_being_read(
    stage: Stage, home: FakeCalendar, work: FakeCalendar, call: str, trouble: Exception
) -> None:
    gone = home.put("gone", ics("uid-gone", TUESDAY))
    work.put("old", ics("uid-old", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    stage.icloud.troubles[call, work.path] = trouble
    work.put("poison", ics("uid-poison", TUESDAY))
    new = home.put("new", ics("uid-new", FRIDAY))
    home.delete("gone")
    await stage.sync(4)

    (age,) = stage.events.completed()[-1].calendars
    assert (age.id, age.state) == (calendar_id(stage.connection_id, work.path), CalendarState.FAILED)
    assert stage.heard(new) is not None
    assert stage.heard(gone) is None


@pytest.mark.parametrize("trouble", [BROKEN, CredentialsRejected()])
async def test_a_first_import_ends_with_the_third_try_though_one_calendar_fails(
    stage: Stage, home: FakeCalendar, work: FakeCalendar, trouble: Exception
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    work.put("poison", ics("uid-poison", TUESDAY))
    stage.icloud.troubles["objects", work.path] = trouble
    await stage.follow(home, work)

    await stage.sync(2)
    early = stage.events.completed()
    await stage.sync()

    (age,) = stage.events.completed()[-1].calendars
    assert early == []
    assert (age.state, age.as_of) == (CalendarState.FAILED, 0)
    assert stage.heard(href) is not None


@pytest.mark.parametrize("trouble", [TryLater(timedelta(minutes=15), "status_503"), Unreachable("refused")])
async def test_what_the_whole_account_meets_ends_the_pass(
    stage: Stage, home: FakeCalendar, work: FakeCalendar, trouble: TryLater
) -> None:
    home.put("old", ics("uid-old", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    before = len(stage.events.completed())

    home.put("a", ics("uid-a", TUESDAY))
    stage.icloud.troubles["changes", home.path] = trouble
    await stage.sync()

    assert len(stage.events.completed()) == before


async def test_refusals_with_something_accepted_between_are_no_row(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    worker, row = stage.worker(), stage.store.connections._rows[stage.connection_id]  # type: ignore[attr-defined]  # the fake's rows

    home.put("a", ics("uid-a", TUESDAY))
    counts = []
    for n in range(8):
        stage.icloud.troubles.clear()
        where = ("calendars", "") if n % 2 == 0 else ("changes", home.path)
        stage.icloud.troubles[where] = CredentialsRejected() if n % 2 == 0 else Unreachable("refused")
        row.due_at = stage.now.replace(year=2000)
        (claim,) = await stage.store.leases().claim(1)
        await worker(replace(claim, claimed_at=stage.now))
        stage.now += timedelta(minutes=3)
        counts.append(claim.rejections.count if claim.rejections else 0)

    assert counts == [0, 1] * 4


async def test_many_changes_are_not_fetched_again_after_a_pass_that_was_broken_off(
    stage: Stage, home: FakeCalendar
) -> None:
    await stage.follow(home)
    await stage.sync()
    hrefs = [home.put(f"e{n:03}", ics(f"uid-{n}", TUESDAY)) for n in range(600)]

    def fetched() -> None:
        if len(stage.icloud.fetched_hrefs) == 500:
            stage.icloud.troubles["objects", home.path] = Unreachable("refused")

    stage.icloud.fetched = fetched
    await stage.sync()
    stage.icloud.troubles.clear()
    stage.icloud.fetched_hrefs.clear()
    await stage.sync()

    assert stage.icloud.fetched_hrefs == hrefs[500:]
    assert all(stage.heard(href) for href in hrefs)


async def test_an_event_that_never_comes_holds_its_calendar_up_once(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    home.lagging.add(home.put("bad", ics("uid-bad", TUESDAY)))

    for n in range(9):
        home.put(f"e{n}", ics(f"uid-{n}", TUESDAY))
        await stage.sync()

    assert [bool(one.calendars) for one in stage.events.completed()] == [False, True, True] + [False] * 7
    assert len(stage.events.of(EventsQuarantined)) == 1


async def test_another_one_that_lags_later_is_waited_for_all_the_same(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    home.lagging.add(home.put("bad", ics("uid-bad", TUESDAY)))
    await stage.sync(3)

    late = home.put("late", ics("uid-late", TUESDAY))
    home.lagging.add(late)
    await stage.sync()
    waiting = stage.events.completed()[-1].calendars
    home.lagging.discard(late)
    await stage.sync()

    assert len(waiting) == 1
    assert stage.heard(late) is not None
    assert stage.events.completed()[-1].calendars == ()
