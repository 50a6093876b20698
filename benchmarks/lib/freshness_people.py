"""People of whose calendars something changes all the time."""

import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, cycle
from random import Random

from benchmarks.lib.worker_world import CALENDAR, NOW, World

from icloud import event_id
from icloud_simulator.client import SimulatedAccount

FIRST = NOW + timedelta(days=1)
EVENTS = 5


@dataclass(frozen=True, slots=True)
class Person:
    """An Apple account that is connected, and the event ids of its objects by name."""

    connection_id: str
    owner: SimulatedAccount
    event_ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """An event that was put on another time. The time tells the change's number."""

    number: int
    event_id: str
    owner: str
    made: float
    """Epoch seconds: just before iCloud was told."""


class People:
    """Every write of an event has a number, and a higher one wherever it came later."""

    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self._numbers = count()
        self.all: list[Person] = []

    @property
    def connections(self) -> dict[str, str]:
        """By event id."""
        return {one: person.connection_id for person in self.all for one in person.event_ids.values()}

    @property
    def events(self) -> int:
        return sum(len(person.event_ids) for person in self.all)

    async def connect(self, size: int, events: int = EVENTS) -> None:
        """So many more, with so many events each, all at once. What they have is not read yet."""
        with ThreadPoolExecutor(4) as pool:
            owners = list(pool.map(lambda _: self._world.admin.create_account(), range(size)))
            names = [[f"{uuid.UUID(int=self._chance.getrandbits(128))}.ics" for _ in range(events)] for _ in owners]
            texts = [{name: self._text(name, next(self._numbers)) for name in each} for each in names]
            ids = [owner.apple_id for owner in owners]
            list(pool.map(self._world.admin.put_objects, ids, [CALENDAR] * size, texts))
        for one, owner, each in zip(await self._world.connect(owners), owners, names, strict=True):
            hrefs = {name: f"{owner.home}{CALENDAR}/{name}" for name in each}
            self.all.append(Person(one, owner, {name: event_id(one, href) for name, href in hrefs.items()}))

    def change(self, rate: int, seconds: float) -> list[Change]:
        """So many a second, each an event of a random account, and each of an account's in turn. It blocks."""
        turns = {person.connection_id: cycle(person.event_ids.items()) for person in self.all}
        made, began = list[Change](), time.monotonic()
        for n in range(int(rate * seconds)):
            time.sleep(max(0.0, began + n / rate - time.monotonic()))
            person = self._chance.choice(self.all)
            name, event = next(turns[person.connection_id])
            change = Change(next(self._numbers), event, person.owner.apple_id, time.time())
            text = self._text(name, change.number)
            self._world.admin.put_object(person.owner.apple_id, CALENDAR, name, text)
            made.append(change)
        return made

    def change_all(self, person: Person) -> list[Change]:
        """Every event of one account, at once. It blocks."""
        apple_id, at = person.owner.apple_id, time.time()
        made = {name: Change(next(self._numbers), one, apple_id, at) for name, one in person.event_ids.items()}
        texts = {name: self._text(name, change.number) for name, change in made.items()}
        self._world.admin.put_objects(apple_id, CALENDAR, texts)
        return [*made.values()]

    @staticmethod
    def _text(name: str, number: int) -> str:
        start = FIRST + timedelta(minutes=number)
        return (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Apple Inc.//iOS 18.0//EN\r\nBEGIN:VEVENT\r\n"
            f"UID:{name.removesuffix('.ics')}\r\nDTSTAMP:20261101T080001Z\r\nSUMMARY:Meeting {number}\r\n"
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{start + timedelta(minutes=30):%Y%m%dT%H%M%SZ}\r\n"
            "END:VEVENT\r\nEND:VCALENDAR\r\n"
        )


def number_of(start: int) -> int:
    """The number of the write that put an event there; epoch seconds."""
    return (start - int(FIRST.timestamp())) // 60


def newest(changes: Sequence[Change]) -> dict[str, int]:
    """The number of the last change of each event."""
    return {change.event_id: change.number for change in changes}
