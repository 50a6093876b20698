"""When another calendar is linked, appointments go there, and nothing is left behind that is ours."""

from datetime import timedelta

import pytest

from icloud import Forbidden, NotUnderstood, TryLater
from worker_appointments import START, Desk, booked, cancelled
from worker_examples import HOUR
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


async def test_another_calendar_is_tried_at_once(desk: Desk) -> None:
    desk.home.writable = False
    await desk.say(booked(ONE))

    await desk.link(desk.work)
    desk.stage.now -= timedelta(minutes=9, seconds=50)
    await desk.stage.sync()

    assert list(desk.work.texts) == [desk.href(ONE, desk.work)]


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
