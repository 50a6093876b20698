"""From the simulator to real Kafka over a real MongoDB, the credential out of a sealed envelope."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from contracts.events import ICloudEventImported, ICloudEventRemoved, SyncProgress
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from runtime.kafka import Publisher, PublishFailed
from runtime.settings import KafkaSettings
from sync_worker.application.claim import Claim
from sync_worker.application.run_pass import RunPass
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_edges import Edges
from worker_examples import disconnected, ics, requested
from worker_waiting import eventually

pytestmark = pytest.mark.servers

SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=3)


def at(day: int) -> str:
    return (SOON + timedelta(days=day)).isoformat()


def start(day: int) -> int:
    return int((SOON + timedelta(days=day)).replace(tzinfo=UTC).timestamp())


def hears(edges: Edges, one: str, *days: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return edges.heard.starts(one) == [start(day) for day in days]

    return look


@pytest.fixture
async def apple(admin: SimulatorAdmin) -> SimulatedAccount:
    return await asyncio.to_thread(admin.create_account)


async def put(admin: SimulatorAdmin, apple: SimulatedAccount, calendar: str, name: str, day: int) -> None:
    await asyncio.to_thread(admin.put_object, apple.apple_id, calendar, f"{name}.ics", ics(f"uid-{name}", at(day)))


async def test_a_calendars_life_is_seen_by_readers_of_kafka(
    edges: Edges, admin: SimulatorAdmin, apple: SimulatedAccount
) -> None:
    await put(admin, apple, "home", "a-meeting-of-two-people", 1)
    await put(admin, apple, "work", "a-third-one-joins-later", 2)
    await edges.worker()

    one = await edges.connect(apple, "home", "work")
    await eventually(hears(edges, one, 1, 2))

    await put(admin, apple, "home", "something-comes-between", 3)
    await eventually(hears(edges, one, 1, 2, 3))

    await put(admin, apple, "home", "a-meeting-of-two-people", 5)
    await eventually(hears(edges, one, 2, 3, 5))

    await asyncio.to_thread(admin.delete_object, apple.apple_id, "home", "something-comes-between.ics")
    await eventually(hears(edges, one, 2, 5))

    await asyncio.to_thread(admin.move_object, apple.apple_id, "work", "a-third-one-joins-later.ics", to="home")
    await eventually(hears(edges, one, 2, 5))

    await edges.say(disconnected(one))
    await eventually(hears(edges, one))

    async def buried() -> bool:
        kept = await edges.mine.client[edges.mine.name]["connections"].find_one({"_id": one})
        return kept is not None and kept["state"] == "gone"

    await eventually(buried)
    document = await edges.mine.client[edges.mine.name]["connections"].find_one({"_id": one})
    assert document is not None
    assert set(document) == {"_id", "epoch", "state", "next_sync_at"}
    assert await edges.mine.client[edges.mine.name]["objects"].count_documents({}) == 0


async def test_the_time_of_a_moved_event_is_never_open(
    edges: Edges, admin: SimulatorAdmin, apple: SimulatedAccount
) -> None:
    await put(admin, apple, "work", "a-third-one-joins-later", 2)
    one = await edges.connect(apple, "home", "work")
    await edges.worker()
    await eventually(hears(edges, one, 2))

    await asyncio.to_thread(admin.move_object, apple.apple_id, "work", "a-third-one-joins-later.ics", to="home")

    async def moved() -> bool:
        return any(isinstance(said, ICloudEventRemoved) for said in edges.heard.of(one))

    await eventually(moved)
    about = [said for said in edges.heard.of(one) if isinstance(said, ICloudEventImported | ICloudEventRemoved)]
    assert [type(said) for said in about] == [ICloudEventImported, ICloudEventImported, ICloudEventRemoved]


async def test_a_large_import_is_told_as_it_goes_and_costs_few_requests(
    edges: Edges, admin: SimulatorAdmin, apple: SimulatedAccount
) -> None:
    texts = {f"event-number-{n:05}.ics": ics(f"uid-{n}", at(n % 200)) for n in range(1000)}
    await asyncio.to_thread(admin.put_objects, apple.apple_id, "home", texts)
    await edges.worker()

    one = await edges.connect(apple, "home")

    async def done() -> bool:
        return any(each.connection_id == one for each in edges.heard.completed())

    await eventually(done, within=40)
    requests = await asyncio.to_thread(admin.requests, apple.apple_id)
    told = [(said.imported, said.total) for said in edges.heard.of(one) if isinstance(said, SyncProgress)]
    assert len(edges.heard.starts(one)) == 1000
    assert told[0][1] is None, "how many there are is known once the whole horizon is listed"
    assert told[-1][1] == 1000
    assert [imported for imported, _ in told] == sorted(imported for imported, _ in told)
    assert len(told) >= 4
    assert len([each for each in requests if each.method == "REPORT"]) <= 22


async def test_who_asks_is_served_at_once(edges: Edges, admin: SimulatorAdmin, apple: SimulatedAccount) -> None:
    one = await edges.connect(apple, "home")
    await edges.worker()

    async def imported() -> bool:
        return any(each.connection_id == one for each in edges.heard.completed())

    await eventually(imported)
    # Put far into the future, as an account that is seldom looked at.
    rows = edges.mine.client[edges.mine.name]["connections"]

    async def resting() -> bool:
        done = await rows.update_one(
            {"_id": one, "lease": {"$exists": False}}, {"$set": {"next_sync_at": datetime(2100, 1, 1, tzinfo=UTC)}}
        )
        return done.matched_count > 0

    await eventually(resting)
    await put(admin, apple, "home", "a-meeting-of-two-people", 1)

    await edges.say(requested(one))

    await eventually(hears(edges, one, 1), within=5)


class Watched:
    """Passes of one worker; notes when an account is worked on twice at once."""

    def __init__(self, run_pass: RunPass, open_: set[str], doubles: list[str]) -> None:
        self._run_pass = run_pass
        self._open = open_
        self._doubles = doubles
        self.commits: list[tuple[str, int]] = []

    async def __call__(self, claim: Claim) -> None:
        if claim.connection_id in self._open:
            self._doubles.append(claim.connection_id)
        self._open.add(claim.connection_id)
        try:
            await self._run_pass(claim)
            self.commits.append((claim.connection_id, claim.fence))
        finally:
            self._open.discard(claim.connection_id)

    async def put_off(self, claim: Claim) -> None:
        await self._run_pass.put_off(claim)


async def test_two_workers_share_the_work_and_no_pass_is_done_twice(edges: Edges, admin: SimulatorAdmin) -> None:
    accounts = [await asyncio.to_thread(admin.create_account) for _ in range(12)]
    for each in accounts:
        await put(admin, each, "home", "a-meeting-of-two-people", 1)
    open_: set[str] = set()
    doubles: list[str] = []
    lease = timedelta(seconds=5)
    workers = [Watched((await edges.passes())[0], open_, doubles) for _ in range(2)]
    schedules = [Schedule(edges.store.leases(lease), one, Rhythm(at_once=4, lease=lease)) for one in workers]
    await edges.worker_of_news()
    running = [asyncio.create_task(one.run()) for one in schedules]
    ids = [await edges.connect(each, "home") for each in accounts]

    async def enough() -> bool:
        count = Counter(one for worker in workers for one, _ in worker.commits)
        return all(count[one] >= 4 for one in ids)

    await eventually(enough, within=40)
    for task in running:
        task.cancel()
    await asyncio.wait(running)

    # The topics also hold connections of other tests: one that is disconnected in the middle of a pass changes hands.
    commits = Counter(commit for worker in workers for commit in worker.commits if commit[0] in ids)
    assert [one for one in doubles if one in ids] == []
    assert set(commits.values()) == {1}
    assert all(worker.commits for worker in workers)
    assert all(edges.heard.starts(one) == [start(1)] for one in ids)


async def test_while_kafka_is_away_nothing_is_lost(
    edges: Edges, admin: SimulatorAdmin, apple: SimulatedAccount
) -> None:
    await put(admin, apple, "home", "a-meeting-of-two-people", 1)
    await edges.worker_of_news()
    one = await edges.connect(apple, "home")
    nowhere = KafkaSettings(bootstrap_servers=("127.0.0.1:1",), publish_timeout=timedelta(seconds=0.5))
    silent = Publisher(nowhere, "sync-worker-tests")
    await silent.start()
    edges.stack.push_async_callback(silent.stop)
    broken, whole = (await edges.passes(silent))[0], (await edges.passes())[0]
    leases = edges.store.leases()

    async def claimed() -> Claim | None:
        await edges.store.connections.wake(one)
        return next((claim for claim in await leases.claim(50) if claim.connection_id == one), None)

    claim = await eventually(claimed)
    with pytest.raises(PublishFailed):
        await broken(claim)
    await broken.put_off(claim)
    unheard = edges.heard.starts(one)
    await whole(await eventually(claimed))

    assert unheard == []
    await eventually(hears(edges, one, 1))
