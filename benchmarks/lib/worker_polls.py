"""What an account costs in which nothing, or one thing, has changed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time

from benchmarks.lib.worker_imports import Imported, touch
from benchmarks.lib.worker_process import Heard, Worker, listening, worker
from benchmarks.lib.worker_results import Results, Spent, shown, tell
from benchmarks.lib.worker_world import World

from icloud import AppleCredential, Home, ICloud
from icloud_simulator.client import SimulatedAccount

POLLED = 100


async def measure_polls(
    world: World, imported: Mapping[int, Imported], results: Results, *, turns: int, changes: int
) -> None:
    """Idle polls and single changes: `POLLED` connections to one account, in the state that the import left."""
    idle = results.table(
        f"Idle poll of an account with one calendar, {POLLED} due at once, one worker process",
        "1 request, ≤ 4 KB; client ≤ 2 ms, our bookkeeping ≤ 1 ms more",
        *("events", "requests", "over six passes", "KB", "CPU ms", "of it client", "our bookkeeping", "python-caldav"),
    )
    changed = results.table(
        f"One changed event, {POLLED} due at once",
        "≤ 3 requests, ≤ 10 ms",
        *("events", "requests", "CPU ms", "of it idle", "python-caldav"),
    )
    async with listening(world) as heard, worker(world) as mine:
        for size, account in imported.items():
            tell(f"polling {size:,} events")
            ids = await world.multiply(account.connection_id, account.owner, POLLED)
            poll = await _idle(world, mine, (account, ids), turns)
            peers = _peers(world, account)
            idle.add_row(
                *(f"{size:,}", shown(poll.requests), shown(poll.over_six), shown(poll.kilobytes), shown(poll.cpu_ms)),
                *(shown(poll.client_ms), shown(poll.cpu_ms - poll.client_ms), str(peers[0] if peers else "")),
            )
            results.hold(f"idle poll of {size:,}: requests", poll.requests, 1)
            results.hold(f"idle poll of {size:,}: KB", poll.kilobytes, 4)
            change = await _change(world, mine, (account, ids), heard, changes)
            changed.add_row(
                *(f"{size:,}", shown(change.requests), shown(change.cpu_ms), shown(poll.cpu_ms)),
                str(peers[1] if peers else ""),
            )
            results.hold(f"one change in {size:,}: requests", change.requests, 3)
            if peers and size >= 1_000:
                results.hold(f"idle poll of {size:,}: CPU for one of theirs", poll.cpu_ms / peers[0].cpu_ms, 0.25)
                results.hold(f"one change in {size:,}: CPU for one of theirs", change.cpu_ms / peers[1].cpu_ms, 0.5)


@dataclass(frozen=True, slots=True)
class Poll:
    requests: float
    over_six: float
    kilobytes: float
    cpu_ms: float
    client_ms: float


async def _idle(world: World, mine: Worker, whose: tuple[Imported, Sequence[str]], turns: int) -> Poll:
    """Whole turns of six passes, of which one asks the calendars whatever their ctags say.

    The client alone asks the same between them: on a machine that is busy with other things both meet the same. Of
    either the median counts. What the client costs more in a process that does other things, too, counts as ours.
    """
    account, ids = whose
    done = await world.passes(ids)
    costs, alone = [], []
    async with _client(world, account.owner) as ask:
        for _ in range(6 * turns):
            alone.append(await ask())
            world.admin.forget_requests()
            cpu = mine.cpu()
            await world.wake(ids)
            done += len(ids)
            await world.until(ids, done)
            requests, size = world.traffic()
            costs.append((requests / len(ids), size / 1024 / len(ids), 1e3 * (mine.cpu() - cpu) / len(ids)))
    fewest = min(costs)[0]
    usual = [cost for cost in costs if cost[0] == fewest]
    kilobytes, cpu_ms = (median(cost[n] for cost in usual) for n in (1, 2))
    return Poll(fewest, sum(cost[0] for cost in costs) / len(costs), kilobytes, cpu_ms, median(alone))


@contextlib.asynccontextmanager
async def _client(world: World, owner: SimulatedAccount) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """CPU ms of the one question of an idle poll, asked `POLLED` times at once by our client in this process."""
    home = Home(owner.principal, owner.base, owner.home, ())
    async with ICloud(world.endpoint) as icloud:
        account = icloud.account(AppleCredential(owner.apple_id, owner.app_password), home)

        async def ask() -> float:
            cpu = process_time()
            await asyncio.gather(*(account.calendars() for _ in range(POLLED)))
            return 1e3 * (process_time() - cpu) / POLLED

        # Connections are opened once.
        await ask()
        yield ask


def _peers(world: World, account: Imported) -> tuple[Spent, Spent] | None:
    """What an idle poll and one change cost python-caldav, in the same calendar."""
    if account.caldav is None:
        return None
    account.caldav.sync()
    idle = account.caldav.sync()
    touch(world, account.owner)
    return idle, account.caldav.sync()


async def _change(world: World, mine: Worker, whose: tuple[Imported, Sequence[str]], heard: Heard, times: int) -> Spent:
    """One event changes for all connections to the account: each has the whole work of it."""
    account, ids = whose
    done, costs = await world.passes(ids), []
    # The first one also finds what python-caldav's turn has left behind.
    for _ in range(times + 1):
        await asyncio.to_thread(touch, world, account.owner)
        before = {one: heard.count(one) for one in ids}
        world.admin.forget_requests()
        cpu = mine.cpu()
        await world.wake(ids)
        done += len(ids)
        await world.until(ids, done)
        for one in ids:
            await heard.until(one, before[one] + 1)
        costs.append((world.traffic()[0] / len(ids), 1e3 * (mine.cpu() - cpu) / len(ids)))
    requests, cpu_ms = (sum(cost[n] for cost in costs[1:]) / times for n in range(2))
    return Spent(requests, cpu_ms)
