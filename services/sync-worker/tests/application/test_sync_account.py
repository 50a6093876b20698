from datetime import timedelta

import pytest

from contracts.events import (
    CalendarAge,
    CalendarState,
    ICloudEventImported,
    ICloudEventRemoved,
    RemovalReason,
    SyncProgress,
)
from contracts.facts import OccurrenceFacts
from icloud import Forbidden, NotUnderstood, calendar_id, uid_hash
from worker_examples import HOUR, NOW, ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
BROKEN_RULE = "FREQ=SOMETIMES"
IMPORTED, REMOVED, ENDED = "ICloudEventImported", "ICloudEventRemoved", "Ended"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def work(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("work")


async def test_a_first_pass_imports_what_is_there(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY, transp="TRANSPARENT"))
    await stage.follow(home)

    await stage.sync()

    event = stage.heard(href)
    start = moment(TUESDAY)
    assert event is not None
    assert (event.account_id, event.user_id, event.connection_id) == ("acc-1", "usr-1", stage.connection_id)
    assert (event.epoch, event.revision, event.calendar_id) == (1, 1, calendar_id(stage.connection_id, home.path))
    assert (event.as_of, event.all_day, event.title) == (int(NOW.timestamp()), False, None)
    assert event.horizon == (moment("2027-02-28T00:00"), moment("2028-04-05T00:00"))
    assert event.uid_hash == uid_hash(stage.connection_id, "uid-a")
    (group,) = event.occurrences
    assert (group.facts, group.spans) == (OccurrenceFacts(transparent=True), ((start, start + HOUR),))


async def test_what_is_told_is_of_the_stores_clock_whatever_the_workers_says(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    claim = await stage.claim()
    stage.now += timedelta(minutes=10)

    await stage.worker()(claim)

    event, (done,), told = stage.heard(href), stage.events.completed(), int(claim.claimed_at.timestamp())
    assert event is not None
    assert (event.as_of, done.as_of) == (told, told)


async def test_titles_leave_only_when_switched_on(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    without = stage.heard(href)

    await stage.follow(home, titles=True)
    await stage.sync()

    event = stage.heard(href)
    assert without is not None
    assert event is not None
    assert (without.title, event.title, event.revision) == (None, "Dentist", 2)


async def test_progress_is_told_during_a_first_import_only(stage: Stage, home: FakeCalendar) -> None:
    for n in range(600):
        home.put(f"e{n}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    home.put("one-more", ics("uid-more", TUESDAY))
    await stage.sync()

    told = [(one.imported, one.total) for one in stage.events.of(SyncProgress) if isinstance(one, SyncProgress)]
    assert told == [(250, None), (500, None), (600, 600)]


async def test_an_idle_pass_asks_once_and_still_moves_as_of(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()

    await stage.sync(3)

    completed = stage.events.completed()
    assert stage.icloud.asked == [("calendars", "")] * 3
    assert [one.as_of - int(NOW.timestamp()) for one in completed] == [0, 600, 1200, 1800]
    assert [one.revision for one in completed] == sorted({one.revision for one in completed})
    assert len(stage.events.of(ICloudEventImported)) == 1


async def test_a_ctag_is_not_trusted_for_ever(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    home.texts[f"{home.path}a.ics"] = ('"9"', ics("uid-a", TUESDAY))
    stage.icloud.asked.clear()

    await stage.sync(6)

    assert stage.icloud.asked.count(("changes", home.path)) == 1


async def test_a_changed_event_costs_three_requests_and_one_revision(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()

    home.put("a", ics("uid-a", "2027-03-03T15:00"))
    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert (event.revision, event.occurrences[0].spans[0][0]) == (2, moment("2027-03-03T15:00"))
    assert [call for call, _ in stage.icloud.asked] == ["calendars", "changes", "objects"]


async def test_a_new_etag_on_an_unchanged_event_is_no_news(stage: Stage, home: FakeCalendar) -> None:
    text = ics("uid-a", TUESDAY)
    href = home.put("a", text)
    await stage.follow(home)
    await stage.sync()

    home.put("a", text)
    await stage.sync()

    assert stage.history(href) == [(IMPORTED, 1)]


async def test_a_deleted_event_is_removed_and_its_key_ends(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    home.delete("a")
    await stage.sync()

    (removed,) = stage.events.of(ICloudEventRemoved)
    assert isinstance(removed, ICloudEventRemoved)
    assert removed.reason is RemovalReason.DELETED
    assert stage.history(href) == [(IMPORTED, 1), (REMOVED, 2), (ENDED, 2)]


async def test_a_revision_never_restarts(stage: Stage, home: FakeCalendar) -> None:
    text = ics("uid-a", TUESDAY)
    href = home.put("a", text)
    await stage.follow(home)
    await stage.sync()
    home.delete("a")
    await stage.sync()

    home.put("a", text)
    await stage.sync()

    assert stage.history(href) == [(IMPORTED, 1), (REMOVED, 2), (ENDED, 2), (IMPORTED, 3)]


async def test_an_event_that_moves_between_calendars_never_leaves_its_time_open(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    old = work.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    stage.events.said.clear()

    work.delete("a")
    new = home.put("a", ics("uid-a", TUESDAY))
    await stage.sync()

    about = [one for one in stage.events.said if isinstance(one, ICloudEventImported | ICloudEventRemoved)]
    assert [one.event_id for one in about] == [stage.id_of(new), stage.id_of(old)]


async def test_removals_wait_a_while_for_a_calendar_that_cannot_be_read(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    href = work.put("a", ics("uid-a", TUESDAY))
    home.put("old", ics("uid-old", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    work.delete("a")
    home.put("b", ics("uid-b", TUESDAY))
    stage.icloud.troubles["changes", home.path] = NotUnderstood("odd")

    await stage.sync(2)
    waiting = stage.heard(href)
    await stage.sync(1)

    assert waiting is not None
    assert stage.heard(href) is None


async def test_one_bad_calendar_does_not_stop_the_others_and_is_told(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    home.put("old", ics("uid-old", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    home.put("a", ics("uid-a", TUESDAY))
    href = work.put("b", ics("uid-b", TUESDAY))
    stage.icloud.troubles["changes", home.path] = Forbidden()

    await stage.sync(2)

    age = CalendarAge(
        id=calendar_id(stage.connection_id, home.path), as_of=int(NOW.timestamp()), state=CalendarState.FAILED
    )
    assert stage.heard(href) is not None
    assert [one.calendars for one in stage.events.completed()] == [(), (age,), (age,)]


async def test_a_calendar_that_heals_is_read_from_where_it_was_left(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    href = home.put("a", ics("uid-a", TUESDAY))
    stage.icloud.troubles["objects", home.path] = NotUnderstood("odd")
    await stage.sync()

    stage.icloud.troubles.clear()
    await stage.sync()

    assert stage.heard(href) is not None
    assert stage.events.completed()[-1].calendars == ()


async def test_a_calendar_taken_out_of_the_setup_is_taken_back(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    kept, left = home.put("a", ics("uid-a", TUESDAY)), work.put("b", ics("uid-b", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()

    await stage.follow(home)
    await stage.sync()

    (removed,) = stage.events.of(ICloudEventRemoved)
    assert isinstance(removed, ICloudEventRemoved)
    assert (removed.event_id, removed.reason) == (stage.id_of(left), RemovalReason.CALENDAR_LEFT)
    assert stage.heard(kept) is not None


async def test_a_calendar_that_comes_back_into_the_setup_is_imported_anew(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    await stage.follow()
    await stage.sync()

    await stage.follow(home)
    await stage.sync()

    assert [revision for _, revision in stage.history(href)] == [1, 2, 2, 3]
    assert stage.heard(href) is not None
