"""Appointments and blocked slots in memory. They run the same tests as MongoDB's."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.availability.tests.fakes import MemoryTimeline

from availability.application.bookings import PAGE, Answer, Desk, KeptAnswer, Key, Place, Taken
from availability.application.check_conflicts import AHEAD, Held
from availability.application.publish import Unpublishable, Unpublished, Waiting
from availability.domain.appointments import Announcement, Appointment, Standing, still_told
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.busy import Entry, EntryKind, Known
from availability.domain.exports import Change, Outcome
from availability.domain.freshness import Connection
from availability.domain.intervals import Span, Window
from availability.domain.users import User
from runtime.clock import Clock

T = TypeVar("T")
Listed = TypeVar("Listed", Appointment, BlockedSlot)


class MemoryBookings:
    """Appointments, blocked slots and answers, in dictionaries beside a timeline's."""

    def __init__(self, timeline: MemoryTimeline, clock: Clock) -> None:
        self.timeline = timeline
        self.appointments: dict[str, Appointment] = {}
        self.blocked: dict[str, BlockedSlot] = {}
        self.answers: dict[str, tuple[datetime, KeptAnswer]] = {}
        self.pending: dict[str, list[Announcement]] = {}
        self.clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def alone(self, user: User, decide: Callable[[Desk], Awaitable[T]]) -> T:
        async with self._one_at_a_time:
            before = self._state()
            timeline = self.timeline
            timeline.counts[user] = timeline.counts.get(user, 0) + 1
            timeline.unchecked.add(user)
            try:
                return await decide(MemoryDesk(self, user))
            except BaseException:
                self._restore(before)
                raise

    async def known(self, user: User, window: Window) -> Known:
        return await self.timeline.known(*user, window)

    async def find(self, account_id: str, appointment_id: str) -> Appointment | None:
        found = self.appointments.get(appointment_id)
        return found if found is not None and found.user.account_id == account_id else None

    async def between(self, user: User, window: Window, after: Place | None = None) -> Sequence[Appointment]:
        span = (window.start, window.end)
        return _page([one for one in self._standing(user) if _meets(one.agreed.span, span)], after)

    async def cancelled(self, user: User, window: Window, after: Place | None = None) -> Sequence[Appointment]:
        span = (window.start, window.end)
        theirs = [one for one in self.appointments.values() if one.user == user and _meets(one.agreed.span, span)]
        return _page([one for one in theirs if one.standing is Standing.CANCELLED], after)

    async def slot(self, user: User, slot_id: str) -> BlockedSlot | None:
        found = self.blocked.get(slot_id)
        return found if found is not None and found.user == user else None

    async def slots(self, user: User, span: Span, after: Place | None = None) -> Sequence[BlockedSlot]:
        return _page([slot for slot in self.blocked.values() if slot.user == user and _meets(slot.span, span)], after)

    async def take(self, key: Key) -> KeptAnswer:
        until, kept = self.answers.get(key.id, (self.clock(), None))
        if kept is None or until <= self.clock():
            kept = KeptAnswer(key, None)
            self.answers[key.id] = (self.clock() + timedelta(hours=24), kept)
        return kept

    async def refuse(self, key: Key, answer: Taken) -> Answer:
        return self.answers[key.id][1].answer or self.answer(key, answer)

    def answer(self, key: Key, answer: Answer) -> Answer:
        if key.id in self.answers:
            self.answers[key.id] = (self.clock() + timedelta(hours=24), KeptAnswer(key, answer))
        return answer

    async def unchecked(self) -> AsyncIterator[User]:
        for user in sorted(self.timeline.unchecked):
            yield user

    async def settled(self, user: User) -> int:
        return self.timeline.counts[user]

    async def ahead(self, user: User, after: int) -> Sequence[Held]:
        found = [one for one in self._standing(user) if one.agreed.span[1] > after]
        return [Held(one.id, one.agreed.span, one.conflicts) for one in found][:AHEAD]

    async def whole(self, ids: Collection[str]) -> Sequence[Appointment]:
        return [self.appointments[one] for one in ids]

    async def settle(self, user: User, number: int, found: Sequence[tuple[Appointment, Announcement]]) -> int | None:
        if self.timeline.counts[user] != number:
            return None
        for appointment, announcement in found:
            self.keep(appointment, announcement)
        self.timeline.counts[user] += 1
        return number + 1

    async def check(self, user: User, number: int) -> bool:
        if self.timeline.counts[user] != number:
            return False
        self.timeline.unchecked.discard(user)
        return True

    async def waiting(self) -> AsyncGenerator[Sequence[Waiting], None]:
        page = [Waiting(one[0].user, one[0].appointment_id) for one in self.pending.values() if one]
        if page:
            yield page

    async def read(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        return [list(several) for one in page if (several := self.pending[one.appointment_id])]

    async def mark(self, told: Announcement, now: datetime) -> None:
        del now
        several = self.pending[told.appointment_id]
        self.pending[told.appointment_id] = [one for one in several if one.revision > told.revision]

    async def put(self, news: Sequence[tuple[str, Outcome | Change]]) -> None:
        for appointment_id, said in news:
            found = self.appointments.get(appointment_id)
            if found is None:
                continue
            known = found.outcome if isinstance(said, Outcome) else found.change
            if known is None or known.revision <= said.revision:
                if isinstance(said, Outcome):
                    written = said.written or (found.outcome.written if found.outcome else None)
                    undone = said.as_agreed and found.change is not None and found.change.revision <= said.revision
                    change = None if undone else found.change
                    self.appointments[appointment_id] = replace(
                        found, outcome=replace(said, written=written), change=change
                    )
                else:
                    self.appointments[appointment_id] = replace(found, change=said)

    def keep(self, appointment: Appointment, announcement: Announcement) -> None:
        self.appointments[appointment.id] = appointment
        self.pending[appointment.id] = [*still_told([*self.pending.get(appointment.id, []), announcement])]
        self.timeline.entries.pop(appointment.id, None)
        if appointment.standing is Standing.BOOKED:
            entry = Entry(EntryKind.APPOINTMENT, appointment.id, appointment.agreed.span)
            self.timeline.entries[appointment.id] = (appointment.user, entry)

    def _standing(self, user: User) -> list[Appointment]:
        theirs = [one for one in self.appointments.values() if one.user == user and one.standing is Standing.BOOKED]
        return sorted(theirs, key=lambda one: one.agreed.span)

    def _state(self) -> tuple[dict[str, object], ...]:
        pending: dict[str, object] = {key: list(several) for key, several in self.pending.items()}
        return ({**self.appointments}, {**self.blocked}, {**self.answers}, {**self.timeline.entries}, pending)

    def _restore(self, state: tuple[dict[str, object], ...]) -> None:
        kept: tuple[Any, ...] = (self.appointments, self.blocked, self.answers, self.timeline.entries, self.pending)
        for now, before in zip(kept, state, strict=True):
            now.clear()
            now.update(before)


class MemoryDesk:
    """A decision over the dictionaries."""

    def __init__(self, bookings: MemoryBookings, user: User) -> None:
        self._bookings = bookings
        self._user = user

    async def known(self, window: Window) -> Known:
        return await self._bookings.known(self._user, window)

    async def appointment(self, appointment_id: str) -> Appointment | None:
        found = self._bookings.appointments.get(appointment_id)
        return found if found is not None and found.user == self._user else None

    async def slot(self, slot_id: str) -> BlockedSlot | None:
        return await self._bookings.slot(self._user, slot_id)

    async def answered(self, key: Key) -> Answer | None:
        return self._bookings.answers[key.id][1].answer

    def keep(self, appointment: Appointment, announcement: Announcement) -> None:
        self._bookings.keep(appointment, announcement)

    def block(self, slot: BlockedSlot) -> None:
        self._bookings.blocked[slot.id] = slot
        entry = Entry(EntryKind.BLOCKED_SLOT, slot.id, slot.span)
        self._bookings.timeline.entries[slot.id] = (slot.user, entry)

    def unblock(self, slot: BlockedSlot, now: datetime) -> None:
        del now
        del self._bookings.blocked[slot.id], self._bookings.timeline.entries[slot.id]

    def remember(self, key: Key, answer: Answer) -> None:
        self._bookings.answer(key, answer)


class RecordedAnnouncer:
    """Keeps what it is told.

    While `away` it takes nothing, of users in `lost` nothing either, and of appointments in `refused` never anything.
    """

    def __init__(self) -> None:
        self.told: list[Announcement] = []
        self.away = False
        self.lost: set[User] = set()
        self.refused: set[str] = set()
        self.tries = 0

    def lane(self, user: User) -> int:
        """One of its own for each user who is lost, one for all others."""
        return sorted(self.lost).index(user) if user in self.lost else -1

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        self.tries += 1
        if self.away or any(one.user in self.lost for one in announcements):
            raise Unpublished
        if any(one.appointment_id in self.refused for one in announcements):
            raise Unpublishable
        self.told.extend(announcements)


class AskedWorkers:
    """Workers that do what the test says when they are asked for a look."""

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self.asked: list[str] = []
        self._look = look

    async def ask(self, user: User, connections: Sequence[Connection], at: datetime) -> None:
        del user, at
        self.asked.extend(connection.id for connection in connections)
        await self._look()


def _page(several: Sequence[Listed], after: Place | None) -> Sequence[Listed]:
    ordered = sorted(several, key=lambda one: one.place)
    return [one for one in ordered if after is None or one.place > after][:PAGE]


def _meets(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
