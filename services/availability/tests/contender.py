"""One of several processes that book the same few users' time: `python -m services.availability.tests.contender '{…}'`.

It tells each outcome in a line of JSON, after it is certain, and may be killed at any moment.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.read_concern import ReadConcern

from availability.application.book import Book, Circumstances, Wish
from availability.application.bookings import Desk, Key, Shown
from availability.application.change_appointments import CancelAppointment, ChangeAppointment, Which
from availability.application.fresh_look import LookFirst
from availability.application.refusals import ChangedMeanwhile, SlotTaken
from availability.application.timeline import AskLater
from availability.domain.appointments import Agreed
from availability.domain.busy import Known
from availability.domain.intervals import Span, Window
from availability.domain.users import User
from availability.outbound.kafka import KafkaWorkers
from availability.outbound.mongo import MongoBookings, MongoClock, MongoTimeline
from availability.outbound.mongo.appointments import outline_write
from availability.outbound.mongo.bookings import _Desk
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.questions import heaps, known, question
from runtime.clock import system_clock
from runtime.kafka import Publisher
from runtime.mongo import connect
from runtime.settings import KafkaSettings, MongoSettings, load

T = TypeVar("T")

# A Saturday evening: soon there is midnight, and Paris sets its clocks from two to three.
FIRST = int(datetime(2026, 3, 28, 21, tzinfo=UTC).timestamp())
STRIDE = 45 * 60
STRIDES_PER_SECOND = 5
"""All processes want the same time at the same moment: the next three quarters of an hour, five times a second."""
PER_STRIDE = 4
"""After so many attempts a lane waits for the next stride, to begin with all others."""
STALE_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Orders:
    """What one process does. `guarded` False takes the guard away: a transaction alone."""

    mongodb: str
    database: str
    seed: int
    attempts: int
    at_once: int
    users: int
    guarded: bool
    began: float
    """The moment, in epoch seconds, at which FIRST is wanted."""


class Unguarded(MongoBookings):
    """Reads and writes in one transaction, as anybody would do it at first."""

    async def alone(self, user: User, decide: Callable[[Desk], Awaitable[T]]) -> T:
        client = self._timeline.database.client
        async with await client.start_session() as session, session.start_transaction():
            desk = UnguardedDesk(self, user, session)
            desk.timeline = self._timeline.with_options(read_concern=ReadConcern())
            done = await decide(desk)
            for outline in desk.claim.outlines:
                await desk.timeline.bulk_write([outline_write(outline)], session=session)
            return done


class UnguardedDesk(_Desk):
    """Reads in the transaction what stands in the way."""

    timeline: AsyncIOMotorCollection[Document]

    async def known(self, window: Window) -> Known:
        asked = heaps(question(*self._user, window), window)
        found = self.timeline.aggregate(asked, session=self._session)
        return known(await found.to_list(None))


class Contender:
    """Books, moves and cancels at random."""

    def __init__(self, orders: Orders) -> None:
        client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": orders.mongodb}), "contender")
        kind = MongoBookings if orders.guarded else Unguarded
        bookings = kind(client, system_clock, orders.database)
        # Nobody asks for a fresh look here, so nobody starts the publisher.
        nobody = Publisher(load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}), "contender")
        timeline = MongoTimeline(client, system_clock, orders.database)
        look = LookFirst(timeline, KafkaWorkers(nobody), MongoClock(client))
        world = Circumstances(system_clock, lambda: uuid4().hex, STALE_AFTER, lambda: None)
        self._book = Book(bookings, look, world)
        self._change = ChangeAppointment(bookings, world)
        self._cancel = CancelAppointment(bookings, world)
        self._orders = orders
        self._left = orders.attempts

    async def run(self) -> None:
        """Return when all attempts are made."""
        seeds = range(self._orders.at_once)
        await asyncio.gather(*(self._lane(Random(self._orders.seed * 1000 + lane)) for lane in seeds))  # noqa: S311 - seeded

    async def _lane(self, chance: Random) -> None:
        mine: list[Shown] = []
        stride, here = 0, 0
        while self._left > 0:
            self._left -= 1
            if here == PER_STRIDE:
                await asyncio.sleep((stride + 1) / STRIDES_PER_SECOND - (time.time() - self._orders.began))
            stride, here = (self._stride(), 1) if stride != self._stride() else (stride, here + 1)
            began = asyncio.get_running_loop().time()
            told = await self._attempt(chance, mine)
            took = asyncio.get_running_loop().time() - began
            _tell({**told, "ms": round(1000 * took, 2)})

    async def _attempt(self, chance: Random, mine: list[Shown]) -> dict[str, Any]:
        what = chance.choices(("book", "move", "cancel"), (75, 15, 10))[0] if mine else "book"
        try:
            if what == "book":
                mine.append(await self._booked(chance))
                return {"what": what, "outcome": "done", "id": mine[-1].appointment.id}
            chosen = mine.pop(chance.randrange(len(mine)))
            if what == "cancel":
                # Whether it is done is uncertain from here on, should this process be killed.
                _tell({"leaves": chosen.appointment.id})
                await self._cancel(_which(chosen))
                return {"what": what, "outcome": "done", "id": chosen.appointment.id}
            mine.append(await self._moved(chosen, self._span(chance)))
        except SlotTaken:
            return {"what": what, "outcome": "taken"}
        except (AskLater, ChangedMeanwhile) as error:
            return {"what": what, "outcome": type(error).__name__}
        except Exception as error:  # noqa: BLE001 - the naive way fails in its own ways, too
            return {"what": what, "outcome": f"failed: {type(error).__name__}"}
        return {"what": what, "outcome": "done", "id": mine[-1].appointment.id}

    async def _booked(self, chance: Random) -> Shown:
        user = User("contest", f"user-{chance.randrange(self._orders.users)}")
        wish = Wish(user, Agreed(self._span(chance), "Coupe"), "service:contest")
        return await self._book(wish, Key(uuid4().hex, "one"))

    def _span(self, chance: Random) -> Span:
        start = FIRST + self._stride() * STRIDE + 60 * chance.randrange(45)
        return start, start + 60 * chance.choice((7, 20, 30, 90))

    def _stride(self) -> int:
        return int((time.time() - self._orders.began) * STRIDES_PER_SECOND)

    async def _moved(self, shown: Shown, span: Span) -> Shown:
        return await self._change(_which(shown), lambda old: replace(old, span=span))


def _tell(outcome: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(outcome) + "\n")
    sys.stdout.flush()


def _which(shown: Shown) -> Which:
    seen = shown.appointment
    return Which(seen.user, seen.id, frozenset([seen.revision]), "service:contest")


if __name__ == "__main__":
    asyncio.run(Contender(Orders(**json.loads(sys.argv[1]))).run())
