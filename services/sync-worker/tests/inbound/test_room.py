from dataclasses import replace

import pytest

from sync_worker.application.claim import Claim, State
from sync_worker.inbound.room import Room
from worker_examples import NOW, connected
from worker_stores import fake_store


@pytest.fixture
async def importing() -> Claim:
    """A connection that has never been read to the end."""
    store = fake_store()
    await store.connections.follow(connected("c", "cal-1"))
    (claim,) = await store.leases().claim(1)
    return claim


@pytest.fixture
def usual(importing: Claim) -> Claim:
    return replace(importing, as_of=NOW)


def short() -> bool:
    return True


@pytest.mark.parametrize(
    ("room", "running", "free", "free_for_urgent"),
    [
        (Room(200), 0, 180, 200),
        (Room(200), 180, 0, 20),
        (Room(200), 195, -15, 5),
        (Room(3), 0, 2, 3),
        (Room(2), 0, 1, 2),
        (Room(1), 0, 1, 1),
        (Room(200, short), 0, 23, 25),
        (Room(200, short), 100, -77, -75),
        (Room(10, short), 0, 1, 2),
        (Room(1, short), 0, 1, 1),
    ],
)
def test_a_few_places_are_kept_for_those_that_somebody_waits_for(
    usual: Claim, room: Room, running: int, free: int, free_for_urgent: int
) -> None:
    passes = [usual] * running

    assert (room.free(passes), room.free_for_urgent(passes)) == (free, free_for_urgent)


@pytest.mark.parametrize(("room", "imports"), [(Room(200), 8), (Room(200, short), 1), (Room(10), 4), (Room(2000), 80)])
def test_first_imports_run_few_at_a_time(importing: Claim, usual: Claim, room: Room, imports: int) -> None:
    others = [usual, replace(importing, state=State.ERASING)]

    assert room.free_for_imports(others) == imports
    assert room.free_for_imports([*others, *[importing] * (imports - 1)]) == 1
    assert room.free_for_imports([importing] * (imports + 1)) == 0
