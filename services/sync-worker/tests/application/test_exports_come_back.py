"""What users do to exported appointments on the Apple side is told, and left alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.events import AppointmentExported, ExportedEventChangedInICloud, RemovalsHeld
from sync_worker.domain.appointments import uid_of
from worker_appointments import START, Desk, booked, cancelled, rescheduled
from worker_examples import HOUR, ics
from worker_stage import Stage

ONE = "a" * 32
LOCAL, LATER = "DTSTART;TZID=Europe/Paris:20270302T110000", "DTSTART;TZID=Europe/Paris:20270302T103000"


@pytest.fixture
async def desk() -> Desk:
    """One appointment is in iCloud, and has come back."""
    found = Desk(Stage())
    await found.open()
    await found.say(booked(ONE))
    await found.stage.sync()
    found.stage.events.said.clear()
    return found


async def test_one_that_was_moved_is_told_once_with_its_time_there(desk: Desk) -> None:
    before = desk.stage.icloud.writes()

    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync(3)

    (news,) = desk.stage.events.of(ExportedEventChangedInICloud)
    assert isinstance(news, ExportedEventChangedInICloud)
    assert (news.appointment_id, news.change, news.span) == (ONE, "moved", (START - HOUR // 2, START + HOUR))
    assert desk.stage.icloud.writes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SUMMARY:Coupe", "SUMMARY:Coiffure"),
        ("Rings twice", "Rings thrice"),
        ("TRANSP:OPAQUE", "TRANSP:TRANSPARENT"),
        ("STATUS:CONFIRMED", "STATUS:CONFIRMED\r\nRRULE:FREQ=WEEKLY"),
    ],
)
async def test_one_that_was_edited_is_told(desk: Desk, old: str, new: str) -> None:
    desk.edit(ONE, old, new)
    await desk.stage.sync(2)

    assert desk.told() == [("edited", 1)]


GUEST = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:guest@example.com\r\nSUMMARY:"


@pytest.mark.parametrize(
    "theirs",
    [
        GUEST,
        f"ORGANIZER:mailto:me@icloud.com\r\n{GUEST}",
        "ORGANIZER;CN=Me:mailto:me@icloud.com\r\nSUMMARY:",
        "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M\r\nSUMMARY:",
    ],
)
@pytest.mark.parametrize("passes_before", [0, 1])
async def test_guests_and_travel_time_that_the_user_added_stay_whatever_is_set_up(
    desk: Desk, theirs: str, passes_before: int
) -> None:
    desk.edit(ONE, "SUMMARY:", theirs)
    await desk.stage.sync(passes_before)

    await desk.link(desk.home, alarm_minutes=30)
    await desk.stage.sync(2)
    await desk.link(desk.work)
    await desk.stage.sync(2)

    assert theirs in desk.texts()[0]
    assert desk.texts(desk.work) == []
    assert desk.told() == [("edited", 1)]


async def test_one_that_was_deleted_is_told_and_not_written_again(desk: Desk) -> None:
    desk.delete(ONE)
    await desk.stage.sync(8)

    assert desk.told() == [("deleted", 1)]
    assert desk.texts() == []


async def test_that_the_user_has_changed_it_back_is_told(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync()
    desk.edit(ONE, LATER, LOCAL)
    await desk.stage.sync(2)

    said = [one for one in desk.stage.events.said if isinstance(one, AppointmentExported)]
    assert desk.told() == [("moved", 1), ("exported", 1)]
    assert said[-1].as_agreed is True


async def test_each_further_change_is_told(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync()
    desk.edit(ONE, "SUMMARY:Coupe", "SUMMARY:Coiffure")
    await desk.stage.sync()
    desk.delete(ONE)
    await desk.stage.sync(2)

    assert desk.told() == [("moved", 1), ("moved", 1), ("deleted", 1)]


async def test_what_says_the_same_is_no_change_whatever_icloud_made_of_it(desk: Desk) -> None:
    desk.edit(ONE, "DTSTAMP:20270301", "DTSTAMP:20270301T080000Z\r\nDTSTAMP:20270301")
    desk.edit(ONE, "BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nX-APPLE-CREATOR-IDENTITY:com.apple.mobilecal\r\n")
    await desk.stage.sync(2)
    desk.edit(ONE, "END:VEVENT", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT")
    await desk.stage.sync(2)

    assert desk.told() == []


@pytest.mark.parametrize("how", ["moved", "deleted"])
async def test_crococlicks_next_word_wins(desk: Desk, how: str) -> None:
    if how == "moved":
        desk.edit(ONE, LOCAL, LATER)
    else:
        desk.delete(ONE)
    await desk.stage.sync()

    await desk.say(rescheduled(ONE, 2, title="Coloration"))
    await desk.stage.sync()

    (text,) = desk.texts()
    assert "SUMMARY:Coloration" in text
    assert LOCAL in text
    assert desk.told() == [(how, 1), ("exported", 2)]


async def test_crococlicks_next_word_wins_over_a_change_that_nobody_has_seen(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)

    await desk.say(rescheduled(ONE, 2, title="Coloration"))

    assert "SUMMARY:Coloration" in desk.texts()[0]
    assert desk.told() == [("exported", 2)]


async def test_a_cancelled_one_goes_whatever_the_user_made_of_it(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)

    await desk.say(cancelled(ONE, 2))

    assert desk.texts() == []
    assert desk.told() == [("exported", 2)]


async def test_of_a_cancelled_one_that_the_user_had_deleted_it_is_told_that_it_is_gone(desk: Desk) -> None:
    desk.delete(ONE)
    await desk.stage.sync()

    await desk.say(cancelled(ONE, 2))
    await desk.stage.sync()

    assert desk.told() == [("deleted", 1), ("exported", 2)]
    assert "delete" not in desk.stage.icloud.writes()


async def test_what_the_user_changed_stays_where_it_is_when_another_calendar_is_linked(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync()

    await desk.link(desk.work)
    await desk.stage.sync(2)
    stayed = len(desk.texts()), len(desk.texts(desk.work))
    await desk.say(rescheduled(ONE, 2, title="Coloration"))

    assert stayed == (1, 0)
    assert "SUMMARY:Coloration" in desk.texts(desk.work)[0]


async def test_a_read_that_lags_behind_our_own_write_is_no_change(desk: Desk) -> None:
    await desk.say(rescheduled(ONE, 2, title="Coloration"))
    desk.stage.now -= timedelta(minutes=9, seconds=55)
    href = desk.href(ONE)
    newest = desk.home.texts.pop(href)
    desk.home.log.append(href)
    await desk.stage.sync()
    seen_as = desk.told()
    desk.home.texts[href] = newest
    desk.home.log.append(href)

    await desk.stage.sync(2)

    assert seen_as == [("exported", 2)]
    assert desk.told() == [("exported", 2)]
    assert desk.texts() == [newest[1]]


async def test_a_pass_that_dies_after_it_saw_a_change_has_not_swallowed_it(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    claim = await desk.stage.claim()
    desk.stage.icloud.troubles["get", desk.home.path] = RuntimeError()
    with pytest.raises(RuntimeError):
        await desk.stage.worker()(claim)
    desk.stage.icloud.troubles.clear()
    await desk.stage.store.leases().release([claim])

    await desk.stage.sync()

    assert desk.told() == [("moved", 1)]


async def book(desk: Desk, count: int) -> list[str]:
    """So many more of ours are in the linked calendar, and have come back."""
    more = [f"{n:032}" for n in range(count)]
    for n, one in enumerate(more, start=1):
        await desk.hear(booked(one, start=START + n * HOUR, end=START + (n + 1) * HOUR))
    await desk.stage.sync(2)
    return more


def lose_tokens(desk: Desk) -> None:
    """From now on calendars are listed."""
    desk.home.dead_before = 1_000


def wait_for_the_days_work(desk: Desk) -> None:
    desk.stage.now += timedelta(days=1)


@pytest.mark.parametrize("look", [lambda _: None, lose_tokens, wait_for_the_days_work])
@pytest.mark.parametrize("users_own", [0, 3])
async def test_what_we_take_away_ourselves_raises_no_doubt(
    desk: Desk, look: Callable[[Desk], None], users_own: int
) -> None:
    for n in range(users_own):
        desk.home.put(f"user-{n}", ics(f"uid-{n}", "2027-03-20T10:00"))
    appointments = [ONE, *await book(desk, 12)]

    look(desk)
    for one in appointments:
        await desk.hear(cancelled(one, 2))
    await desk.stage.sync(2)

    assert len(desk.home.texts) == len(desk.stage.events.topic()) == users_own
    assert desk.stage.holds() == []


@pytest.mark.parametrize("look", [lambda _: None, lose_tokens, wait_for_the_days_work])
async def test_what_we_take_away_ourselves_is_not_counted_among_what_is_held(
    desk: Desk, look: Callable[[Desk], None]
) -> None:
    for n in range(4):
        desk.home.put(f"user-{n}", ics(f"uid-{n}", "2027-03-20T10:00"))
    appointments = [ONE, *await book(desk, 12)]

    look(desk)
    for n in range(4):
        desk.home.delete(f"user-{n}")
    for one in appointments:
        await desk.hear(cancelled(one, 2))
    await desk.stage.sync()
    (held,) = desk.stage.events.of(RemovalsHeld)
    await desk.stage.sync(3)

    assert isinstance(held, RemovalsHeld)
    assert (held.known, held.missing) == (4, 4)
    assert desk.stage.events.topic() == {}
    assert [state for _, state in desk.stage.holds()] == ["held", "confirmed"]


async def move_to_work(desk: Desk) -> None:
    """The user moves it into the other calendar on the iPhone."""
    uid = uid_of(ONE, desk.home.path)
    text = desk.home.texts[desk.href(ONE)][1]
    desk.delete(ONE)
    desk.work.put(uid, text)
    await desk.stage.sync(2)


async def test_one_that_was_moved_to_another_calendar_is_not_taken_for_deleted(desk: Desk) -> None:
    await move_to_work(desk)

    assert desk.told() == [("edited", 1)]
    assert (len(desk.texts()), len(desk.texts(desk.work))) == (0, 1)


async def test_crococlicks_next_word_brings_it_back_into_the_linked_calendar(desk: Desk) -> None:
    await move_to_work(desk)

    await desk.say(rescheduled(ONE, 2, title="Coloration"))

    assert desk.texts(desk.work) == []
    assert "SUMMARY:Coloration" in desk.texts()[0]
    assert desk.told() == [("edited", 1), ("exported", 2)]


async def test_cancelled_it_goes_from_wherever_the_user_put_it(desk: Desk) -> None:
    await move_to_work(desk)

    await desk.say(cancelled(ONE, 2))

    assert desk.texts(desk.work) == []
    assert desk.told() == [("edited", 1), ("exported", 2)]
