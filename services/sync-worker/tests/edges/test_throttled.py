"""Apple says 503 and how long: nothing of that account leaves before its time, whoever asks and whatever for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from icloud import Account, AppleCredential, Endpoint, ICloud, calendar_id
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from runtime.clock import system_clock
from sync_worker.application.claim import Claim
from sync_worker.application.fleet import Fleet
from sync_worker.application.run_pass import RunPass
from sync_worker.application.track_connection import RequestSync
from sync_worker.application.turnstile import Gatehouse
from sync_worker.domain.hosts import Hosts
from worker_budget import FakeGrants, FakeShares
from worker_examples import connected, requested
from worker_stage import Stage
from worker_stores import Store


class Throttled:
    """An account at the simulator and two workers, each with a client and a gatehouse of its own."""

    def __init__(self, store: Store, admin: SimulatorAdmin, apple: SimulatedAccount) -> None:
        self.stage = Stage(store=store)
        self.admin = admin
        self.apple = apple
        self.one = self.stage.connection_id

    async def follow(self, *, epoch: int, revision: int) -> None:
        home = calendar_id(self.one, f"{self.apple.home}home/")
        await self.stage.store.connections.follow(connected(self.one, home, epoch=epoch, revision=revision))

    def worker(self, icloud: ICloud) -> RunPass:
        gatehouse = Gatehouse(Fleet(FakeGrants(50), 50), FakeShares(30), Hosts(50, lambda: 0.0))
        credential = AppleCredential(self.apple.apple_id, self.apple.app_password)

        class Accounts:
            async def open(self, claim: Claim) -> Account:
                return icloud.account(credential, claim.home.open(credential), turnstile=gatehouse.of(claim))

        self.stage.now = system_clock()
        return self.stage.worker(self.stage.neighbours(Accounts()))

    async def sync(self, worker: RunPass) -> int:
        """One pass over whatever is due; how many connections that were."""
        claims: Sequence[Claim] = await self.stage.store.leases().claim(10)
        for claim in claims:
            await worker(claim)
        return len(claims)

    async def requests(self) -> list[int]:
        """The statuses of all the account's requests so far."""
        found = await asyncio.to_thread(self.admin.requests, self.apple.apple_id)
        return [request.status for request in found]


@pytest.fixture
async def throttled(store: Store, admin: SimulatorAdmin) -> Throttled:
    return Throttled(store, admin, await asyncio.to_thread(admin.create_account))


@pytest.fixture
async def workers(throttled: Throttled, endpoint: Endpoint) -> AsyncIterator[list[RunPass]]:
    async with AsyncExitStack() as stack:
        yield [throttled.worker(await stack.enter_async_context(ICloud(endpoint))) for _ in range(2)]


def whoever_asks(throttled: Throttled) -> list[Callable[[], Awaitable[object]]]:
    stage = throttled.stage
    return [
        lambda: stage.store.connections.wake(throttled.one),
        lambda: RequestSync(stage.store.connections)(throttled.one, [requested(throttled.one)]),
        lambda: throttled.follow(epoch=1, revision=2),
        lambda: throttled.follow(epoch=2, revision=3),
    ]


@pytest.mark.parametrize(("status", "retry_after"), [(503, "600"), (503, "1"), (429, "86400"), (503, None)])
async def test_a_throttled_account_is_left_alone_whoever_asks(
    throttled: Throttled, workers: list[RunPass], status: int, retry_after: str | None
) -> None:
    await throttled.follow(epoch=1, revision=1)
    assert await throttled.sync(workers[0]) == 1
    before = await throttled.requests()
    said = {"retry_after": retry_after} if retry_after else {}
    await asyncio.to_thread(lambda: throttled.admin.set_faults(throttled.apple.apple_id, errors={status: 1}, **said))
    await throttled.stage.store.connections.wake(throttled.one)
    await throttled.sync(workers[0])

    looked = []
    for ask in whoever_asks(throttled):
        await ask()
        looked += [await throttled.sync(worker) for worker in workers]

    assert (await throttled.requests())[len(before) :] == [status]
    assert looked == [0] * len(looked)


async def test_a_worker_whose_store_forgot_remembers_all_the_same(throttled: Throttled, workers: list[RunPass]) -> None:
    await throttled.follow(epoch=1, revision=1)
    faults = {"errors": {503: 1}, "retry_after": "600"}
    await asyncio.to_thread(lambda: throttled.admin.set_faults(throttled.apple.apple_id, **faults))
    leases = throttled.stage.store.leases()
    (lost,) = await leases.claim(1)
    await leases.release([lost])
    # Its end reaches the store no more: the lease is not its own.
    (claim,) = await leases.claim(1)
    await asyncio.gather(workers[0](lost), return_exceptions=True)

    await workers[0](claim)

    assert len(await throttled.requests()) == 1
