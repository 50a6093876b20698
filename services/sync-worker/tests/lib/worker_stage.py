"""Passes over one connection, put together as in production, over fakes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.events import ICloudEventImported
from icloud import calendar_id, event_id
from sync_worker.app import Neighbours, passes_over
from sync_worker.application.accounts import Accounts
from sync_worker.application.claim import Claim
from sync_worker.application.run_pass import RunPass
from sync_worker.settings import SyncSettings
from worker_examples import NOW, connected, disconnected, new_id
from worker_fakes import FakeCalendar, FakeEvents, FakeICloud
from worker_stores import Store, fake_store

_YEAR = timedelta(days=365)


@dataclass
class Stage:
    """A user with an Apple account, and one worker."""

    store: Store = field(default_factory=fake_store)
    icloud: FakeICloud = field(default_factory=FakeICloud)
    events: FakeEvents = field(default_factory=FakeEvents)
    connection_id: str = field(default_factory=new_id)
    now: datetime = NOW
    _revision: int = 0

    async def follow(self, *calendars: FakeCalendar, **changes: object) -> None:
        """The connector says that these are the conflict calendars."""
        self._revision += 1
        ids = [calendar_id(self.connection_id, one.path) for one in calendars]
        await self.store.connections.follow(connected(self.connection_id, *ids, revision=self._revision, **changes))

    async def disconnect(self) -> None:
        self._revision += 1
        whose = disconnected(self.connection_id)
        await self.store.connections.end(self.connection_id, epoch=1, revision=self._revision, whose=whose)

    async def claim(self) -> Claim:
        await self.store.connections.wake(self.connection_id)
        (claim,) = await self.store.leases().claim(1)
        return claim

    async def sync(self, times: int = 1) -> None:
        """So many passes, ten minutes apart."""
        for _ in range(times):
            await self.worker()(await self.claim())
            self.now += timedelta(minutes=10)

    def worker(self, neighbours: Neighbours | None = None) -> RunPass:
        return passes_over(neighbours or self.neighbours(), SyncSettings())

    def neighbours(self, accounts: Accounts | None = None) -> Neighbours:
        return Neighbours(
            accounts=accounts or self.icloud,
            objects=self.store.objects,
            passes=self.store.passes,
            events=self.events,
            completions=self.events,
            clock=lambda: self.now,
        )

    def id_of(self, href: str) -> str:
        return event_id(self.connection_id, href)

    def heard(self, href: str) -> ICloudEventImported | None:
        """What a reader of the topic holds of an object."""
        return self.events.topic().get(self.id_of(href))

    def history(self, href: str) -> list[tuple[str, int]]:
        return list(self.events.history(self.id_of(href)))
