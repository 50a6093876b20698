"""What CrocoClick books is in the linked calendar, once, and nothing else of the user's is touched."""

from datetime import timedelta

import pytest

from contracts.events import AppointmentExported, AppointmentExportFailed
from contracts.facts import Access
from icloud import CredentialsRejected, Forbidden, HeldBack, NotUnderstood, TryLater
from worker_appointments import START, Desk, booked, cancelled, rescheduled
from worker_examples import HOUR, ics
from worker_stage import Stage

ONE = "a" * 32
TWO = "b" * 32
HOURS = timedelta(hours=8)


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


@pytest.mark.parametrize("way", ["read_only", "unlinked"])
async def test_nothing_is_ever_written_that_the_user_did_not_allow(way: str) -> None:
    desk = Desk(Stage())
    await desk.open()
    await desk.say(booked(ONE))
    written = desk.stage.icloud.writes()

    await desk.link(
        desk.home if way == "read_only" else None, **({"access": Access.READ_ONLY} if way == "read_only" else {})
    )
    for news in (rescheduled(ONE, 2, title="Other"), cancelled(ONE, 3), booked(TWO)):
        await desk.say(news)
    await desk.stage.sync(8)

    assert desk.stage.icloud.writes() == written
    assert desk.told() == [("exported", 1)]


async def test_an_alarm_rings_as_the_setup_says(desk: Desk) -> None:
    await desk.say(booked(ONE))
    none = desk.texts()[0].count("VALARM")

    await desk.link(desk.home, alarm_minutes=30)
    await desk.stage.sync()
    await desk.say(booked(TWO))

    assert none == 0
    assert all("TRIGGER:-PT30M" in text for text in desk.texts())
    assert len(desk.texts()) == 2


async def test_appointments_to_come_move_to_another_linked_calendar_and_past_ones_stay(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.say(booked(TWO, start=START + 48 * HOUR, end=START + 49 * HOUR))
    desk.stage.now += timedelta(days=2)

    await desk.link(desk.work)
    await desk.stage.sync()

    assert list(desk.home.texts) == [desk.href(ONE)]
    assert list(desk.work.texts) == [desk.href(TWO, desk.work)]
    assert desk.told()[-1] == ("exported", 1)


async def test_what_is_moved_and_moved_back_is_there_once(desk: Desk) -> None:
    await desk.say(booked(ONE))
    desk.stage.icloud.troubles["delete", desk.home.path] = TryLater(None, "status_500")
    await desk.link(desk.work)
    await desk.stage.sync()
    both = len(desk.home.texts), len(desk.work.texts)
    desk.stage.icloud.troubles.clear()

    await desk.link(desk.home)
    await desk.stage.sync()

    assert both == (1, 1)
    assert (list(desk.home.texts), list(desk.work.texts)) == ([desk.href(ONE)], [])
    assert {kind for kind, _ in desk.told()} == {"exported"}


TROUBLES = [
    (Forbidden("storage_full"), "quota"),
    (Forbidden(), "refused"),
    (NotUnderstood("object_refused"), "refused"),
    (NotUnderstood("status_418"), "icloud_not_understood"),
    (TryLater(None, "status_500"), "icloud_unavailable"),
]


@pytest.mark.parametrize(("trouble", "reason"), TROUBLES, ids=str)
async def test_a_failure_is_told_and_tried_again_until_it_goes_well(
    desk: Desk, trouble: Exception, reason: str
) -> None:
    desk.stage.icloud.troubles["put", desk.home.path] = trouble
    await desk.say(booked(ONE))
    (failed,) = desk.stage.events.of(AppointmentExportFailed)
    assert isinstance(failed, AppointmentExportFailed)
    wait = (failed.next_try_at or 0) - int((desk.stage.now - timedelta(minutes=10)).timestamp())
    desk.stage.icloud.troubles.clear()

    await desk.stage.sync()

    assert 48 <= wait <= 72
    assert desk.told() == [(reason, 1), ("exported", 1)]
    assert len(desk.texts()) == 1


async def test_a_failure_of_the_calendar_spares_apple_the_others(desk: Desk) -> None:
    desk.stage.icloud.troubles["put", desk.home.path] = Forbidden("storage_full")
    await desk.hear(booked(ONE))
    await desk.hear(booked(TWO))

    await desk.stage.sync()

    assert desk.stage.icloud.writes() == ["put"]
    assert desk.told() == [("quota", 1), ("quota", 1)]


@pytest.mark.parametrize("how", ["gone", "read_only"])
async def test_a_calendar_that_cannot_be_written_is_told_without_asking(desk: Desk, how: str) -> None:
    if how == "gone":
        desk.stage.icloud.hidden.add(desk.home.path)
    else:
        desk.home.writable = False

    await desk.say(booked(ONE))
    failed = desk.told()
    desk.home.writable, desk.stage.icloud.hidden = True, set()
    await desk.stage.sync()

    assert failed == [(f"calendar_{how}", 1)]
    assert desk.told()[-1] == ("exported", 1)
    assert desk.stage.icloud.writes() == ["put"]


async def test_another_calendar_is_tried_at_once(desk: Desk) -> None:
    desk.home.writable = False
    await desk.say(booked(ONE))

    await desk.link(desk.work)
    desk.stage.now -= timedelta(minutes=9, seconds=50)
    await desk.stage.sync()

    assert list(desk.work.texts) == [desk.href(ONE, desk.work)]


async def test_while_icloud_is_away_the_reason_is_seen(desk: Desk) -> None:
    desk.stage.icloud.troubles["calendars", ""] = TryLater(None, "status_503")
    await desk.say(booked(ONE))
    desk.stage.icloud.troubles.clear()

    await desk.stage.sync()

    assert desk.told() == [("icloud_unavailable", 1), ("exported", 1)]


async def test_who_was_told_that_it_could_not_be_taken_away_is_told_that_nothing_of_it_is_there(desk: Desk) -> None:
    await desk.hear(booked(ONE))
    desk.stage.icloud.troubles["calendars", ""] = TryLater(None, "status_503")
    await desk.say(cancelled(ONE, 2))
    desk.stage.icloud.troubles.clear()

    await desk.stage.sync(3)

    assert desk.told() == [("icloud_unavailable", 2), ("exported", 2)]
    assert desk.stage.icloud.writes() == []


async def test_what_we_hold_back_ourselves_is_no_failure(desk: Desk) -> None:
    desk.stage.icloud.troubles["put", desk.home.path] = HeldBack(timedelta(seconds=9), "breaker")
    await desk.say(booked(ONE))
    desk.stage.icloud.troubles.clear()

    await desk.stage.sync()

    assert desk.told() == [("exported", 1)]


async def test_who_was_promised_it_is_told_when_it_is_too_late(desk: Desk) -> None:
    desk.stage.icloud.troubles["put", desk.home.path] = Forbidden()
    await desk.say(booked(ONE))
    desk.stage.now += timedelta(days=3)

    await desk.stage.sync(2)

    assert desk.told() == [("refused", 1), ("passed", 1)]


@pytest.mark.parametrize("call", ["put", "delete"])
async def test_a_write_whose_answer_is_lost_is_found_by_reading(desk: Desk, call: str) -> None:
    if call == "delete":
        await desk.say(booked(ONE))
    desk.stage.icloud.lost[call, desk.home.path] = TryLater(None, "timeout")
    await desk.say(booked(ONE) if call == "put" else cancelled(ONE, 2))
    before = desk.stage.icloud.writes().count(call)

    await desk.stage.sync()

    assert before == 1
    assert len(desk.home.texts) == (call == "put")
    assert desk.told()[-2:] == [
        ("icloud_unavailable", 1 if call == "put" else 2),
        ("exported", 1 if call == "put" else 2),
    ]
    assert desk.stage.icloud.writes().count("put") == 1


@pytest.mark.parametrize("trouble", [NotUnderstood("status_418"), Forbidden(), CredentialsRejected()], ids=str)
async def test_a_write_that_may_have_arrived_is_taken_away_whatever_the_look_back_met(
    desk: Desk, trouble: Exception
) -> None:
    desk.stage.icloud.lost["put", desk.home.path] = TryLater(None, "timeout")
    await desk.say(booked(ONE))
    desk.stage.icloud.troubles["get", desk.home.path] = trouble
    await desk.stage.sync()
    arrived = len(desk.texts())
    desk.stage.icloud.troubles.clear()

    await desk.say(cancelled(ONE, 2))

    assert (arrived, desk.texts()) == (1, [])
    assert desk.told()[-1] == ("exported", 2)


async def test_a_first_write_that_was_refused_is_not_looked_for(desk: Desk) -> None:
    desk.stage.icloud.troubles["put", desk.home.path] = Forbidden()
    await desk.say(booked(ONE))

    await desk.say(cancelled(ONE, 2))

    assert ("get", desk.home.path) not in desk.stage.icloud.asked


async def test_a_calendar_that_is_linked_again_keeps_what_the_one_between_has_refused(desk: Desk) -> None:
    await desk.say(booked(ONE))
    desk.stage.icloud.troubles["put", desk.work.path] = Forbidden()
    await desk.link(desk.work)
    await desk.stage.sync()

    await desk.link(desk.home)
    await desk.stage.sync()

    assert list(desk.home.texts) == [desk.href(ONE)]
    assert desk.told()[-1] == ("exported", 1)


async def test_a_copy_that_a_web_page_hides_is_taken_away_later(desk: Desk) -> None:
    await desk.say(booked(ONE))
    desk.stage.icloud.troubles["get", desk.home.path] = NotUnderstood("not_a_calendar_object")
    await desk.link(desk.work)
    await desk.stage.sync()
    kept = list(desk.home.texts)
    desk.stage.icloud.troubles.clear()

    desk.stage.now += timedelta(hours=2)
    await desk.stage.sync()

    assert (kept, list(desk.home.texts)) == ([desk.href(ONE)], [])


async def test_what_was_written_into_a_calendar_that_is_deleted_is_gone_with_it(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.link(desk.work)
    del desk.stage.icloud.list[desk.home.path]
    await desk.stage.sync()
    await desk.hear(cancelled(ONE, 2))

    await desk.say(booked(TWO))

    assert list(desk.work.texts) == [desk.href(TWO, desk.work)]
    assert desk.told()[2:] == [("exported", 2), ("exported", 1)]


@pytest.mark.parametrize("trouble", [None, Forbidden()], ids=str)
async def test_what_was_written_into_a_calendar_that_vanished_for_a_moment_is_taken_away_once_it_is_back(
    desk: Desk, trouble: Exception | None
) -> None:
    await desk.say(booked(ONE))
    await desk.link(desk.work)
    desk.stage.icloud.hidden.add(desk.home.path)
    if trouble:
        desk.stage.icloud.troubles["get", desk.home.path] = trouble
    await desk.stage.sync()
    await desk.say(cancelled(ONE, 2))
    vanished = desk.told()[2:]
    desk.stage.icloud.hidden.clear()
    desk.stage.icloud.troubles.clear()

    desk.stage.now += HOURS
    await desk.stage.sync()

    assert vanished == []
    assert (desk.texts(), desk.texts(desk.work)) == ([], [])
    assert desk.told()[2:] == [("exported", 2)]


async def test_what_cannot_be_taken_away_from_another_calendar_is_no_trouble_of_the_linked_one(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.link(desk.work)
    desk.home.writable = False
    await desk.stage.sync()
    await desk.hear(cancelled(ONE, 2))

    await desk.say(booked(TWO))

    assert list(desk.work.texts) == [desk.href(TWO, desk.work)]
    assert set(desk.told()[2:]) == {("calendar_gone", 2), ("exported", 1)}


async def test_a_pause_that_apple_asks_for_while_we_tidy_is_kept_and_is_no_failure(desk: Desk) -> None:
    await desk.say(booked(ONE))
    await desk.link(desk.work)
    desk.stage.icloud.troubles["delete", desk.home.path] = TryLater(timedelta(hours=1), "status_503")

    await desk.stage.sync()
    row = desk.stage.store.connections._rows[desk.stage.connection_id]  # type: ignore[attr-defined]  # the fake's rows
    throttled, row.throttled_until = row.throttled_until, None
    desk.stage.icloud.troubles.clear()
    desk.stage.now += HOURS
    await desk.stage.sync()

    assert throttled is not None
    assert (desk.texts(), len(desk.texts(desk.work))) == ([], 1)
    assert desk.told() == [("exported", 1), ("exported", 1)]


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


@pytest.mark.parametrize("call", ["put", "delete"])
async def test_a_refused_write_is_the_appointments_trouble_and_not_the_passwords(desk: Desk, call: str) -> None:
    await desk.say(booked(ONE))
    meeting = desk.home.put("meeting", ics("uid-meeting", "2027-03-04T10:00"))
    desk.stage.icloud.troubles[call, desk.home.path] = CredentialsRejected()
    desk.stage.icloud.asked.clear()
    await desk.hear(rescheduled(ONE, 2, title="Another") if call == "put" else cancelled(ONE, 2))
    await desk.hear(booked(TWO) if call == "put" else cancelled(TWO, 2))

    await desk.stage.sync(4)
    claim = desk.stage.store.connections._rows[desk.stage.connection_id].claim  # type: ignore[attr-defined]  # the fake's rows
    refused, told = desk.stage.icloud.writes(), desk.told()
    desk.stage.icloud.troubles.clear()
    desk.stage.now += HOURS
    await desk.stage.sync()

    assert set(told[1:]) <= {("refused", 2), ("refused", 1)}
    assert ("refused", 2) in told
    assert (claim.failures, claim.rejections) == (0, None)
    assert desk.stage.heard(meeting) is not None
    # One try speaks for all of a pass.
    assert len(refused) <= 4
    assert desk.told()[-1][0] == "exported"
