"""What keeps an appointment out of the linked calendar is told, and overcome."""

from datetime import timedelta

import pytest

from contracts.events import AppointmentExportFailed
from icloud import CredentialsRejected, Forbidden, HeldBack, NotUnderstood, TryLater
from worker_appointments import Desk, booked, cancelled, rescheduled
from worker_examples import ics
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


async def lose_a_write(desk: Desk) -> tuple[str, str]:
    """It arrives, but nobody is told so, and iCloud does not show it yet; what it will show."""
    desk.stage.icloud.lost["put", desk.home.path] = TryLater(None, "timeout")
    await desk.say(booked(ONE))
    desk.stage.now -= timedelta(minutes=9, seconds=50)
    return desk.home.texts.pop(desk.href(ONE))


async def test_a_cancelled_one_whose_lost_write_is_shown_late_is_taken_away(desk: Desk) -> None:
    late = await lose_a_write(desk)
    await desk.say(cancelled(ONE, 2))
    desk.stage.now -= timedelta(minutes=9)
    early = desk.told()
    desk.home.texts[desk.href(ONE)] = late
    desk.home.log.append(desk.href(ONE))

    await desk.stage.sync()

    assert early == [("icloud_unavailable", 1)]
    assert desk.texts() == []
    assert desk.told() == [("icloud_unavailable", 1), ("exported", 2)]


async def test_a_cancelled_one_whose_lost_write_is_never_shown_is_let_go_some_minutes_later(desk: Desk) -> None:
    await lose_a_write(desk)

    await desk.say(cancelled(ONE, 2))
    early = desk.told()
    await desk.stage.sync()
    desk.stage.icloud.asked.clear()
    await desk.stage.sync(3)

    assert early == [("icloud_unavailable", 1)]
    assert desk.told() == [("icloud_unavailable", 1), ("exported", 2)]
    assert ("get", desk.home.path) not in desk.stage.icloud.asked


async def test_a_lost_write_that_is_shown_late_does_not_stay_beside_the_one_in_another_calendar(desk: Desk) -> None:
    late = await lose_a_write(desk)
    await desk.link(desk.work)
    await desk.stage.sync()
    desk.home.texts[desk.href(ONE)] = late

    desk.stage.now += timedelta(hours=1)
    await desk.stage.sync()

    assert (desk.texts(), len(desk.texts(desk.work))) == ([], 1)
