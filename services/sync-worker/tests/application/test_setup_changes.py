"""A changed setup takes effect at once, and what is known is not read again without need."""

import pytest

from contracts.events import CompletedSync, EventsQuarantined, HoldState, ICloudEventRemoved, RemovalReason
from icloud import NotUnderstood, Unreachable
from sync_worker.application import claim
from sync_worker.domain.occurrences import VERSION
from worker_examples import HOUR, ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
BROKEN_RULE = "FREQ=SOMETIMES"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def work(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("work")


def floating(uid: str) -> str:
    return ics(uid, TUESDAY).replace("T100000Z", "T100000").replace("T110000Z", "T110000")


def all_day(uid: str) -> str:
    return (
        ics(uid, TUESDAY).replace(":20270302T100000Z", ";VALUE=DATE:20270302").replace("DTEND:20270302T110000Z\r\n", "")
    )


async def test_a_calendar_added_to_the_setup_is_listed_and_no_other(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    href = work.put("b", ics("uid-b", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()

    await stage.follow(home, work)
    await stage.sync()

    assert stage.heard(href) is not None
    assert {path for _, path in stage.icloud.asked} == {"", work.path}


async def test_a_calendar_taken_out_of_the_setup_costs_no_question(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    work.put("b", ics("uid-b", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    stage.icloud.asked.clear()

    await stage.follow(home)
    await stage.sync()

    (removed,) = stage.events.of(ICloudEventRemoved)
    assert isinstance(removed, ICloudEventRemoved)
    assert removed.reason is RemovalReason.CALENDAR_LEFT
    assert stage.icloud.asked == [("calendars", "")]


async def test_a_calendar_taken_out_of_the_setup_takes_along_what_was_in_doubt_of_it(
    stage: Stage, home: FakeCalendar, work: FakeCalendar
) -> None:
    home.put("broken", ics("uid-broken", TUESDAY, rrule=BROKEN_RULE))
    for n in range(30):
        home.put(f"e{n:02}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()
    for n in range(25):
        home.delete(f"e{n:02}")
    await stage.sync()

    await stage.follow(work)
    await stage.sync()

    told = [len(one.objects) for one in stage.events.of(EventsQuarantined) if isinstance(one, EventsQuarantined)]
    assert told == [1, 0]
    assert [state for _, state in stage.holds()] == [HoldState.HELD, HoldState.DROPPED]
    assert len(stage.removals()) == 31


async def test_another_time_zone_reads_only_again_what_has_no_zone_of_its_own(stage: Stage, home: FakeCalendar) -> None:
    afloat, day = home.put("a", floating("uid-a")), home.put("b", all_day("uid-b"))
    fixed, broken = home.put("c", ics("uid-c", TUESDAY)), home.put("d", ics("uid-d", TUESDAY, rrule=BROKEN_RULE))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()
    stage.icloud.fetched_hrefs.clear()

    await stage.follow(home, time_zone="America/New_York")
    await stage.sync()

    assert stage.starts(afloat) == [moment("2027-03-02T15:00")]
    assert stage.starts(day) == [moment("2027-03-02T05:00")]
    assert [call for call, _ in stage.icloud.asked] == ["calendars", "changes", "objects"]
    assert set(stage.icloud.fetched_hrefs) == {afloat, day, broken}
    assert len(stage.history(fixed)) == 1


async def test_after_another_time_zone_an_idle_pass_is_idle_again(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", floating("uid-a"))
    await stage.follow(home)
    await stage.sync()
    await stage.follow(home, time_zone="America/New_York")
    await stage.sync()
    stage.icloud.asked.clear()

    await stage.sync()

    assert stage.icloud.asked == [("calendars", "")]


async def test_a_time_zone_that_changes_while_the_token_dies_is_listed_and_read_where_it_must_be(
    stage: Stage, home: FakeCalendar
) -> None:
    afloat, fixed = home.put("a", floating("uid-a")), home.put("b", ics("uid-b", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.fetched_hrefs.clear()

    home.log.append("touched")
    home.dead_before = len(home.log)
    await stage.follow(home, time_zone="America/New_York")
    await stage.sync()

    assert stage.starts(afloat) == [moment("2027-03-02T15:00")]
    assert stage.icloud.fetched_hrefs == [afloat]
    assert len(stage.history(fixed)) == 1


async def test_titles_need_every_text_again_but_no_listing(stage: Stage, home: FakeCalendar) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
    await stage.follow(home)
    await stage.sync()
    stage.icloud.asked.clear()

    await stage.follow(home, titles=True)
    await stage.sync()

    assert [event.title for href in hrefs if (event := stage.heard(href))] == ["Dentist"] * 3
    assert [call for call, _ in stage.icloud.asked] == ["calendars", "changes", "objects"]


async def test_what_an_older_version_could_not_read_is_tried_again_by_a_newer_one(
    stage: Stage, home: FakeCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = home.put("a", ics("uid-a", TUESDAY, rrule=BROKEN_RULE))
    await stage.follow(home)
    await stage.sync(2)
    before = stage.icloud.fetched_hrefs.count(broken)

    monkeypatch.setattr(claim, "VERSION", VERSION + 1)
    await stage.sync(2)

    assert (before, stage.icloud.fetched_hrefs.count(broken)) == (1, 2)


async def test_what_could_not_be_read_is_tried_again_when_its_etag_changes(stage: Stage, home: FakeCalendar) -> None:
    broken = home.put("a", ics("uid-a", TUESDAY, rrule=BROKEN_RULE))
    await stage.follow(home)
    await stage.sync(2)

    home.put("a", ics("uid-a", "2027-03-03T10:00", rrule="FREQ=DAILY;COUNT=2"))
    await stage.sync(2)

    start = moment("2027-03-03T10:00")
    assert stage.icloud.fetched_hrefs == [broken, broken]
    assert stage.starts(broken) == [start, start + 24 * HOUR]


async def test_a_completed_pass_names_the_setup_that_it_went_by_and_what_it_said_last(
    stage: Stage, home: FakeCalendar
) -> None:
    await stage.follow(home)
    await stage.sync()
    home.put("a", ics("uid-a", TUESDAY))
    href = home.put("b", ics("uid-b", TUESDAY))
    await stage.sync()
    await stage.follow(home, titles=True)
    home.delete("b")
    await stage.sync()
    await stage.sync(2)

    def last(one: CompletedSync) -> tuple[str, int] | None:
        return (one.last_event.event_id, one.last_event.revision) if one.last_event else None

    completed = stage.events.completed()
    first, second = (stage.id_of(href), 1), (stage.id_of(href), 2)
    assert [one.setup_revision for one in completed] == [1, 1, 2, 2, 2]
    # Once more by the next pass: who died after the first time may not have told it.
    assert [last(one) for one in completed] == [None, first, second, second, None]


async def test_what_a_broken_off_first_import_brought_leaves_with_its_calendar(
    stage: Stage, home: FakeCalendar
) -> None:
    work = stage.icloud.calendar("work")
    await stage.follow(home)
    await stage.sync()
    hrefs = [work.put(f"e{n:03}", ics(f"uid-{n}", TUESDAY)) for n in range(300)]
    await stage.follow(home, work)

    def fetched() -> None:
        stage.icloud.troubles["objects", work.path] = Unreachable("refused")

    stage.icloud.fetched = fetched
    await stage.sync()
    brought = sum(stage.heard(href) is not None for href in hrefs)
    await stage.follow(home)
    await stage.sync()

    assert brought == 250
    assert not any(stage.heard(href) for href in hrefs)


async def test_a_first_import_that_is_broken_off_and_goes_on_is_a_first_import(
    stage: Stage, home: FakeCalendar
) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    stage.icloud.troubles["objects", home.path] = Unreachable("refused")
    await stage.follow(stage.icloud.calendar("other"))
    await stage.sync()
    await stage.follow(stage.icloud.calendar("other"), home)
    await stage.sync()

    stage.icloud.troubles["objects", home.path] = NotUnderstood("odd")
    await stage.sync()

    (age,) = stage.events.completed()[-1].calendars
    assert age.as_of == 0


async def test_titles_that_are_switched_off_go_even_where_the_calendar_cannot_be_read(
    stage: Stage, home: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home, titles=True)
    await stage.sync(2)
    before = stage.heard(href)
    stage.icloud.troubles["calendars", ""] = Unreachable("connect")

    await stage.follow(home, titles=False)
    await stage.sync(2)

    event = stage.heard(href)
    assert before is not None
    assert event is not None
    assert (before.title, event.title, event.revision) == ("Dentist", None, before.revision + 1)
    assert event.occurrences == before.occurrences
