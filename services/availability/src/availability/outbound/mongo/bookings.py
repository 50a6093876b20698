"""Appointments and blocked slots, decided on one user at a time."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorCursor
from motor.motor_asyncio import AsyncIOMotorClientSession as Session
from pymongo import ASCENDING, ReadPreference
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from availability.application.bookings import PAGE, Answer, Desk, KeptAnswer, Key, Place, Shown, Taken
from availability.application.timeline import AskLater
from availability.domain.appointments import Announcement, Appointment, Standing
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.busy import EntryKind, Known
from availability.domain.intervals import Span, Window
from availability.domain.users import User
from availability.outbound.mongo.answers import MongoAnswers, answer_document
from availability.outbound.mongo.appointments import (
    UNTOLD,
    appointment_from,
    appointment_outline,
    slot_end_outline,
    slot_from,
    slot_outline,
)
from availability.outbound.mongo.documents import KEPT, Document
from availability.outbound.mongo.guards import Claim, Guards
from availability.outbound.mongo.indexes import CANCELLED, ENTRIES
from availability.outbound.mongo.questions import known, question
from availability.outbound.mongo.timeline import COLLECTION, DATABASE, passes, read_heaps
from runtime.clock import Clock

T = TypeVar("T")

_PAUSES: Final = (0.0, 0.005, 0.01, *(0.02,) * 47)
"""Seconds before each try, a second in all: a decision takes some ten milliseconds, and of those at one moment one
always succeeds. Each pause is drawn between a half and one and a half of it, so that they do not meet again."""
_LINE_SECONDS: Final = 5.0
"""Whoever stands in line for longer than this is asked to come again."""


class MongoBookings:
    """`entry` documents of the timeline, the guards of their users, and the answers that were given."""

    def __init__(self, client: AsyncIOMotorClient[Document], clock: Clock, database: str = DATABASE) -> None:
        self._client = client
        self._clock = clock
        self._timeline = client[database].get_collection(
            COLLECTION, read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("majority")
        )
        self._snapshots = self._timeline.with_options(read_concern=ReadConcern("snapshot"))
        self._guards = Guards(client, database)
        self._answers = MongoAnswers(client, clock, database)
        # Those who want to book with one user here wait for each other; only other processes can collide with them.
        self._lines: WeakValueDictionary[User, asyncio.Lock] = WeakValueDictionary()

    async def alone(self, user: User, decide: Callable[[Desk], Awaitable[T]]) -> T:
        line = self._lines.get(user) or asyncio.Lock()
        self._lines[user] = line
        async with _turn(line):
            for pause in _PAUSES:
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the tries, guards nothing
                desk, number, done = await self._tried(user, decide)
                with _later():
                    if desk.claim.is_empty or await self._guards.decide(user, number, desk.claim):
                        return done
        raise AskLater

    async def _tried(self, user: User, decide: Callable[[Desk], Awaitable[T]]) -> tuple["_Desk", int, T]:
        # One after the other across an election, too: the next primary may not have committed yet what the guard told.
        with _later():
            async with await self._client.start_session() as session:
                number = await self._guards.settled(user, session)
                desk = _Desk(self, user, session)
                return desk, number, await decide(desk)

    async def known(self, user: User, window: Window, session: Session | None = None) -> Known:
        with _later():
            return await read_known(self._snapshots, user, window, session)

    async def find(self, account_id: str, appointment_id: str, session: Session | None = None) -> Appointment | None:
        mine = {"_id": appointment_id, "kind": EntryKind.APPOINTMENT.value, "account_id": account_id}
        with _later():
            found = await self._timeline.find_one(mine, UNTOLD, session=session)
        return None if found is None else appointment_from(found)

    async def between(self, user: User, window: Window, after: Place | None = None) -> Sequence[Appointment]:
        entries = self._entries(user, EntryKind.APPOINTMENT, (window.start, window.end), after)
        # A user's appointments share no time, so their ends are in the order of their starts, and so is the index:
        # to sort them the server would have to hold all of them.
        with _later():
            return [appointment_from(document) async for document in entries.sort("until", ASCENDING)]

    async def cancelled(self, user: User, window: Window, after: Place | None = None) -> Sequence[Appointment]:
        theirs = {**user._asdict(), "kind": EntryKind.APPOINTMENT.value, "standing": Standing.CANCELLED.value}
        around = {"end": {"$gt": window.start}, **_beyond("start", window.end, after)}
        found = self._timeline.find(theirs | around, UNTOLD, hint=CANCELLED).sort(_in_order("start")).limit(PAGE)
        with _later():
            return [appointment_from(document) async for document in found]

    async def slots(self, user: User, span: Span, after: Place | None = None) -> Sequence[BlockedSlot]:
        entries = self._entries(user, EntryKind.BLOCKED_SLOT, span, after)
        with _later():
            return [slot_from(document) async for document in entries.sort(_in_order("since"))]

    async def take(self, key: Key) -> KeptAnswer:
        with _later():
            kept = await self._answers.take(key)
            if isinstance(kept.answer, Shown | BlockedSlot):
                # Whoever decided this may have died before it was carried out.
                await self._guards.settled(kept.answer.user)
            return kept

    async def answered(self, key: Key) -> Answer | None:
        with _later():
            return await self._answers.to(key)

    async def refuse(self, key: Key, answer: Taken) -> Answer:
        with _later():
            return await self._answers.refuse(key, answer)

    def now(self) -> datetime:
        """The moment that it is here."""
        return self._clock()

    async def slot(self, user: User, slot_id: str, session: Session | None = None) -> BlockedSlot | None:
        """That blocked slot of the user."""
        kind = EntryKind.BLOCKED_SLOT.value
        theirs = {"_id": slot_id, "kind": kind, **user._asdict(), "entry": {"$exists": True}}
        with _later():
            found = await self._timeline.find_one(theirs, UNTOLD, session=session)
        return None if found is None else slot_from(found)

    def _entries(self, user: User, kind: EntryKind, span: Span, after: Place | None) -> AsyncIOMotorCursor[Document]:
        start = span[0] if after is None else max(span[0], after[0])
        theirs = {**user._asdict(), "kind": kind.value, "entry": {"$exists": True}}
        around = {"until": {"$gt": start}, **_beyond("since", span[1], after)}
        return self._timeline.find(theirs | around, UNTOLD, hint=ENTRIES).limit(PAGE)


class _Desk:
    """Reads at once, and gathers what is to be written."""

    def __init__(self, bookings: MongoBookings, user: User, session: Session) -> None:
        self._bookings = bookings
        self._user = user
        self._session = session
        self.claim = Claim()

    async def known(self, window: Window) -> Known:
        return await self._bookings.known(self._user, window, self._session)

    async def appointment(self, appointment_id: str) -> Appointment | None:
        found = await self._bookings.find(self._user.account_id, appointment_id, self._session)
        return found if found is not None and found.user == self._user else None

    async def slot(self, slot_id: str) -> BlockedSlot | None:
        return await self._bookings.slot(self._user, slot_id, self._session)

    async def answered(self, key: Key) -> Answer | None:
        return await self._bookings.answered(key)

    def keep(self, appointment: Appointment, announcement: Announcement) -> None:
        self.claim.outlines.append(appointment_outline(appointment, announcement))

    def block(self, slot: BlockedSlot) -> None:
        self.claim.outlines.append(slot_outline(slot))

    def unblock(self, slot: BlockedSlot, now: datetime) -> None:
        self.claim.outlines.append(slot_end_outline(slot, now + KEPT))

    def remember(self, key: Key, answer: Answer) -> None:
        self.claim.answers.append(answer_document(key, answer, self._bookings.now()))


async def read_known(
    timeline: AsyncIOMotorCollection[Document], user: User, window: Window, session: Session | None = None
) -> Known:
    """One query, as every question asks it.

    In a session it is a decision's, which waits for no question about the user: others stand in line behind it.
    """
    whose = user if session is None else (user, "decision")
    return known(await read_heaps(timeline, question(*user, window), window, session, whose=whose))


def _beyond(field: str, end: int, after: Place | None) -> Document:
    """The condition for what starts, as `field` tells, before `end` and comes after that place of the list."""
    if after is None:
        return {field: {"$lt": end}}
    start, last = after
    return {field: {"$lt": end, "$gte": start}, "$nor": [{field: start, "_id": {"$lte": last}}]}


def _in_order(field: str) -> list[tuple[str, int]]:
    return [(field, ASCENDING), ("_id", ASCENDING)]


@asynccontextmanager
async def _turn(line: asyncio.Lock) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_LINE_SECONDS):
            await line.acquire()
    except TimeoutError:
        raise AskLater from None
    try:
        yield
    finally:
        line.release()


@contextmanager
def _later() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        if passes(error):
            raise AskLater from error
        raise
