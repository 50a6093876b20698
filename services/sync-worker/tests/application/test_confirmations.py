"""A confirmation is about the removals that whoever gave it had seen."""

from datetime import timedelta

import pytest

from contracts.events import HeldSince, HoldState, RemovalsHeld, SyncRequested
from icloud import calendar_id
from sync_worker.application.track_connection import RequestSync
from worker_examples import ics, requested
from worker_fakes import FakeCalendar
from worker_stage import Stage

HELD, CONFIRMED = HoldState.HELD, HoldState.CONFIRMED


async def a_minute_later(stage: Stage) -> None:
    """Before a second look by itself is due."""
    stage.now -= timedelta(minutes=9)
    await stage.sync()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def grown(stage: Stage, home: FakeCalendar) -> list[int]:
    """Removals are held, and ten minutes later many more; since when each, as it was told."""
    for n in range(60):
        home.put(f"e{n:02}", ics(f"uid-{n}", "2027-03-02T10:00"))
    await stage.follow(home)
    await stage.sync()
    for gone in (range(35), range(35, 60)):
        for n in gone:
            home.delete(f"e{n:02}")
        await stage.sync()
    return [one.since for one in stage.events.of(RemovalsHeld) if isinstance(one, RemovalsHeld)]


def confirmed(stage: Stage, home: FakeCalendar, since: int | None) -> SyncRequested:
    """Said now, of what is held since then."""
    one = calendar_id(stage.connection_id, home.path)
    said = () if since is None else (HeldSince(calendar_id=one, since=since),)
    return requested(
        stage.connection_id, requested_at=int(stage.now.timestamp()), confirm_removals=(one,), held_since=said
    )


async def test_a_confirmation_is_not_about_a_larger_hold_that_has_come_in_the_place_of_the_one_seen(
    stage: Stage, home: FakeCalendar
) -> None:
    first, _ = await grown(stage, home)

    await RequestSync(stage.store.connections)(stage.connection_id, [confirmed(stage, home, first)])
    await a_minute_later(stage)

    assert [state for _, state in stage.holds()] == [HELD, HELD]
    assert (len(stage.removals()), (await stage.claim()).wishes) == (0, {})


@pytest.mark.parametrize("said", [True, False], ids=["says what it saw", "does not say"])
async def test_a_confirmation_of_what_is_held_is_carried_out(
    stage: Stage,
    home: FakeCalendar,
    said: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    _, second = await grown(stage, home)

    await RequestSync(stage.store.connections)(stage.connection_id, [confirmed(stage, home, second if said else None)])
    await a_minute_later(stage)

    assert [state for _, state in stage.holds()] == [HELD, HELD, CONFIRMED]
    assert len(stage.removals()) == 60
