"""A store of each kind with the stories around it, told in one line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4

from services.availability.tests.booking_fakes import AskedWorkers, RecordedAnnouncer
from services.availability.tests.examples import NOW, THEY

from availability.application.block_slots import BlockSlots
from availability.application.book import Book, Circumstances, Wish
from availability.application.bookings import Bookings, Key, Shown
from availability.application.change_appointments import CancelAppointment, ChangeAppointment, Which
from availability.application.check_conflicts import CheckConflicts, Conflicts
from availability.application.fresh_look import LookFirst
from availability.application.publish import Outbox, PublishPending
from availability.application.record_exports import ExportNews, Exports, RecordExports
from availability.application.show import ShowAppointments
from availability.application.timeline import Timeline
from availability.domain.appointments import Agreed, Announcement
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.intervals import Span
from availability.domain.users import User
from availability.inbound.relay import UserByUser

STALE_AFTER = timedelta(minutes=30)


class MovedClock:
    """Stands where a test puts it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def nothing() -> None:
    """What workers do that are not there."""


@dataclass
class Stage:
    """The stories of bookings over one store."""

    timeline: Timeline
    bookings: Bookings
    outbox: Outbox
    conflicts: Conflicts
    exports: Exports
    clock: MovedClock
    announcer: RecordedAnnouncer = field(default_factory=RecordedAnnouncer)
    workers: AskedWorkers = field(default_factory=lambda: AskedWorkers(nothing))
    patience: timedelta = timedelta(seconds=10)
    name: str = field(default_factory=lambda: uuid4().hex[:8])
    common_clock: MovedClock = field(default_factory=MovedClock)
    """That of the timeline; the other one is the process's own."""
    _ids: Iterator[int] = field(default_factory=count)

    @property
    def world(self) -> Circumstances:
        return Circumstances(self.clock, lambda: f"{self.name}-{next(self._ids)}", STALE_AFTER, lambda: None)

    async def common_time(self) -> datetime:
        return self.common_clock()

    async def book(
        self,
        span: Span,
        *,
        key: str | None = None,
        user: User = THEY,
        title: str = "Coupe",
        max_age: timedelta | None = None,
    ) -> Shown:
        look = LookFirst(
            self.timeline, self.workers, self.common_time, patience=self.patience, every=timedelta(milliseconds=10)
        )
        wish = Wish(user, Agreed(span, title), "service:tests", max_age)
        key = f"{self.name}-key-{next(self._ids)}" if key is None else key
        return await Book(self.bookings, look, self.world)(wish, Key(key, repr(wish)))

    async def take_off(self, span: Span, *, key: str, user: User = THEY, reason: str | None = None) -> BlockedSlot:
        return await self.slots.add(user, span, reason, key=Key(key, repr((user, span, reason))))

    async def change(self, shown: Shown, span: Span | None = None, **words: str | None) -> Shown:
        def changed(old: Agreed) -> Agreed:
            return replace(old, span=span or old.span, **words)  # type: ignore[arg-type]  # the words are Agreed's

        return await ChangeAppointment(self.bookings, self.world)(which(shown), changed)

    async def cancel(self, shown: Shown) -> None:
        await CancelAppointment(self.bookings, self.world)(which(shown))

    async def look_at(self, shown: Shown) -> Shown:
        return await self.showing.one(shown.appointment.user.account_id, shown.appointment.id)

    @property
    def showing(self) -> ShowAppointments:
        return ShowAppointments(self.bookings, self.clock, STALE_AFTER)

    @property
    def slots(self) -> BlockSlots:
        return BlockSlots(self.bookings, self.world)

    async def check(self) -> int:
        one = CheckConflicts(self.conflicts, self.clock, lambda: None)
        return await UserByUser("conflicts", self.conflicts.unchecked, one)()

    async def unchecked(self) -> list[User]:
        return [user async for user in self.conflicts.unchecked()]

    async def waiting(self) -> list[Sequence[Announcement]]:
        return [of_one async for page in self.outbox.waiting() for of_one in await self.outbox.read(page)]

    async def publish(self) -> list[Announcement]:
        """What went out."""
        before = len(self.announcer.told)
        await PublishPending(self.outbox, self.announcer, self.clock)()
        return self.announcer.told[before:]

    async def exported(self, *news: ExportNews) -> None:
        await RecordExports(self.exports)(news)


def which(shown: Shown) -> Which:
    """The appointment as it was last seen."""
    seen = shown.appointment
    return Which(seen.user, seen.id, frozenset([seen.revision]), "user-1")
