"""What goes wrong at iCloud during a storm; and users who ask for a fresh look all the time."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from threading import Event
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient

from icloud_simulator.client import SimulatorAdmin
from storm_changes import CALENDARS
from sync_worker.outbound.mongo import MongoConnections

_TURN_SECONDS: Final = 1.0
_LASTS_TURNS: Final = 3
_PROPFIND: Final = ("PROPFIND",)
WEATHERS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {"reset": 0.15},
    {"cut": 0.15},
    {"truncated": 0.15},
    {"html": 0.15},
    # A 503 or 429 costs its account a minute at least, and a quarter of an hour without Retry-After.
    {"errors": {"500": 0.1, "502": 0.05, "504": 0.05}},
    # Two in a row cost their account more than a minute.
    {"unauthorized": 0.015, "host": "partition"},
    # What an empty answer to a REPORT takes away is held for minutes, or cannot be told from the truth.
    {"empty_multistatus": 0.2, "methods": _PROPFIND},
    {"dropped_responses": 0.1, "methods": _PROPFIND},
    {"home_missing": 0.15},
    {"listing_lag_seconds": 1.5},
    {"object_lag_seconds": 1.0},
    {"stale_read": 0.1},
    {"sync_page": 2, "duplicate_hrefs": 0.3},
    {"latency_seconds": 0.2},
    {"missing_ctag": True},
    {"dead_tokens_told": True},
)
THROTTLE: Final[Mapping[str, Any]] = {"errors": {"503": 0.3}, "retry_after": "20"}
"""Costs its account at least a minute: no client of ours comes back earlier."""


class Weather:
    """Two kinds at once for each account, others every few seconds. `calm` ends all faults; the asking goes on."""

    def __init__(self, apple: SimulatorAdmin, mongodb_url: str, connections: Mapping[str, str], random: Random) -> None:
        """`connections`: ids by Apple ID."""
        self._apple = apple
        self._mongodb_url = mongodb_url
        self._connections = connections
        self._random = random
        self._seen = 0
        self.calm = Event()
        self.throttles = 0
        """So many more throttles are to come."""
        self.faults: Counter[str] = Counter()
        """What was met, by the simulator's own record."""

    def run(self, over: Event) -> None:
        """Until it is over."""
        asyncio.run(self._blow(over))

    async def _blow(self, over: Event) -> None:
        self._seen = max((request.number for request in self._apple.requests()), default=0)
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(self._mongodb_url)
        connections = MongoConnections(client)
        turn = 0
        while not over.is_set():
            if self.calm.is_set():
                self._apple.clear_faults()
            elif turn % _LASTS_TURNS == 0:
                self._change()
            self._note()
            for one in self._connections.values():
                await connections.wake(one)
            turn += 1
            await asyncio.to_thread(over.wait, _TURN_SECONDS)
        client.close()

    def _change(self) -> None:
        throttled = self._random.choice(list(self._connections)) if self.throttles else None
        self.throttles -= throttled is not None
        for apple_id in self._connections:
            one, other = (dict(self._random.choice(WEATHERS)) for _ in range(2))
            knobs = THROTTLE if apple_id == throttled else one | other
            self._apple.set_faults(apple_id, seed=self._random.getrandbits(30), **knobs)
            if self._random.random() < 0.2:
                self._apple.expire_tokens(apple_id, self._random.choice(CALENDARS))
                self.faults["expired token"] += 1

    def _note(self) -> None:
        for request in self._apple.requests(since=self._seen):
            self._seen = request.number
            if request.fault is not None:
                self.faults[request.fault] += 1
