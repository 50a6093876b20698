"""What CrocoClick books is in the linked calendar, once, and nothing else of the user's is touched."""

from datetime import timedelta

import pytest

from contracts.events import AppointmentExported
from worker_appointments import START, Desk, booked, cancelled, rescheduled
from worker_examples import HOUR, ics
from worker_stage import Stage

ONE = "a" * 32
TWO = "b" * 32


@pytest.fixture
async def desk() -> Desk:
    found = Desk(Stage())
    await found.open()
    found.stage.icloud.asked.clear()
    return found


async def test_a_booked_appointment_is_written_with_one_request_more_than_a_look(desk: Desk) -> None:
    await desk.say(booked(ONE))

    (text,) = desk.texts()
    assert "DTSTART;TZID=Europe/Paris:20270302T110000" in text
    assert "SUMMARY:Coupe\\, Camille Martin" in text
    assert desk.stage.icloud.asked == [("calendars", ""), ("put", desk.home.path)]
    assert desk.told() == [("exported", 1)]


async def test_the_news_names_appointment_calendar_and_connection(desk: Desk) -> None:
    await desk.say(booked(ONE))

    (news,) = desk.stage.events.of(AppointmentExported)
    assert isinstance(news, AppointmentExported)
    assert (news.appointment_id, news.connection_id, news.epoch) == (ONE, desk.stage.connection_id, 1)
    assert news.calendar_id in (await desk.stage.claim()).conflict_calendars


async def test_a_moved_one_keeps_its_object(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.stage.sync()

    await desk.say(rescheduled(ONE, 2, start=START + HOUR, end=START + 2 * HOUR))

    (text,) = desk.texts()
    assert "DTSTART;TZID=Europe/Paris:20270302T120000" in text
    assert "SEQUENCE:1" in text
    assert list(desk.home.texts) == [desk.href(ONE)]
    assert desk.told() == [("exported", 1), ("exported", 2)]


async def test_a_cancelled_one_is_taken_away(desk: Desk) -> None:
    await desk.say(booked(ONE))

    await desk.say(cancelled(ONE, 2))

    assert desk.home.texts == {}
    assert desk.told() == [("exported", 1), ("exported", 2)]


async def test_one_that_was_never_there_is_cancelled_without_a_word(desk: Desk) -> None:
    await desk.hear(booked(ONE))

    await desk.say(cancelled(ONE, 2))

    assert desk.stage.icloud.writes() == []
    assert [kind for kind, _ in desk.told()] in ([], ["exported"])


async def test_nothing_is_written_when_nothing_changed(desk: Desk) -> None:
    await desk.say(booked(ONE))
    before = dict(desk.home.texts)

    await desk.say(booked(ONE))
    await desk.say(rescheduled(ONE, 2))
    await desk.link(desk.home)
    await desk.stage.sync(3)

    assert desk.home.texts == before
    assert desk.stage.icloud.writes() == ["put"]


async def test_old_news_changes_nothing(desk: Desk) -> None:
    await desk.say(rescheduled(ONE, 3, title="Newest"))

    heard = [await desk.hear(one) for one in (booked(ONE), cancelled(ONE, 2))]
    await desk.stage.sync()

    assert heard == [False, False]
    assert "SUMMARY:Newest" in desk.texts()[0]


async def test_a_quiet_pass_asks_for_nothing_but_a_look(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.stage.sync()
    desk.stage.icloud.asked.clear()

    await desk.stage.sync()

    assert desk.stage.icloud.asked == [("calendars", "")]


async def test_own_events_come_back_as_what_they_are(desk: Desk) -> None:
    await desk.say(booked(ONE))

    await desk.stage.sync()

    event = desk.stage.heard(desk.href(ONE))
    assert event is not None
    assert [group.facts.own_appointment for group in event.occurrences] == [True]
    assert desk.told() == [("exported", 1)]


async def test_past_ones_are_not_written_and_those_to_come_are_whenever_a_calendar_is_linked() -> None:
    desk = Desk(Stage())
    await desk.hear(booked(ONE, start=START - 72 * HOUR, end=START - 71 * HOUR))
    await desk.hear(booked(TWO))
    await desk.link(None)
    await desk.stage.sync()
    unlinked = desk.stage.icloud.writes()

    await desk.link(desk.home)
    await desk.stage.sync()

    assert unlinked == []
    assert list(desk.home.texts) == [desk.href(TWO)]
    assert desk.told() == [("exported", 1)]


async def test_the_first_import_comes_before_the_first_export() -> None:
    desk = Desk(Stage())
    desk.home.put("a-meeting-of-two-people", ics("uid-1", "2027-03-02T15:00"))
    await desk.hear(booked(ONE))
    await desk.link(desk.home)

    await desk.stage.sync()
    imported = list(desk.stage.events.completed())
    (claim,) = await desk.stage.store.leases().claim(1)

    assert len(imported) == 1
    assert desk.stage.icloud.writes() == []
    assert claim.exports.due_at is not None


async def test_an_alarm_rings_as_the_setup_says(desk: Desk) -> None:
    await desk.say(booked(ONE))
    none = desk.texts()[0].count("VALARM")

    await desk.link(desk.home, alarm_minutes=30)
    await desk.stage.sync()
    await desk.say(booked(TWO))

    assert none == 0
    assert all("TRIGGER:-PT30M" in text for text in desk.texts())
    assert len(desk.texts()) == 2


async def test_an_etag_that_is_not_told_is_read(desk: Desk) -> None:
    desk.stage.icloud.etags_untold = True
    await desk.say(booked(ONE))
    await desk.stage.sync()

    await desk.say(rescheduled(ONE, 2, title="Other"))

    assert "SUMMARY:Other" in desk.texts()[0]
    assert desk.told() == [("exported", 1), ("exported", 2)]


async def test_what_a_connection_before_wrote_is_taken_up_again(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.disconnect()
    stays = dict(desk.home.texts)
    desk.stage.connection_id = "8" * 32

    await desk.open()
    await desk.stage.sync()

    assert desk.home.texts == stays
    assert desk.told() == [("exported", 1), ("exported", 1)]


async def test_many_are_written_over_several_passes(desk: Desk) -> None:
    for n in range(30):
        await desk.hear(booked(f"{n:032}", start=START + n * HOUR, end=START + (n + 1) * HOUR))

    await desk.stage.sync()
    first = len(desk.texts())
    (claim,) = await desk.stage.store.leases().claim(1)
    await desk.stage.store.leases().release([claim])
    await desk.stage.sync()

    assert (first, len(desk.texts())) == (25, 30)


async def test_the_next_appointment_is_known_to_the_cadence_and_asked_for_once_it_has_begun(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.say(booked(TWO, start=START + 24 * HOUR, end=START + 25 * HOUR))
    first = await next_start(desk)
    desk.stage.now += timedelta(hours=26)

    await desk.stage.sync()
    second = await next_start(desk)
    desk.stage.now += timedelta(hours=26)
    await desk.stage.sync()

    assert (first, second, await next_start(desk)) == (START, START + 24 * HOUR, None)


async def next_start(desk: Desk) -> int | None:
    claim = await desk.stage.claim()
    await desk.stage.store.leases().release([claim])
    begins = claim.activity.next_appointment_at
    return int(begins.timestamp()) if begins else None
