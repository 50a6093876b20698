"""An exported appointment blocks everybody but the user whose it is, and takes no other time than the appointment."""

from datetime import timedelta

import pytest

from contracts.facts import Access
from icloud import TryLater
from sync_worker.application.track_appointments import AppointmentNews
from worker_appointments import START, Desk, booked, cancelled, rescheduled
from worker_examples import HOUR, new_id
from worker_stage import Stage

ONE, TWO = "a" * 32, "an id that is/not plain"
THREE_PM = START + 4 * HOUR
AGREED = "DTSTART;TZID=Europe/Paris:20270302T110000\r\nDTEND;TZID=Europe/Paris:20270302T120000"
LATER = "DTSTART;TZID=Europe/Paris:20270302T150000\r\nDTEND;TZID=Europe/Paris:20270302T160000"


@pytest.fixture
async def desk() -> Desk:
    anna = Desk(Stage())
    await anna.open()
    return anna


def own(stage: Stage, href: str) -> list[bool]:
    """Whether a reader of the topic takes it for the user's own."""
    event = stage.heard(href)
    assert event is not None
    return [group.facts.own_appointment for group in event.occurrences]


def blocked(stage: Stage, href: str) -> list[int]:
    """When what others than the appointment itself blocks begins."""
    event = stage.heard(href)
    assert event is not None
    groups = [group for group in event.occurrences if not group.facts.own_appointment]
    return [start for group in groups for start, _ in group.spans]


async def test_another_users_appointment_in_a_shared_calendar_blocks(desk: Desk) -> None:
    await desk.say(booked(ONE))
    (text,) = desk.texts()
    ben = Stage(connection_id=new_id())
    shared = ben.icloud.calendar("shared")
    href = shared.put(desk.href(ONE).rpartition("/")[2].removesuffix(".ics"), text)

    await ben.follow(shared, user_id="usr-2")
    await ben.sync(2)

    assert own(ben, href) == [False]


@pytest.mark.parametrize("appointment_id", [ONE, TWO])
async def test_a_copy_of_the_users_own_at_its_time_does_not_block_wherever_it_lies(
    desk: Desk, appointment_id: str
) -> None:
    await desk.say(booked(appointment_id))
    (text,) = desk.texts()
    uid = desk.href(appointment_id).rpartition("/")[2].removesuffix(".ics")

    renamed = desk.work.put("copy", text.replace(f"UID:{uid}", "UID:copy"))
    unmarked = desk.work.put("unmarked", text.replace("X-CROCOCLICK-APPOINTMENT", "X-NOBODY"))
    await desk.stage.sync()

    assert own(desk.stage, renamed) == own(desk.stage, unmarked) == [True]


async def test_what_the_user_moved_blocks_where_it_is_now(desk: Desk) -> None:
    await desk.say(booked(ONE))

    desk.edit(ONE, AGREED, LATER)
    await desk.stage.sync(2)

    assert blocked(desk.stage, desk.href(ONE)) == [THREE_PM]
    assert desk.told() == [("exported", 1), ("moved", 1)]


async def test_what_the_user_made_a_series_blocks_all_its_weeks(desk: Desk) -> None:
    await desk.say(booked(ONE))

    desk.edit(ONE, "SUMMARY:Coupe", "RRULE:FREQ=WEEKLY;COUNT=3\r\nSUMMARY:Coupe")
    await desk.stage.sync()

    assert blocked(desk.stage, desk.href(ONE)) == [START, START + 7 * 24 * HOUR, START + 14 * 24 * HOUR]


async def test_what_the_user_moved_back_is_the_users_own_again(desk: Desk) -> None:
    await desk.say(booked(ONE))
    desk.edit(ONE, AGREED, LATER)
    await desk.stage.sync()

    desk.edit(ONE, LATER, AGREED)
    await desk.stage.sync()

    assert own(desk.stage, desk.href(ONE)) == [True]


@pytest.mark.parametrize("news", [rescheduled(ONE, 2, start=THREE_PM, end=THREE_PM + HOUR), cancelled(ONE, 2)])
async def test_what_we_wrote_does_not_block_while_our_next_word_waits(desk: Desk, news: AppointmentNews) -> None:
    await desk.say(booked(ONE))
    await desk.stage.sync()
    for call in ("put", "delete"):
        desk.stage.icloud.troubles[call, desk.home.path] = TryLater(None, "server_error")

    await desk.say(news)
    desk.edit(ONE, "BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nX-APPLE-CREATOR-IDENTITY:com.apple.mobilecal\r\n")
    await desk.stage.sync()

    assert own(desk.stage, desk.href(ONE)) == [True]


async def test_our_own_word_makes_what_the_user_moved_the_users_own_again(desk: Desk) -> None:
    await desk.say(booked(ONE))
    desk.edit(ONE, AGREED, LATER)
    await desk.stage.sync()

    await desk.say(rescheduled(ONE, 2, start=THREE_PM, end=THREE_PM + HOUR))
    await desk.stage.sync()

    assert own(desk.stage, desk.href(ONE)) == [True]
    assert desk.stage.starts(desk.href(ONE)) == [THREE_PM]


@pytest.mark.parametrize("shut", [{"access": Access.READ_ONLY}, {"calendar": None}])
async def test_where_nothing_is_written_the_kept_event_follows_the_appointment(
    desk: Desk, shut: dict[str, object]
) -> None:
    await desk.say(booked(ONE))
    desk.edit(ONE, AGREED, LATER)
    await desk.stage.sync()
    await desk.link(**{"calendar": desk.home, **shut})  # type: ignore[arg-type] # either of them
    await desk.stage.sync(2)
    desk.stage.icloud.asked.clear()

    await desk.say(rescheduled(ONE, 2, start=THREE_PM, end=THREE_PM + HOUR))
    there = own(desk.stage, desk.href(ONE))
    await desk.say(rescheduled(ONE, 3))
    away = blocked(desk.stage, desk.href(ONE))
    await desk.say(rescheduled(ONE, 4, start=THREE_PM, end=THREE_PM + HOUR))
    back = own(desk.stage, desk.href(ONE))
    await desk.say(cancelled(ONE, 5))

    assert (there, away, back) == ([True], [THREE_PM], [True])
    assert blocked(desk.stage, desk.href(ONE)) == [THREE_PM]
    assert "objects" not in {call for call, _ in desk.stage.icloud.asked}


@pytest.mark.parametrize("reachable", [True, False])
async def test_a_copy_blocks_once_the_appointment_has_left_it(desk: Desk, *, reachable: bool) -> None:
    await desk.say(booked(ONE))
    (text,) = desk.texts()
    uid = desk.href(ONE).rpartition("/")[2].removesuffix(".ics")
    copy = desk.work.put("copy", text.replace(f"UID:{uid}", "UID:copy").replace("SUMMARY:Coupe", "SUMMARY:Mine"))
    await desk.stage.sync()
    before = own(desk.stage, copy)

    if not reachable:
        desk.stage.icloud.troubles["calendars", ""] = TryLater(None, "server_error")
    await desk.say(rescheduled(ONE, 2, start=THREE_PM, end=THREE_PM + HOUR))

    assert before == [True]
    assert blocked(desk.stage, copy) == [START]


async def test_what_the_user_only_renamed_follows_the_appointment_too(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.stage.sync()
    desk.edit(ONE, "SUMMARY:Coupe", "SUMMARY:Coiffure")
    await desk.stage.sync()
    before = own(desk.stage, desk.href(ONE))
    await desk.link(None)
    await desk.stage.sync()

    await desk.say(rescheduled(ONE, 2, start=THREE_PM, end=THREE_PM + HOUR))

    assert before == [True]
    assert blocked(desk.stage, desk.href(ONE)) == [START]


async def test_an_appointment_that_moves_while_a_pass_runs_is_followed_by_the_next(desk: Desk) -> None:
    await desk.say(booked(ONE))
    desk.edit(ONE, AGREED, LATER)
    await desk.stage.sync()
    await desk.link(None)
    claim = await desk.stage.claim()
    await desk.hear(rescheduled(ONE, 2, start=THREE_PM, end=THREE_PM + HOUR))
    await desk.stage.worker()(claim)

    desk.stage.now += timedelta(minutes=10)
    await desk.stage.sync()

    assert own(desk.stage, desk.href(ONE)) == [True]
