"""A revision in the words of the one before it is told like any other, and written only where something else stands."""

from datetime import timedelta

import pytest

from icloud import Forbidden, TryLater
from worker_appointments import START, Desk, booked, rescheduled
from worker_examples import HOUR
from worker_stage import Stage

ONE, TWO = "a" * 32, "b" * 32
LOCAL, LATER = "DTSTART;TZID=Europe/Paris:20270302T110000", "DTSTART;TZID=Europe/Paris:20270302T103000"


@pytest.fixture
async def desk() -> Desk:
    """One appointment is in iCloud, and has come back."""
    found = Desk(Stage())
    await found.open()
    await found.say(booked(ONE))
    await found.stage.sync()
    found.stage.events.said.clear()
    found.stage.icloud.asked.clear()
    return found


@pytest.mark.parametrize("hours_later", [0, 96], ids=["ahead", "past"])
async def test_a_blank_that_no_calendar_shows_is_told_without_a_request(desk: Desk, hours_later: int) -> None:
    desk.stage.now += timedelta(hours=hours_later)

    await desk.hear(rescheduled(ONE, 2, notes="Rings twice \n"))
    await desk.stage.sync(3)

    assert desk.told() == [("exported", 2)]
    assert {call for call, _ in desk.stage.icloud.asked}.isdisjoint({"put", "get"})


async def test_what_was_moved_there_and_back_before_a_pass_is_told_and_not_written(desk: Desk) -> None:
    await desk.hear(rescheduled(ONE, 2, start=START + HOUR, end=START + 2 * HOUR))
    await desk.hear(rescheduled(ONE, 3))

    await desk.stage.sync(3)

    assert desk.told() == [("exported", 3)]
    assert desk.stage.icloud.writes() == []


async def test_the_same_time_said_again_replaces_what_the_user_made_of_it(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync()
    desk.stage.icloud.asked.clear()

    await desk.say(rescheduled(ONE, 2))
    asked = list(desk.stage.icloud.asked)
    await desk.stage.sync(2)

    assert LOCAL in desk.texts()[0]
    assert ("get", desk.home.path) not in asked
    assert desk.told() == [("moved", 1), ("exported", 2)]
    assert desk.stage.icloud.writes() == ["put"]


async def test_it_also_replaces_what_the_user_makes_of_it_since(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync()
    await desk.hear(rescheduled(ONE, 2))
    desk.edit(ONE, "SUMMARY:Coupe", "SUMMARY:Coiffure")

    await desk.stage.sync(2)

    assert LOCAL in desk.texts()[0]
    assert "SUMMARY:Coupe" in desk.texts()[0]
    assert desk.told() == [("moved", 1), ("exported", 2)]


async def test_what_the_user_changes_that_nobody_has_seen_is_told_of_the_revision_that_holds(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)

    await desk.say(rescheduled(ONE, 2))
    await desk.stage.sync(2)

    assert desk.told() == [("exported", 2), ("moved", 2)]
    assert desk.stage.icloud.writes() == []


async def test_a_failure_to_do_what_is_not_wanted_any_more_is_taken_back(desk: Desk) -> None:
    desk.stage.icloud.troubles["put", desk.home.path] = Forbidden()
    await desk.link(desk.home, alarm_minutes=30)
    await desk.stage.sync()
    desk.stage.icloud.troubles.clear()

    await desk.link(desk.home)
    await desk.stage.sync(2)

    assert desk.told() == [("refused", 1), ("exported", 1)]
    assert desk.stage.icloud.writes() == ["put"]


async def test_a_calendar_that_was_full_leaves_nothing_pending_of_what_the_user_changed(desk: Desk) -> None:
    await desk.say(booked(TWO, start=START - HOUR, end=START))
    desk.edit(ONE, LOCAL, LATER)
    await desk.stage.sync()
    desk.stage.icloud.troubles["put", desk.home.path] = Forbidden("storage_full")
    await desk.link(desk.home, alarm_minutes=30)
    await desk.stage.sync()
    desk.stage.icloud.troubles.clear()

    await desk.stage.sync(3)

    assert desk.told()[1:] == [("moved", 1), ("quota", 1), ("quota", 1), ("exported", 1), ("exported", 1)]
    assert LATER in "".join(desk.texts())


async def test_a_look_that_fails_once_leaves_nothing_pending_of_what_the_user_changed(desk: Desk) -> None:
    desk.edit(ONE, LOCAL, LATER)
    desk.stage.icloud.troubles["get", desk.home.path] = TryLater(None, "status_500")
    await desk.stage.sync()
    desk.stage.icloud.troubles.clear()

    await desk.stage.sync(3)

    assert desk.told() == [("icloud_unavailable", 1), ("exported", 1), ("moved", 1)]


async def test_what_the_user_changes_after_a_write_that_was_not_answered_was_exported_first(desk: Desk) -> None:
    desk.stage.icloud.lost["put", desk.home.path] = TryLater(None, "timeout")
    await desk.say(rescheduled(ONE, 2, title="Coloration"))
    desk.edit(ONE, "SUMMARY:Coloration", "SUMMARY:Coiffure")

    await desk.stage.sync(3)

    assert desk.told() == [("icloud_unavailable", 2), ("exported", 2), ("edited", 2)]
