"""Somebody who books one user's time from several threads, and asks again until there is an answer."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from threading import Event, Lock
from typing import Any, Final, Self

import httpx

from apple_users import Person
from local_stack.stack import LocalStack

_HALF_AN_HOUR: Final = timedelta(minutes=30)
_DAYS: Final = 28
_PACE_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 1.0
"""For the first answer to a wish, then twice as long: who is impatient asks again while it is still being seen to."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An hour; the two wishes of one pair overlap, so that one of them can be had."""

    pair: int
    key: str
    start: datetime

    @property
    def end(self) -> datetime:
        return self.start + 2 * _HALF_AN_HOUR


class Desk:
    """The calls of a booking page. What it was told last stands in `granted` and `refused`."""

    def __init__(self, stack: LocalStack, person: Person, random: Random, today: datetime) -> None:
        self.user = person.user
        self.granted: dict[Wish, str] = {}
        """With the appointment's id."""
        self.refused: set[Wish] = set()
        self.asked_again: set[Wish] = set()
        """Because the first answer was none."""
        self.troubles: Counter[str] = Counter()
        """What stood in an answer's place."""
        self._today = today
        self._wishes = self._drawn(random)
        self._lock = Lock()
        bearer = {"Authorization": f"Bearer {stack.token(person.crococlick.account, person.user)}"}
        self._http = httpx.Client(base_url=stack.env["AVAILABILITY_URL"], headers=bearer, trust_env=False)

    def work(self, over: Event) -> None:
        """Have one wish after the other answered, until it is over; for each thread."""
        while not over.wait(_PACE_SECONDS):
            self._settle(self.wish(), over)

    def wish(self) -> Wish:
        """Another one."""
        with self._lock:
            return next(self._wishes)

    @property
    def settled(self) -> int:
        """How many wishes have got their answer."""
        return len(self.granted) + len(self.refused)

    def ask(self, wish: Wish, *, seconds: float = 30.0) -> httpx.Response:
        """Once. Raises httpx.TransportError where there is no answer in time."""
        body = {"user_id": self.user, "start": wish.start.isoformat(), "end": wish.end.isoformat(), "title": "Coupe"}
        headers = {"Idempotency-Key": wish.key}
        return self._http.post("/v1/appointments", json=body, headers=headers, timeout=seconds)

    def appointments(self) -> list[dict[str, Any]]:
        """All that there are, as availability tells them."""
        window = {"start": self._today.isoformat(), "end": (self._today + timedelta(days=_DAYS + 2)).isoformat()}
        answer = self._http.get(f"/v1/users/{self.user}/appointments", params=window, timeout=30).raise_for_status()
        return list(answer.json()["items"])

    def _settle(self, wish: Wish, over: Event) -> None:
        """Also when it is over: who has asked once wants to know."""
        seconds = _PATIENCE_SECONDS
        while True:
            try:
                answer = self.ask(wish, seconds=seconds)
            except httpx.TransportError as error:
                self.troubles[type(error).__name__] += 1
            else:
                if answer.status_code == httpx.codes.CREATED:
                    self.granted[wish] = str(answer.json()["id"])
                    return
                if answer.status_code == httpx.codes.CONFLICT:
                    self.refused.add(wish)
                    return
                assert answer.is_server_error, answer.text
                self.troubles[str(answer.status_code)] += 1
            self.asked_again.add(wish)
            seconds *= 2
            over.wait(_PACE_SECONDS)

    def _drawn(self, random: Random) -> Iterator[Wish]:
        """The hours of a pair begin half an hour apart, those of different pairs never meet."""
        starts = [self._today + timedelta(days=1, hours=2 * n) for n in range(_DAYS * 12)]
        random.shuffle(starts)
        for pair, start in enumerate(starts):
            for one in (start, start + _HALF_AN_HOUR):
                yield Wish(pair, f"{random.getrandbits(128):032x}", one)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
