"""Processes book the same time at the same moment, over midnight and a change of clocks, and some are killed."""

import time
from random import Random

import pytest
from services.availability.tests.contender import Orders
from services.availability.tests.contest import contest

pytestmark = pytest.mark.servers

SEED = 20260328


def orders(mongodb_url: str, database: str, *, attempts: int, guarded: bool) -> Orders:
    return Orders(mongodb_url, database, SEED, attempts, 4, 2, guarded, time.time())


async def test_no_two_appointments_ever_overlap(mongodb_url: str, database: str) -> None:
    ours = orders(mongodb_url, database, attempts=150, guarded=True)

    outcome = await contest(ours, processes=2, kills=2, chance=Random(SEED))  # noqa: S311 - seeded

    assert outcome.told["book done"] > 20
    assert (outcome.kills, outcome.overlaps, outcome.lost) == (2, 0, 0)


async def test_without_the_guard_the_same_contest_finds_overlaps(mongodb_url: str, database: str) -> None:
    naive = orders(mongodb_url, database, attempts=150, guarded=False)

    outcome = await contest(naive, processes=2, kills=0, chance=Random(SEED))  # noqa: S311 - seeded

    assert outcome.overlaps > 0
