"""What the user does to an exported appointment while nothing may be written is told once something may again."""

import pytest

from contracts.facts import Access
from worker_appointments import START, Desk, booked, rescheduled
from worker_examples import HOUR
from worker_stage import Stage

ONE, TWO = "a" * 32, "b" * 32
SUMMARY = "Coupe\\, Camille Martin"


@pytest.fixture
async def desk() -> Desk:
    """Two appointments are in the linked calendar."""
    found = Desk(Stage())
    await found.open()
    await found.hear(booked(TWO, start=START + 2 * HOUR, end=START + 3 * HOUR))
    await found.say(booked(ONE))
    await found.stage.sync()
    return found


async def close(desk: Desk, way: str) -> None:
    if way == "read_only":
        await desk.link(desk.home, access=Access.READ_ONLY)
    else:
        await desk.link(None)
    desk.stage.icloud.asked.clear()


def requests(desk: Desk) -> list[str]:
    """What was asked about single appointments, by call."""
    return [call for call, _ in desk.stage.icloud.asked if call in {"get", "put", "delete"}]


@pytest.mark.parametrize("way", ["read_only", "unlinked"])
@pytest.mark.parametrize(
    ("old", "new", "told"), [("T110000", "T150000", "moved"), (SUMMARY, "Other", "edited"), ("", "", "deleted")]
)
async def test_a_change_is_told_once_and_left_alone_when_the_calendar_is_linked_again(
    desk: Desk, way: str, old: str, new: str, told: str
) -> None:
    await close(desk, way)
    if old:
        desk.edit(ONE, old, new)
    else:
        desk.delete(ONE)
    users = dict(desk.home.texts)
    await desk.stage.sync(3)
    meanwhile = len(desk.told()), requests(desk)

    await desk.link(desk.home)
    await desk.stage.sync(3)
    await desk.link(None)
    await desk.stage.sync()
    await desk.link(desk.home)
    await desk.stage.sync(2)

    assert meanwhile == (2, [])
    assert desk.told()[2:] == [(told, 1)]
    assert desk.home.texts == users
    assert "put" not in requests(desk)


async def test_what_nobody_touched_is_not_asked_for_when_the_calendar_is_linked_again(desk: Desk) -> None:
    await close(desk, "unlinked")
    await desk.stage.sync()

    await desk.link(desk.home)
    await desk.stage.sync(2)

    assert requests(desk) == []
    assert len(desk.told()) == 2


async def test_what_was_told_before_is_not_told_again(desk: Desk) -> None:
    desk.edit(ONE, SUMMARY, "Other")
    await desk.stage.sync()
    await close(desk, "unlinked")
    await desk.stage.sync()

    await desk.link(desk.home)
    await desk.stage.sync(2)

    assert desk.told()[2:] == [("edited", 1)]


async def test_a_newer_word_of_crococlicks_counts_more_than_a_change_that_nobody_was_told_of(desk: Desk) -> None:
    await close(desk, "unlinked")
    desk.edit(ONE, SUMMARY, "Other")
    await desk.stage.sync()
    await desk.say(rescheduled(ONE, 2, title="Newer"))

    await desk.link(desk.home)
    await desk.stage.sync()

    assert desk.told()[2:] == [("exported", 2)]
    assert "SUMMARY:Newer" in desk.home.texts[desk.href(ONE)][1]


async def test_a_calendar_that_icloud_lets_nobody_write_makes_no_failure_of_what_is_in_it(desk: Desk) -> None:
    desk.home.writable = False
    desk.edit(ONE, SUMMARY, "Other")

    await desk.stage.sync(3)

    assert len(desk.told()) == 2
