import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from connector.application.publish import PublishPending
from connector.inbound.relay import Bell, Relay
from connector_examples import MARIE, NOW, SECRET, connection
from connector_fakes import FakeAnnouncer, FakeConnections

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=5)


async def becomes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is of a fake, which knows no events
            await asyncio.sleep(0.001)


async def test_a_ring_sends_the_news_at_once() -> None:
    store, others, bell = FakeConnections(), FakeAnnouncer(), Bell()
    running = asyncio.create_task(Relay(PublishPending(store, others, lambda: NOW), bell, every=HOUR).run())
    await asyncio.sleep(0)

    await store.add(connection("c-1", MARIE), SECRET)
    bell.ring()

    await becomes(lambda: len(others.told) == 1)
    await stop(running)


async def test_what_a_crash_left_behind_goes_out_with_the_next_sweep() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    running = asyncio.create_task(Relay(PublishPending(store, others, lambda: NOW), Bell(), every=SOON).run())
    await asyncio.sleep(0)

    await store.add(connection("c-1", MARIE), SECRET)

    await becomes(lambda: len(others.told) == 1)
    await stop(running)


async def test_while_kafka_is_away_the_relay_lives_and_tells_everything_later() -> None:
    store, others = FakeConnections(), FakeAnnouncer(away=True)
    await store.add(connection("c-1", MARIE), SECRET)
    tries = 0

    def clock_of_tries() -> None:
        nonlocal tries
        tries += 1

    class Counting(FakeAnnouncer):
        async def announce(self, announcements: object) -> None:
            clock_of_tries()
            await others.announce(announcements)  # type: ignore[arg-type]  # handed through as it came

    running = asyncio.create_task(Relay(PublishPending(store, Counting(), lambda: NOW), Bell(), every=SOON).run())
    await becomes(lambda: tries >= 3)
    others.away = False

    await becomes(lambda: len(others.told) == 1)
    await stop(running)


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
