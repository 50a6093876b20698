"""A wave of 401s blames nobody; a dead password is told, in the smallest fleet too (R13). Hours pass in simulation."""

from dataclasses import replace
from datetime import timedelta
from heapq import heapify, heappop, heappush
from random import Random

import pytest

from contracts.events import CredentialsRejected
from sync_worker.application.claim import Claim
from sync_worker.application.endings import Stopped
from sync_worker.application.refuse import Refuse
from sync_worker.application.tell import Tell
from sync_worker.domain.cadence import Activity, Bounds, next_look
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.waves import LATELY, MOST, Refused
from worker_examples import NOW, connected
from worker_fakes import FakeEvents
from worker_stores import fake_store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BOUNDS = Bounds.around(5 * MINUTE)


class Fleet:
    """Accounts that are looked at when they are due, in simulated time; Apple refuses some."""

    def __init__(self, claim: Claim, accounts: int, seed: int) -> None:
        chance = Random(seed)  # noqa: S311 - the same fleet in every run
        self.events = FakeEvents()
        self.now = NOW
        self.first = [NOW + BOUNDS.longest * chance.random() for _ in range(accounts)]
        self.rejections = dict[int, Rejections]()
        self.told: dict[int, timedelta] = {}
        self.requests = [0] * accounts
        self._claim = claim
        self._refuse = Refuse(Tell(self.events, self.events), self, BOUNDS.longest)
        self._due = [(at, n) for n, at in enumerate(self.first)]
        heapify(self._due)

    async def run(self, until: timedelta, refused: set[int]) -> None:
        """Up to then, these are refused."""
        while self._due and self._due[0][0] < NOW + until:
            self.now, one = heappop(self._due)
            self.requests[one] += 1
            pause = await self._refused(one) if one in refused else self._read(one)
            if pause is not None:
                heappush(self._due, (self.now + pause, one))

    async def lately(self) -> Refused:
        since = self.now - LATELY
        lately = sum(one.last >= since for one in self.rejections.values())
        return Refused(min(lately, MOST), of=len(self._due) + 1)

    def _read(self, one: int) -> timedelta:
        self.rejections.pop(one, None)
        return next_look(str(one), self.requests[one], bounds=BOUNDS, activity=Activity(), now=self.now)

    async def _refused(self, one: int) -> timedelta | None:
        ending = await self._refuse(
            replace(self._claim, connection_id=f"c{one}", claimed_at=self.now, rejections=self.rejections.get(one))
        )
        if isinstance(ending, Stopped):
            self.told[one] = self.now - self.first[one]
            return None
        assert ending.rejections is not None
        self.rejections[one] = ending.rejections
        return ending.again_in


@pytest.fixture
async def claim() -> Claim:
    """Any one; the fleet's are like it."""
    store = fake_store()
    await store.connections.follow(connected("c", "cal-1"))
    (claim,) = await store.leases().claim(1)
    return claim


@pytest.mark.parametrize("accounts", [20, 40, 150, 1_000])
@pytest.mark.parametrize("seed", range(4))
async def test_an_hour_of_refusals_for_a_fifth_of_all_blames_nobody_and_costs_few_requests(
    claim: Claim, accounts: int, seed: int
) -> None:
    fleet, wave = Fleet(claim, accounts, seed), set(range(accounts // 5))

    await fleet.run(HOUR, wave)
    during = max(fleet.requests[one] for one in wave)
    await fleet.run(2 * HOUR, set())

    assert fleet.events.said == []
    assert during <= 9
    assert fleet.rejections == {}


@pytest.mark.parametrize("seed", range(4))
async def test_who_really_changed_the_password_during_a_wave_is_told_after_it(claim: Claim, seed: int) -> None:
    fleet = Fleet(claim, 100, seed)

    await fleet.run(HOUR, set(range(20)))
    await fleet.run(2 * HOUR, {3})

    (told,) = fleet.events.of(CredentialsRejected)
    assert isinstance(told, CredentialsRejected)
    assert told.connection_id == "c3"
    assert NOW + HOUR < NOW.fromtimestamp(told.since, NOW.tzinfo) < NOW + 2 * HOUR


@pytest.mark.parametrize(("accounts", "dead"), [(1, 1), (2, 1), (2, 2), (10, 1), (10, 2), (150, 2), (1_000, 5)])
async def test_single_dead_passwords_are_told_within_ten_minutes_for_few_requests(
    claim: Claim, accounts: int, dead: int
) -> None:
    fleet = Fleet(claim, accounts, seed=1)

    await fleet.run(HOUR, set(range(dead)))

    assert set(fleet.told) == set(range(dead))
    assert max(fleet.told.values()) <= 10 * MINUTE
    assert max(fleet.requests[:dead]) <= 5


async def test_three_dead_passwords_at_once_in_a_small_fleet_are_told_the_same_day(claim: Claim) -> None:
    fleet = Fleet(claim, 10, seed=1)

    await fleet.run(7 * HOUR, {0, 1, 2})

    assert set(fleet.told) == {0, 1, 2}
