"""An hour without iCloud, for three workers and three hundred accounts; all but time and store is the real thing."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from icloud import Errand, Fate, HeldBack, Outcome, RequestClass, Unreachable
from sync_worker.application.allowance import Allowance
from sync_worker.application.fleet import Fleet
from sync_worker.application.turnstile import AccountTurnstile, Gatehouse
from sync_worker.domain.allowance import share
from sync_worker.domain.hosts import Hosts
from worker_budget import FakeGrants, FakeShares, most_within
from worker_rows import _unknown
from worker_time import in_no_time, now

BUDGET = 2
INTERVAL = 300.0
ACCOUNTS, WORKERS, PARTITIONS = 300, 3, 4
MINUTE, HOUR = 60.0, 3_600.0
HOSTS = PARTITIONS + 1
GOOD = Outcome(Fate.ANSWERED, 207)
NO_CONNECTION = Outcome(Fate.LOST)
ENTRY = Errand("https://caldav.icloud.com:443", entry=True, kind=RequestClass.ENTRY)
OUTAGES = {
    "no connection": (NO_CONNECTION, 0.05),
    "no answer": (Outcome(Fate.LOST), 30.0),
    "errors": (Outcome(Fate.ANSWERED, 502), 0.05),
    "throttled without a word": (Outcome(Fate.ANSWERED, 503), 0.05),
}


@dataclass
class World:
    """Apple, three workers, and everybody's next poll."""

    outcome: Outcome
    takes: float
    dice: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - a model
    went: list[float] = field(default_factory=list)
    polled: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    told_to_wait: dict[int, float] = field(default_factory=dict)
    down: tuple[float, float] = (0.0, 0.0)

    async def run(self, until: float) -> None:
        began = now()
        self.down = (began + 20 * MINUTE, began + 20 * MINUTE + HOUR)
        grants, shares = FakeGrants(BUDGET), FakeShares(30)
        workers = [Gatehouse(Fleet(grants, BUDGET), shares, Hosts(BUDGET, self.dice.random)) for _ in range(WORKERS)]
        accounts = [asyncio.create_task(self.account(n, workers)) for n in range(ACCOUNTS)]
        await asyncio.sleep(until)
        for one in accounts:
            one.cancel()
        await asyncio.gather(*accounts, return_exceptions=True)

    async def account(self, n: int, workers: list[Gatehouse]) -> None:
        """What a pass and its ending do. Where we held it back ourselves, it comes again as after any other look."""
        errand = Errand(f"https://p{n % PARTITIONS}.icloud.com:443", entry=False, kind=RequestClass.HOME)
        failures = 0
        await asyncio.sleep(self.dice.uniform(0, INTERVAL))
        while True:
            gatehouse = self.dice.choice(workers)
            try:
                outcome = await self.ask(gatehouse, errand, n)
            except HeldBack as held:
                await asyncio.sleep(
                    max(held.after.total_seconds() if held.after else 0.0, self.dice.uniform(0.8, 1.2) * INTERVAL)
                )
                continue
            if outcome is GOOD:
                failures = 0
                self.polled[n].append(now())
                await asyncio.sleep(self.dice.uniform(0.8, 1.2) * INTERVAL)
            else:
                failures += 1
                asked = outcome.alone.total_seconds() if outcome.alone else 0.0
                self.told_to_wait[n] = now() + asked
                await asyncio.sleep(max(MINUTE * 2 ** (failures - 1), asked) * self.dice.uniform(1, 1.2))

    async def ask(self, gatehouse: Gatehouse, home: Errand, n: int) -> Outcome:
        """As the client does: a host that cannot be reached may not be the account's any more."""
        turnstile = gatehouse.of(replace(_unknown(f"account-{n}"), allowance=Allowance(30)))
        try:
            outcome = await self.request(turnstile, home)
        except Unreachable:
            outcome = NO_CONNECTION
        if outcome is not NO_CONNECTION:
            return outcome
        for errand in (ENTRY, ENTRY, home):
            outcome = await self.request(turnstile, errand)
            if outcome is not GOOD:
                break
        return outcome

    async def request(self, turnstile: AccountTurnstile, errand: Errand) -> Outcome:
        await turnstile.admit(errand)
        self.went.append(now())
        down = self.down[0] <= now() < self.down[1]
        await asyncio.sleep(self.takes if down else 0.3)
        outcome = self.outcome if down else GOOD
        turnstile.left(errand, outcome)
        return outcome

    def during(self, start: float, end: float) -> Iterator[float]:
        return (at for at in self.went if start <= at < end)


@pytest.fixture(params=OUTAGES)
def world(request: pytest.FixtureRequest) -> World:
    world = World(*OUTAGES[request.param])
    in_no_time(world.run(until=20 * MINUTE + HOUR + 25 * MINUTE))
    return world


def test_an_hours_outage_ends_without_a_storm_and_all_is_well_two_intervals_later(world: World) -> None:
    start, end = world.down

    calm = len(list(world.during(start + 10 * MINUTE, end)))
    first_seconds = len(list(world.during(end, end + 5)))
    free = [n for n in range(ACCOUNTS) if world.told_to_wait.get(n, 0.0) <= end]
    fresh = [n for n in free if any(end <= at < end + 2 * INTERVAL for at in world.polled[n])]
    late = [n for n in range(ACCOUNTS) if max(world.polled[n]) < end + 25 * MINUTE - 2 * INTERVAL]

    assert most_within(10, world.went) <= 1.1 * BUDGET * 10
    # One probe at a time from each worker to each host, by then every two minutes.
    assert calm <= WORKERS * HOSTS * 50
    assert first_seconds <= WORKERS * HOSTS * (1 + share(5) * BUDGET * 5)
    assert len(free) > 0.6 * ACCOUNTS
    assert len(fresh) >= 0.99 * len(free)
    assert not late
