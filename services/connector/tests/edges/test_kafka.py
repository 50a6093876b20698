"""News go out and words of the workers come in, over a real Kafka and a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from connector.application.disconnect import Disconnect
from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.application.publish import PublishPending
from connector.domain.connection import Connection, State
from connector.inbound.kafka import SyncWords
from connector.inbound.relay import Bell, Relay
from connector.outbound.kafka import KafkaAnnouncer
from connector_examples import CALENDARS, MARIE, SECRET, connection
from connector_kafka import heard_of, kafka_settings
from connector_stores import Databases, Store, mongo_store
from contracts import facts
from contracts.events import (
    CalendarDisconnected,
    CalendarsChanged,
    CompletedSync,
    CredentialsRejected,
    SyncCompleted,
    SyncProgress,
)
from contracts.wire import AnyEvent, encode
from icloud.credentials import KeyPair
from runtime.clock import system_clock
from runtime.kafka import Publisher, broker, subscribe

pytestmark = pytest.mark.servers

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def real(mine: Databases, keys: KeyPair) -> Store:
    return await mongo_store(mine, keys.public_key_file)


@pytest.fixture
async def publisher(kafka_bootstrap_servers: str) -> AsyncIterator[Publisher]:
    found = Publisher(kafka_settings(kafka_bootstrap_servers), "connector-tests")
    await found.start()
    yield found
    await found.stop()


async def test_a_life_goes_out_by_ring_and_by_sweep(
    real: Store, publisher: Publisher, kafka_bootstrap_servers: str
) -> None:
    bell, made = Bell(), connection(uuid4().hex, MARIE)
    publish = PublishPending(real.outbox, KafkaAnnouncer(publisher), system_clock)
    await real.connections.add(made, SECRET)
    running = asyncio.create_task(Relay(publish, bell).run())

    before = await heard_of({made.id}, 1, kafka_bootstrap_servers)
    await Disconnect(real.connections, system_clock, bell.ring)(MARIE, made.id)
    after = await heard_of({made.id}, 2, kafka_bootstrap_servers)

    assert [type(one.event).__name__ for one in before] == ["CalendarConnected"]
    assert [type(one.event).__name__ for one in after] == ["CalendarConnected", "CalendarDisconnected"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_several_relays_at_once_leave_nothing_untold_and_the_newest_last(
    real: Store, publisher: Publisher, kafka_bootstrap_servers: str
) -> None:
    made = [connection(uuid4().hex, type(MARIE)("acc-salon", f"usr-{number}")) for number in range(20)]
    relays = [PublishPending(real.outbox, KafkaAnnouncer(publisher), system_clock) for _ in range(3)]
    for one in made:
        await real.connections.add(one, SECRET)

    async def end_all() -> None:
        for one in made:
            await Disconnect(real.connections, system_clock, lambda: None)(one.owner, one.id)

    async def sweeping(relay: PublishPending) -> None:
        for _ in range(5):
            await relay()

    await asyncio.gather(end_all(), *map(sweeping, relays))
    await relays[0]()

    assert await real.waiting() == []
    heard = await heard_of({one.id for one in made}, len(made), kafka_bootstrap_servers)
    last = {getattr(one.event, "connection_id", ""): type(one.event) for one in heard}
    assert last == dict.fromkeys((one.id for one in made), CalendarDisconnected)


async def test_words_of_the_workers_reach_the_connection(
    real: Store, publisher: Publisher, kafka_bootstrap_servers: str
) -> None:
    made = connection(uuid4().hex, MARIE)
    await real.connections.add(made, SECRET)
    words = SyncWords(RecordReports(real.connections), RecordCalendars(real.connections, system_clock, lambda: None))
    consumers = broker(kafka_settings(kafka_bootstrap_servers), "connector-tests", publisher)
    subscribe(consumers, words.subscription(f"connector-{uuid4().hex}"))
    await consumers.start()

    await publisher.publish([encode(one, source="sync-worker", time=NOW) for one in _told(made.id)])

    found = await _becomes(real, lambda one: (one.state, one.revision) == (State.NEEDS_RECONNECT, 2))
    await consumers.stop()
    assert found.reading.as_of == NOW
    assert [c.name for c in found.terms.calendars] == ["Privé (iPhone)"]
    assert [one.revision for several in await real.waiting() for one in several] == [1, 2]


async def _becomes(real: Store, right: Callable[[Connection], bool]) -> Connection:
    async with asyncio.timeout(30):
        while (found := await real.connections.of(MARIE)) is None or not right(found):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.05)
    return found


def _told(connection_id: str) -> list[AnyEvent]:
    account_id, user_id, as_of = MARIE.account_id, MARIE.user_id, int(NOW.timestamp())
    renamed = facts.Calendar(id=CALENDARS[0].id, name="Privé (iPhone)", writable=True, supported=True)

    def identity(revision: int) -> dict[str, object]:
        return {
            "account_id": account_id,
            "user_id": user_id,
            "connection_id": connection_id,
            "epoch": 1,
            "revision": revision,
        }

    completed = CompletedSync.model_validate(identity(1_003) | {"as_of": as_of})
    return [
        SyncProgress.model_validate(identity(1_001) | {"imported": 5}),
        CalendarsChanged.model_validate(identity(1_002) | {"calendars": [renamed]}),
        SyncCompleted(connections=(completed,)),
        SyncProgress.model_validate(identity(1_001) | {"imported": 5}),
        CredentialsRejected.model_validate(identity(2_001) | {"since": as_of}),
    ]
