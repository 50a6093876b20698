"""What goes on during a soak: calendars change, people book and look, others come and go, and all kinds of faults."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from threading import Event
from typing import Any, Final
from uuid import uuid4

import httpx

from apple_users import PARIS
from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until
from oracle import busy
from soak_people import Inhabitant
from storm_changes import CALENDARS, EVERYTHING, Life
from storm_weather import THROTTLE, WEATHERS

_OBJECTS: Final = 30
_BOOKED_AT_MOST: Final = 20
_WRONG_PASSWORD: Final = "soak-soak-soak-soak"
_CHANGE_SECONDS, _LOOK_SECONDS, _BOOK_SECONDS, _COME_SECONDS, _WEATHER_SECONDS = 0.25, 0.1, 0.5, 10.0, 3.0
_PATIENCE: Final = 240.0
_TRUE_FOR: Final = timedelta(weeks=8)
_SHARE_OF_THROTTLES, _SHARE_OF_WRONG = 0.02, 0.2

Hand = Callable[[Event], None]


class Load:
    """Everything that is done. Counts what came of it; what a fault or an outage spoils is counted, too."""

    def __init__(self, stack: LocalStack, apple: SimulatorAdmin, seed: int, people: int) -> None:
        self.counts: Counter[str] = Counter()
        self._stack = stack
        self._apple = apple
        self._seeds = Random(seed)
        self._numbers = count(1)
        self._today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._people = [self._newcomer() for _ in range(people)]
        self._lives = [Life(apple, one.apple, Random(self._seeds.getrandbits(64)), self._today) for one in self._people]

    def begin(self) -> None:
        """Connect everybody who stays; return when all of them are read. Raises AssertionError when one is not."""
        for person, life in zip(self._people, self._lives, strict=True):
            life.begin(_OBJECTS)
            person.link(person.connect().raise_for_status().json()).raise_for_status()
        for person in self._people:
            assert wait_until(lambda one=person: self._state(one) == "fresh", seconds=_PATIENCE), person.user  # type: ignore[misc]  # the default binds it

    def wrong(self) -> list[str]:
        """Those of whom availability believes, and goes on believing, something else than their calendars say."""
        wait_until(lambda: all(map(self._is_right, self._people)), seconds=_PATIENCE)
        return [person.user for person in self._people if not self._is_right(person)]

    def hands(self) -> Sequence[Hand]:
        """Each for a thread of its own."""
        return [
            self._again(_CHANGE_SECONDS, self._change),
            self._again(_LOOK_SECONDS, self._look),
            self._again(_BOOK_SECONDS, self._book),
            self._again(_COME_SECONDS, self._come_and_go),
            self._again(_WEATHER_SECONDS, self._blow),
        ]

    def close(self) -> None:
        for person in self._people:
            person.close()

    def _again(self, every_seconds: float, step: Callable[[Random], None]) -> Hand:
        random = Random(self._seeds.getrandbits(64))

        def hand(over: Event) -> None:
            while not over.wait(every_seconds):
                try:
                    step(random)
                except httpx.TransportError as error:
                    self.counts[f"{step.__name__.strip('_')}: {type(error).__name__}"] += 1

        return hand

    def _change(self, random: Random) -> None:
        random.choice(self._lives).change(EVERYTHING)
        self.counts["changes"] += 1

    def _look(self, random: Random) -> None:
        one = random.choice(self._people)
        span = {"start": self._today.isoformat(), "end": (self._today + timedelta(days=14)).isoformat()}
        path, more = random.choice((("busy", {}), ("why", {}), ("free", {"duration": "PT30M", "step": "PT15M"})))
        self._note("look", one.availability.get(f"/v1/users/{one.user}/{path}", params=span | more))
        self._note("look", one.connector.get("/v1/connections"))

    def _book(self, random: Random) -> None:
        """An hour; and whoever has enough of them calls the first one off."""
        one = random.choice(self._people)
        start = self._today + timedelta(days=random.randrange(1, 28), minutes=30 * random.randrange(48))
        wish = {"user_id": one.user, "start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        key = {"Idempotency-Key": uuid4().hex}
        self._note("book", one.availability.post("/v1/appointments", json={**wish, "title": "Coupe"}, headers=key))
        span = {"start": self._today.isoformat(), "end": (self._today + timedelta(days=30)).isoformat()}
        listed = one.availability.get(f"/v1/users/{one.user}/appointments", params=span)
        self._note("list", listed)
        if listed.is_success and len(booked := listed.json()["items"]) > _BOOKED_AT_MOST:
            self._note("cancel", one.availability.delete(f"/v1/appointments/{booked[0]['id']}"))

    def _come_and_go(self, random: Random) -> None:
        """Somebody new connects, is read, and leaves; now and then with a wrong password first."""
        one = self._newcomer()
        try:
            Life(self._apple, one.apple, random, self._today).begin(_OBJECTS)
            if random.random() < _SHARE_OF_WRONG:
                self._note("wrong password", one.connect(app_password=_WRONG_PASSWORD))
            made = one.connect()
            self._note("connect", made)
            if made.is_success:
                wait_until(lambda: self._state(one) == "fresh", seconds=30)
                self._note("disconnect", one.connector.delete(f"/v1/connections/{made.json()['id']}"))
        finally:
            one.close()

    def _blow(self, random: Random) -> None:
        """Two kinds of faults at once for each account, others every few seconds."""
        for one in self._people:
            first, second = (dict(random.choice(WEATHERS)) for _ in range(2))
            knobs = THROTTLE if random.random() < _SHARE_OF_THROTTLES else first | second
            self._apple.set_faults(one.apple.apple_id, seed=random.getrandbits(30), **knobs)

    def _newcomer(self) -> Inhabitant:
        number = next(self._numbers)
        return Inhabitant.of(self._stack, self._apple.create_account(f"soak.{number}@icloud.com"), number)

    def _is_right(self, person: Inhabitant) -> bool:
        end = self._today + _TRUE_FOR
        texts = [one.ics for one in self._apple.objects(person.apple.apple_id) if one.calendar in CALENDARS]
        true = busy(texts, self._today, end, zone=PARIS, me=person.apple.apple_id)
        told = self._busy(person, end)
        moments = (
            (datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])) for span in told["busy"]
        )
        return list(moments) == true and told["state"] == "fresh"

    def _state(self, person: Inhabitant) -> str:
        return str(self._busy(person, self._today + timedelta(days=1))["state"])

    def _busy(self, person: Inhabitant, end: datetime) -> dict[str, Any]:
        span = {"start": self._today.isoformat(), "end": end.isoformat()}
        answer = person.availability.get(f"/v1/users/{person.user}/busy", params=span)
        return {"busy": [], "state": None} | (answer.json() if answer.is_success else {})

    def _note(self, what: str, answer: httpx.Response) -> None:
        self.counts[f"{what} {answer.status_code}"] += 1
