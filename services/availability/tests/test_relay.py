import asyncio
from datetime import timedelta

from availability.inbound.relay import Bell, Relay

HOUR = timedelta(hours=1)


class Work:
    """Counts how often it was done; fails the first time."""

    def __init__(self) -> None:
        self.times = 0
        self.done = asyncio.Semaphore(0)

    async def __call__(self) -> int:
        self.times += 1
        self.done.release()
        if self.times == 1:
            raise ConnectionError
        return 1


async def test_a_ring_is_heard_at_once_and_a_failure_ends_nothing() -> None:
    work, bell = Work(), Bell()
    relay = asyncio.create_task(Relay("tests", work, bell, every=HOUR).run())

    async with asyncio.timeout(30):
        await work.done.acquire()
        for _ in range(3):
            bell.ring()
            await work.done.acquire()
    relay.cancel()
    await asyncio.wait([relay])

    assert work.times == 4


async def test_without_a_ring_it_sweeps() -> None:
    work = Work()
    relay = asyncio.create_task(Relay("tests", work, Bell(), every=timedelta(milliseconds=1)).run())

    async with asyncio.timeout(30):
        for _ in range(3):
            await work.done.acquire()
    relay.cancel()
    await asyncio.wait([relay])

    assert work.times >= 3
