"""A worker in this process on real MongoDB, real Kafka and the simulator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.events import CompletedSync, Event, ICloudEventImported, SyncCompleted
from contracts.topics import EXPORTS, ICLOUD_EVENTS, SYNC
from contracts.wire import AnyEvent, Tombstone, UnknownEvent, decode, encode
from icloud import AppleCredential, Endpoint, ICloud, calendar_id
from icloud.credentials import Binding, KeyPair, Opener, SealedCredential, Sealer
from icloud_simulator.client import SimulatedAccount
from runtime.clock import system_clock
from runtime.kafka import Publisher, broker, subscribe
from runtime.settings import KafkaSettings
from sync_worker.app import Neighbours, gatehouse_over, passes_over
from sync_worker.application.run_pass import RunPass
from sync_worker.application.track_appointments import TrackAppointments
from sync_worker.application.track_connection import RequestSync, TrackConnection
from sync_worker.inbound.kafka import Bookings, ConnectionNews, Requests, subscriptions
from sync_worker.inbound.schedule import Rhythm, Schedule
from sync_worker.outbound.icloud import ICloudAccounts
from sync_worker.outbound.kafka import KafkaCompletions, KafkaEvents
from sync_worker.outbound.vault import CREDENTIALS, Vault
from sync_worker.settings import BudgetSettings, SyncSettings
from worker_examples import connected, new_id
from worker_stores import Database, Store

LEASE = timedelta(seconds=6)
BUDGET = BudgetSettings(per_second=500, per_account_per_minute=600)


@dataclass
class Heard:
    """What was said on our topics since the test began, as a reader of all partitions hears it."""

    said: list[AnyEvent | Tombstone] = field(default_factory=list)

    def topic(self) -> dict[str, ICloudEventImported]:
        """What the compacted topic comes to."""
        left: dict[str, ICloudEventImported] = {}
        for one in self.said:
            if isinstance(one, ICloudEventImported):
                left[one.event_id] = one
            elif isinstance(one, Tombstone):
                left.pop(one.key, None)
        return left

    def starts(self, connection_id: str) -> list[int]:
        """When the known events of a connection begin."""
        mine = [one for one in self.topic().values() if one.connection_id == connection_id]
        return sorted(start for one in mine for group in one.occurrences for start, _ in group.spans)

    def of(self, connection_id: str) -> list[Event]:
        return [one for one in self.said if isinstance(one, Event) and one.connection_id == connection_id]

    def completed(self) -> list[CompletedSync]:
        return [one for said in self.said if isinstance(said, SyncCompleted) for one in said.connections]


@dataclass
class Edges:
    """Everything that workers of one test share."""

    mine: Database
    store: Store
    kafka: KafkaSettings
    endpoint: Endpoint
    keys: KeyPair
    publisher: Publisher
    heard: Heard
    stack: AsyncExitStack

    async def connect(self, apple: SimulatedAccount, *calendars: str) -> str:
        """What the connector does: the credential into the vault, then the news on Kafka."""
        one = await self.keep_credential(apple)
        ids = [calendar_id(one, f"{apple.home}{name}/") for name in calendars]
        await self.say(connected(one, *ids))
        return one

    async def keep_credential(self, apple: SimulatedAccount) -> str:
        """Into the vault, for a new connection."""
        one = new_id()
        sealed = Sealer(self.keys.public_key_file).seal(
            SealedCredential(AppleCredential(apple.apple_id, apple.app_password), apple.principal),
            Binding("acc-1", one),
        )
        await self.mine.client[self.mine.name][CREDENTIALS].insert_one(
            {
                "_id": one,
                "account_id": "acc-1",
                "epoch": 1,
                "version": sealed.version,
                "key_id": sealed.key_id,
                "sealed": sealed.sealed,
            }
        )
        return one

    async def say(self, event: Event) -> None:
        await self.publisher.publish([encode(event, source="connector", time=system_clock())])

    async def passes(self, publisher: Publisher | None = None) -> tuple[RunPass, KafkaCompletions]:
        """What one worker does with its claims."""
        neighbours = await self.neighbours(publisher)
        completions = neighbours.completions
        if not isinstance(completions, KafkaCompletions):
            raise TypeError("these neighbours are real")
        return passes_over(neighbours, SyncSettings(poll_interval=timedelta(seconds=0.5))), completions

    async def neighbours(self, publisher: Publisher | None = None) -> Neighbours:
        """What the passes of one worker lean on."""
        events = KafkaEvents(publisher or self.publisher, system_clock)
        icloud = await self.stack.enter_async_context(ICloud(self.endpoint))
        opener = Opener(self.keys.private_keys_dir)
        return Neighbours(
            accounts=ICloudAccounts(
                icloud,
                Vault(self.mine.client, opener, database=self.mine.name),
                gatehouse_over(self.mine.client, BUDGET, self.mine.name),
            ),
            objects=self.store.objects,
            appointments=self.store.appointments,
            passes=self.store.passes,
            refusals=self.store.refusals,
            events=events,
            completions=KafkaCompletions(events),
        )

    async def worker(self) -> Schedule:
        """Start a whole worker; it stops with the test."""
        run_pass, completions = await self.passes()
        schedule = Schedule(self.store.leases(LEASE), run_pass, Rhythm(at_once=20, lease=LEASE))
        await self.worker_of_news()
        for work in (completions.run(), schedule.run()):
            self.stack.push_async_callback(_cancelled, asyncio.create_task(work))
        return schedule

    async def worker_of_news(self) -> None:
        """Start only what listens to Kafka."""
        consumers = broker(self.kafka, "sync-worker-tests", self.publisher)
        track, request = TrackConnection(self.store.connections), RequestSync(self.store.connections)
        bookings = Bookings(TrackAppointments(self.store.appointments, system_clock))
        subscribe(consumers, *subscriptions(ConnectionNews(track), Requests(request), bookings, group=self.mine.name))
        await consumers.start()
        self.stack.push_async_callback(consumers.stop)


@asynccontextmanager
async def edges(mine: Database, bootstrap_servers: str, endpoint: Endpoint, keys: KeyPair) -> AsyncIterator[Edges]:
    """The neighbours, and a reader of the topics."""
    kafka = KafkaSettings(bootstrap_servers=(bootstrap_servers,))
    publisher = Publisher(kafka, "sync-worker-tests")
    heard = Heard()
    async with AsyncExitStack() as stack:
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        consumer.assign(
            [TopicPartition(topic.name, n) for topic in (EXPORTS, ICLOUD_EVENTS, SYNC) for n in range(topic.partitions)]
        )
        await consumer.seek_to_end()
        stack.push_async_callback(_cancelled, asyncio.create_task(_listen(consumer, heard)))
        yield Edges(mine, mine.store(), kafka, endpoint, keys, publisher, heard, stack)


async def _listen(consumer: AIOKafkaConsumer, heard: Heard) -> None:
    async for record in consumer:
        said = decode(record.topic, record.key, record.headers, record.value)
        if not isinstance(said, UnknownEvent):
            heard.said.append(said)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
