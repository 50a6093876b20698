"""Passes over one connection, put together as in production, over fakes."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contracts.events import HoldState, ICloudEventImported, ICloudEventRemoved, RemovalReason, RemovalsHeld
from contracts.facts import Calendar
from icloud import calendar_id, event_id
from sync_worker.app import Neighbours, passes_over
from sync_worker.application.accounts import Accounts
from sync_worker.application.claim import Claim
from sync_worker.application.run_pass import RunPass
from sync_worker.domain.holds import Wish
from sync_worker.settings import SyncSettings
from worker_examples import NOW, connected, disconnected
from worker_fakes import FakeCalendar, FakeEvents, FakeICloud
from worker_stores import Store, fake_store

CONNECTION = "7" * 32
"""Has its daily work at 02:24:32 UTC, while tests begin at nine."""


@dataclass
class Stage:
    """A user with an Apple account, and one worker."""

    store: Store = field(default_factory=fake_store)
    icloud: FakeICloud = field(default_factory=FakeICloud)
    events: FakeEvents = field(default_factory=FakeEvents)
    connection_id: str = CONNECTION
    now: datetime = NOW
    _revision: int = 0

    async def follow(self, *calendars: FakeCalendar, **changes: object) -> None:
        """The connector says that these are the conflict calendars."""
        self._revision += 1
        ids = [calendar_id(self.connection_id, one.path) for one in calendars]
        known = {"calendars": tuple(_known(self.connection_id, one) for one in self.icloud.list.values()), **changes}
        await self.store.connections.follow(connected(self.connection_id, *ids, revision=self._revision, **known))

    async def disconnect(self) -> None:
        self._revision += 1
        whose = disconnected(self.connection_id)
        await self.store.connections.end(self.connection_id, epoch=1, revision=self._revision, whose=whose)

    async def claim(self) -> Claim:
        await self.store.connections.wake(self.connection_id)
        (claim,) = await self.store.leases().claim(1)
        return replace(claim, claimed_at=self.now)

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
            appointments=self.store.appointments,
            passes=self.store.passes,
            refusals=self.store.refusals,
            events=self.events,
            completions=self.events,
        )

    def id_of(self, href: str) -> str:
        return event_id(self.connection_id, href)

    def heard(self, href: str) -> ICloudEventImported | None:
        """What a reader of the topic holds of an object."""
        return self.events.topic().get(self.id_of(href))

    def holds(self) -> list[tuple[str | None, HoldState]]:
        """What was said about held removals: doubt and state."""
        said = self.events.of(RemovalsHeld)
        return [(one.doubt, one.state) for one in said if isinstance(one, RemovalsHeld)]

    def removals(self) -> list[RemovalReason]:
        """Why events were removed."""
        said = self.events.of(ICloudEventRemoved)
        return [one.reason for one in said if isinstance(one, ICloudEventRemoved)]

    def starts(self, href: str) -> list[int]:
        """When a reader of the topic thinks that an object has its occurrences."""
        event = self.heard(href)
        return sorted(start for group in event.occurrences for start, _ in group.spans) if event else []

    async def wish(self, calendar: FakeCalendar, what: Wish) -> None:
        """The user says something about held removals of a calendar."""
        one = calendar_id(self.connection_id, calendar.path)
        await self.store.connections.wish(self.connection_id, {one: what}, int(self.now.timestamp()))

    def history(self, href: str) -> list[tuple[str, int]]:
        return list(self.events.history(self.id_of(href)))


def _known(connection_id: str, one: FakeCalendar) -> Calendar:
    """As the connector has listed it."""
    reason = None if one.supported else "subscribed"
    return Calendar(
        id=calendar_id(connection_id, one.path),
        name=one.name,
        writable=one.supported,
        supported=one.supported,
        reason=reason,
    )
