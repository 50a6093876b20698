"""An exported appointment blocks everybody but the user whose it is."""

import pytest

from worker_appointments import Desk, booked
from worker_examples import new_id
from worker_stage import Stage

ONE, TWO = "a" * 32, "an id that is/not plain"


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
async def test_a_copy_of_the_users_own_does_not_block_wherever_it_lies(desk: Desk, appointment_id: str) -> None:
    await desk.say(booked(appointment_id))
    (text,) = desk.texts()
    uid = desk.href(appointment_id).rpartition("/")[2].removesuffix(".ics")

    renamed = desk.work.put("copy", text.replace(f"UID:{uid}", "UID:copy"))
    unmarked = desk.work.put("unmarked", text.replace("X-CROCOCLICK-APPOINTMENT", "X-NOBODY"))
    await desk.stage.sync()

    assert own(desk.stage, renamed) == own(desk.stage, unmarked) == [True]
