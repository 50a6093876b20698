"""Budgets on MongoDB's clock: the fleet's under many workers at once, an account's from one worker to the next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from runtime import mongo
from runtime.settings import MongoSettings
from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.endings import Completed, Postponed
from sync_worker.application.fleet import Fleet, Grants
from sync_worker.domain.allowance import BURST_SECONDS, GRANT_SECONDS
from sync_worker.outbound.mongo import MongoGrants, MongoPasses, MongoShares
from sync_worker.outbound.mongo.collections import CONNECTIONS
from sync_worker.outbound.mongo.grants import BUDGETS
from worker_budget import FakeGrants, most_within
from worker_examples import NOW, connected, new_id
from worker_stores import Database, database
from worker_waiting import eventually

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["fake", pytest.param("mongodb", marks=pytest.mark.servers)])
async def grants(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[float], Grants]]:
    """Makes a bucket of so many a second, full at first."""
    if request.param == "fake":
        yield FakeGrants
        return
    async with database(request.getfixturevalue("mongodb_url")) as found:
        yield lambda per_second: MongoGrants(found.client, per_second, found.name)


async def test_a_full_bucket_gives_what_it_holds_and_then_what_it_gains(grants: Callable[[float], Grants]) -> None:
    bucket = grants(5)

    first = [(await bucket.draw(1)).count for _ in range(3)]
    empty = await bucket.draw(1)

    async def gained() -> bool:
        return (await bucket.draw(1)).count == 1

    assert first[0] == 1
    assert sum(first) <= 2
    assert 0 <= empty.next_in <= 0.2
    await eventually(gained)


async def test_no_more_is_given_than_was_wanted(grants: Callable[[float], Grants]) -> None:
    assert (await grants(100).draw(3)).count == 3


@pytest.mark.servers
async def test_nobodys_clock_and_no_primarys_wrong_one_makes_a_bucket_give_more(mine: Database) -> None:
    bucket, budgets = MongoGrants(mine.client, 10, mine.name), mine.client[mine.name][BUDGETS]
    await bucket.draw(3)

    async def filled_at(ahead: timedelta, level: float) -> int:
        await budgets.update_one(
            {"_id": "fleet"}, {"$set": {"icloud": {"at": datetime.now(UTC) + ahead, "level": level}}}
        )
        return (await bucket.draw(1_000)).count

    assert await filled_at(timedelta(days=-1), 0.0) == 3
    assert await filled_at(timedelta(seconds=5), 0.0) == 0
    assert await filled_at(timedelta(days=1), 0.0) == 0
    kept = await budgets.find_one({"_id": "fleet"})
    assert kept is not None
    assert abs(kept["icloud"]["at"] - datetime.now(UTC)) < MINUTE


@pytest.mark.servers
async def test_many_workers_on_one_store_never_exceed_the_budget(mine: Database, mongodb_url: str) -> None:
    per_second, seconds, window = 60, 5.0, 3.0
    went: list[float] = []
    clients = [mongo.connect(MongoSettings(url=SecretStr(mongodb_url)), f"budget-{n}") for n in range(6)]
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds

    async def account(fleet: Fleet) -> None:
        while loop.time() < until:
            await fleet.take()
            went.append(loop.time())

    fleets = [Fleet(MongoGrants(client, per_second, mine.name), per_second) for client in clients]
    await asyncio.gather(*(account(fleet) for fleet in fleets for _ in range(10)))
    for client in clients:
        client.close()

    assert most_within(window, went) <= per_second * (window + GRANT_SECONDS + BURST_SECONDS)
    # Far less only if the store cannot be asked every now and then; that it is used at all is what counts here.
    assert len(went) > 0.3 * per_second * seconds


@dataclass(frozen=True)
class Worker:
    """One worker's view of a connection in MongoDB."""

    mine: Database
    one: str

    @property
    def shares(self) -> MongoShares:
        return MongoShares(self.mine.client, 30, self.mine.name)

    @property
    def passes(self) -> MongoPasses:
        return MongoPasses(self.mine.client, self.mine.name, per_minute=30)

    async def claim(self, length: timedelta = MINUTE) -> Claim:
        await self.mine.store().connections.wake(self.one)

        async def due() -> Claim | None:
            return next(iter(await self.mine.store().leases(length).claim(1)), None)

        return await eventually(due)

    async def level(self) -> float:
        kept = await self.mine.client[self.mine.name][CONNECTIONS].find_one({"_id": self.one})
        assert kept is not None
        return float(kept["allowance"]["level"])

    async def later(self, by: timedelta) -> None:
        """As if so much time had passed since the bucket was last touched."""
        await self.mine.client[self.mine.name][CONNECTIONS].update_one(
            {"_id": self.one},
            [{"$set": {"allowance.at": {"$subtract": ["$allowance.at", by // timedelta(milliseconds=1)]}}}],
        )


@pytest.fixture
async def worker(mine: Database) -> Worker:
    one = new_id()
    await mine.store().connections.follow(connected(one, "cal-1"))
    return Worker(mine, one)


def spent(claim: Claim) -> int:
    """All that the claim's pass may ask without drawing."""
    count = 0
    while claim.allowance.spend():
        count += 1
    return count


@pytest.mark.servers
@pytest.mark.parametrize("ending", [Completed(NOW, MINUTE, None), Postponed(MINUTE, 1)])
async def test_what_a_pass_made_on_credit_is_written_with_its_end(
    worker: Worker, ending: Completed | Postponed
) -> None:
    claim = await worker.claim()
    assert claim.allowance.spend()

    await worker.passes.end(claim, ending)

    assert await worker.level() == pytest.approx(29, abs=0.1)


@pytest.mark.servers
async def test_an_account_gets_no_more_than_its_minute_whoever_asks(worker: Worker) -> None:
    first = await worker.claim()
    asked = spent(first)
    for _ in range(4):
        portion = await worker.shares.draw(first, 10)
        first.allowance.settle(portion.count)
        asked += spent(first)
    await worker.passes.end(first, Completed(NOW, MINUTE, None))

    second = await worker.claim()
    portion = await worker.shares.draw(second, 10)

    # A second or two may have passed meanwhile.
    assert 30 <= asked + spent(second) + portion.count <= 33
    await worker.later(timedelta(seconds=10))
    assert 4 <= (await worker.shares.draw(second, 10)).count <= 6


@pytest.mark.servers
async def test_what_was_drawn_and_not_used_comes_back(worker: Worker) -> None:
    claim = await worker.claim()
    claim.allowance.settle((await worker.shares.draw(claim, 10)).count)
    assert claim.allowance.spend()

    await worker.passes.end(claim, Completed(NOW, MINUTE, None))

    # The one on credit, that a connection has at first, was the one that was used.
    assert await worker.level() == pytest.approx(29, abs=0.3)


@pytest.mark.servers
async def test_an_overtaken_pass_draws_nothing(worker: Worker) -> None:
    frozen = await worker.claim(timedelta(seconds=0.1))
    await worker.claim()

    with pytest.raises(LeaseLost):
        await worker.shares.draw(frozen, 10)
