"""Dead tokens, listings that cannot be true, objects that cannot be read or never come."""

from datetime import timedelta

import pytest

from contracts.events import EventsQuarantined, ICloudEventImported, ICloudEventRemoved, RemovalReason, RemovalsHeld
from contracts.facts import OccurrenceFacts
from icloud import NotUnderstood
from worker_examples import HOUR, ics, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
BROKEN_RULE = "FREQ=SOMETIMES"
IMPORTED, REMOVED, ENDED = "ICloudEventImported", "ICloudEventRemoved", "Ended"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def test_a_dead_token_is_survived_without_repeating_what_is_known(stage: Stage, home: FakeCalendar) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(20)]
    await stage.follow(home)
    await stage.sync()
    stage.events.said.clear()
    stage.icloud.asked.clear()

    home.delete("e0")
    home.put("e1", ics("uid-1", "2027-03-05T10:00"))
    home.dead_before = len(home.log)
    await stage.sync(2)

    assert [kind for kind, _ in stage.history(hrefs[0])] == [REMOVED, ENDED]
    assert [kind for kind, _ in stage.history(hrefs[1])] == [IMPORTED]
    assert len(stage.events.of(ICloudEventImported)) == 1
    assert stage.icloud.asked.count(("listing", home.path)) == 1


async def test_a_listing_proves_nothing_outside_of_its_window(stage: Stage, home: FakeCalendar) -> None:
    for n in range(5):
        home.put(f"e{n}", ics(f"uid-{n}", "2027-06-01T10:00"))
    home.put("past", ics("uid-past", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    stage.now += timedelta(days=30)
    home.put("e0", ics("uid-0", "2027-06-02T10:00"))
    home.dead_before = len(home.log)
    await stage.sync()

    (removed,) = stage.events.of(ICloudEventRemoved)
    assert isinstance(removed, ICloudEventRemoved)
    assert removed.reason is RemovalReason.PASSED


@pytest.mark.parametrize("size", [1, 70])
async def test_what_moved_out_of_the_horizon_while_the_token_died_is_read_and_not_taken_for_deleted(
    stage: Stage, home: FakeCalendar, size: int
) -> None:
    for n in range(200):
        home.put(f"e{n}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", "2019-03-02T10:00")) for n in range(size)]
    home.delete("e199")
    home.dead_before = len(home.log)
    await stage.sync()

    moved = [stage.heard(href) for href in hrefs]
    assert [event.occurrences for event in moved if event] == [()] * size
    assert stage.heard(f"{home.path}e199.ics") is None
    assert stage.events.of(RemovalsHeld) == []


async def test_much_that_moved_out_of_the_horizon_while_the_token_died_is_read_after_a_second_look(
    stage: Stage, home: FakeCalendar
) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(30)]
    await stage.follow(home)
    await stage.sync()

    for n in range(30):
        home.put(f"e{n}", ics(f"uid-{n}", "2019-03-02T10:00"))
    home.dead_before = len(home.log)
    await stage.sync(2)

    moved = [stage.heard(href) for href in hrefs]
    assert [event.occurrences for event in moved if event] == [()] * 30
    assert len(stage.events.of(RemovalsHeld)) == 2


async def test_an_event_that_cannot_be_read_blocks_the_time_that_can_be_told_and_is_told(
    stage: Stage, home: FakeCalendar
) -> None:
    href, other = home.put("a", ics("uid-a", TUESDAY, rrule=BROKEN_RULE)), home.put("b", ics("uid-b", TUESDAY))
    await stage.follow(home)

    await stage.sync(2)

    event = stage.heard(href)
    (told,) = stage.events.of(EventsQuarantined)
    start = moment(TUESDAY)
    assert event is not None
    assert [(group.facts, group.spans) for group in event.occurrences] == [
        (OccurrenceFacts(), ((start, start + HOUR),))
    ]
    assert isinstance(told, EventsQuarantined)
    assert [(one.event_id, one.span) for one in told.objects] == [(stage.id_of(href), (start, start + HOUR))]
    assert stage.heard(other) is not None


async def test_an_event_that_can_be_read_again_is_told_too(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", TUESDAY, rrule=BROKEN_RULE))
    await stage.follow(home)
    await stage.sync()

    home.put("a", ics("uid-a", TUESDAY))
    await stage.sync()

    told = [len(one.objects) for one in stage.events.of(EventsQuarantined) if isinstance(one, EventsQuarantined)]
    assert told == [1, 0]


async def test_an_event_that_becomes_unreadable_altogether_goes_on_blocking(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    home.put("a", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n")
    await stage.sync()

    assert stage.history(href) == [(IMPORTED, 1)]
    assert len(stage.events.of(EventsQuarantined)) == 1


async def test_a_change_that_is_handed_out_in_its_old_version_is_not_lost(stage: Stage) -> None:
    home = stage.icloud.calendar("home")
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    before = home.texts[href]
    home.put("a", ics("uid-a", FRIDAY))
    home.outdated[href] = before
    await stage.sync()

    home.outdated.clear()
    await stage.sync()

    assert len(stage.events.of(ICloudEventImported)) == 2


async def test_a_server_that_names_versions_in_two_ways_is_read_all_the_same(stage: Stage) -> None:
    home = stage.icloud.calendar("home")
    home.put("old", ics("uid-old", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    href = home.put("a", ics("uid-a", TUESDAY))
    home.outdated[href] = ('"another"', home.texts[href][1])

    for _ in range(4):
        await stage.sync()

    claim = await stage.claim()
    assert len(stage.events.of(ICloudEventImported)) == 2
    assert [(tracked.failures, tracked.token) for tracked in claim.calendars.values()] == [(0, home.token)]


async def test_a_listed_event_that_does_not_come_is_asked_for_again(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()
    href, other = home.put("a", ics("uid-a", TUESDAY)), home.put("b", ics("uid-b", TUESDAY))
    home.lagging.add(href)
    await stage.sync()
    early = (stage.heard(href), stage.heard(other))

    home.lagging.clear()
    await stage.sync()

    assert early[0] is None
    assert early[1] is not None
    assert stage.heard(href) is not None


async def test_an_event_that_never_comes_does_not_hold_its_calendar_up_for_ever(
    stage: Stage, home: FakeCalendar
) -> None:
    await stage.follow(home)
    await stage.sync()
    href = home.put("a", ics("uid-a", TUESDAY))
    home.lagging.add(href)
    await stage.sync(3)
    told = stage.events.of(EventsQuarantined)
    given_up = stage.events.completed()[-1].calendars

    home.lagging.clear()
    await stage.sync(6)

    assert len(told) == 1
    assert given_up == ()
    event = stage.heard(href)
    assert event is not None
    assert event.occurrences


async def test_an_event_outside_of_the_horizon_is_none_of_our_business(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    await stage.sync()

    href = home.put("a", ics("uid-a", "2019-03-02T10:00"))
    await stage.sync()

    assert stage.history(href) == []


async def test_an_event_that_leaves_the_horizon_leaves_its_time(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    home.put("a", ics("uid-a", "2019-03-02T10:00"))
    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert event.occurrences == ()


@pytest.mark.parametrize("unwell", [1, 2, 3])
async def test_an_old_version_that_came_in_a_bad_hour_does_not_stay(
    stage: Stage, home: FakeCalendar, unwell: int
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    old = home.texts[href]
    home.put("a", ics("uid-a", FRIDAY))

    stage.icloud.troubles["changes", home.path] = NotUnderstood("odd")
    await stage.sync(unwell - 1)
    stage.icloud.troubles.clear()
    home.outdated[href] = old
    await stage.sync()
    home.outdated.clear()
    await stage.sync(2)

    assert stage.starts(href) == [moment(FRIDAY)]
    assert stage.events.completed()[-1].calendars == ()


async def test_what_comes_in_another_version_for_ever_is_not_asked_for_for_ever(
    stage: Stage, home: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    home.put("a", ics("uid-a", FRIDAY))
    home.outdated[href] = ('"another"', home.texts[href][1])

    await stage.sync(12)
    stage.icloud.asked.clear()
    await stage.sync(5)

    assert ("objects", home.path) not in stage.icloud.asked
    assert stage.events.completed()[-1].calendars == ()


async def test_what_did_not_come_in_a_bad_hour_is_asked_for_at_the_next_look_and_in_the_listed_version(
    stage: Stage, home: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    old = home.texts[href]
    home.put("a", ics("uid-a", FRIDAY))

    home.lagging.add(href)
    await stage.sync(3)
    home.lagging.clear()
    home.outdated[href] = old
    await stage.sync()
    home.outdated.clear()
    await stage.sync()

    assert stage.starts(href) == [moment(FRIDAY)]


@pytest.mark.parametrize("changed", [{"time_zone": "America/New_York"}, {"titles": True}])
async def test_the_version_before_does_not_take_the_place_of_the_one_that_is_read_again(
    stage: Stage, home: FakeCalendar, changed: dict[str, object]
) -> None:
    afloat = {day: ics("uid-a", day).replace("00Z\r\n", "00\r\n") for day in (TUESDAY, FRIDAY)}
    href = home.put("a", afloat[TUESDAY])
    await stage.follow(home)
    await stage.sync()
    old = home.texts[href]
    home.put("a", afloat[FRIDAY])
    await stage.sync()
    before = stage.starts(href)

    home.outdated[href] = old
    await stage.follow(home, **changed)
    await stage.sync()
    during, ages = stage.starts(href), stage.events.completed()[-1].calendars
    home.outdated.clear()
    await stage.sync()

    event, zone_moved = stage.heard(href), 6 * HOUR if "time_zone" in changed else 0
    assert event is not None
    assert (during, len(ages)) == (before, 1)
    assert (stage.starts(href), event.title is not None) == ([before[0] + zone_moved], "titles" in changed)
    assert stage.events.completed()[-1].calendars == ()


async def test_what_is_waited_for_is_the_newest_version_that_was_told(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    home.put("a", ics("uid-a", "2027-03-03T10:00"))
    between = home.texts[href]
    home.outdated[href] = ('"newest"', ics("uid-a", FRIDAY))
    await stage.sync()

    home.put("a", ics("uid-a", FRIDAY))
    home.texts[href], home.outdated[href] = home.outdated[href], between
    await stage.sync(2)

    assert stage.starts(href) == [moment(FRIDAY)]


@pytest.mark.parametrize("passes", [4, 12])
async def test_another_basis_takes_no_old_version_for_the_one_that_is_waited_for(
    stage: Stage, home: FakeCalendar, passes: int
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    home.outdated[href] = home.texts[href]
    home.put("a", ics("uid-a", FRIDAY))
    await stage.sync(passes)

    home.outdated.clear()
    await stage.follow(home, titles=True)
    await stage.sync(3)

    event = stage.heard(href)
    assert event is not None
    assert (stage.starts(href), event.title is not None) == ([moment(FRIDAY)], True)
    assert stage.events.completed()[-1].calendars == ()


async def test_what_comes_without_an_etag_is_read_whenever_it_is_listed(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    home.texts[href] = ("", home.texts[href][1])
    await stage.follow(home)
    await stage.sync(2)

    home.put("a", ics("uid-a", FRIDAY))
    home.texts[href] = ("", home.texts[href][1])
    await stage.sync()

    assert stage.starts(href) == [moment(FRIDAY)]


async def test_an_end_in_the_hour_that_the_clock_skips_stops_nothing(stage: Stage, home: FakeCalendar) -> None:
    await stage.follow(home)
    times = {"T100000Z": "T033000", "T110000Z": "T023000", "DTSTART": "DTSTART;TZID=Europe/Paris"}
    text = ics("uid-a", "2027-03-28T10:00").replace("DTEND", "DTEND;TZID=Europe/Paris")
    for usual, odd in times.items():
        text = text.replace(usual, odd)
    skipped, other = home.put("a", text), home.put("b", ics("uid-b", FRIDAY))

    await stage.sync()

    assert (stage.starts(skipped), stage.starts(other)) == ([moment("2027-03-28T01:30")], [moment(FRIDAY)])
