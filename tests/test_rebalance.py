"""Availability's processes are killed and replaced while records pour in: nothing is lost, nothing comes back.

CALSYNC_TEST_REBALANCE=full makes it 20,000 records and 8 kills. The seed is printed; CALSYNC_TEST_SEED sets it.
"""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from pymongo import MongoClient

from contracts import events, facts
from contracts.wire import WireRecord, encode, tombstone
from local_stack.stack import LocalStack
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys
from local_stack.waiting import wait_until
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings, load
from storm_topics import dead_letters, lag

pytestmark = pytest.mark.servers

IS_FULL: Final = os.environ.get("CALSYNC_TEST_REBALANCE") == "full"
RECORDS, KILLS = (20_000, 8) if IS_FULL else (4_000, 3)
SEED: Final = int(os.environ.get("CALSYNC_TEST_SEED", "20261201"))
MEMBERS: Final = 4
CONNECTIONS: Final = 40
LEAVING: Final = 4
"""So many of them disconnect half-way; what is said of them later must not come back."""
BETWEEN_KILLS: Final = 2.0
PATIENCE: Final = 120.0
NOW: Final = datetime.now(UTC)
Truth = dict[str, tuple[int, int, int]]
"""Revision, start and end of each living event."""


class Life:
    """Records in the order in which a worker would write them, and what is true after the last."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.truth: Truth = {}
        self.records: list[WireRecord] = [self._say(connected(number)) for number in range(CONNECTIONS)]
        self._revisions: dict[str, int] = {}
        while len(self.records) < RECORDS:
            if len(self.records) in range(RECORDS // 2, RECORDS // 2 + LEAVING):
                self._leave(len(self.records) - RECORDS // 2)
            else:
                self._change(random.randrange(RECORDS // 4))

    def _change(self, number: int) -> None:
        name, connection = f"event-{number}", number % CONNECTIONS
        self._revisions[name] = revision = self._revisions.get(name, 0) + 1
        if revision > 1 and self._random.random() < 0.2:
            gone = removed(name, connection, revision)
            self.records += [self._say(gone), tombstone(gone, source="tests", time=NOW)]
            self.truth.pop(name, None)
            return
        start = self._random.randrange(10**6)
        self.records.append(self._say(imported(name, connection, revision, (start, start + 900))))
        if not self._has_left(connection):
            self.truth[name] = (revision, start, start + 900)

    def _leave(self, connection: int) -> None:
        self.records.append(self._say(events.CalendarDisconnected(**ids(connection, 2))))
        self.truth = {name: one for name, one in self.truth.items() if _connection_of(name) != connection}

    def _has_left(self, connection: int) -> bool:
        return connection < LEAVING and len(self.records) > RECORDS // 2 + connection

    @staticmethod
    def _say(event: events.Event) -> WireRecord:
        return encode(event, source="tests", time=NOW)


def _connection_of(name: str) -> int:
    return int(name.removeprefix("event-")) % CONNECTIONS


def ids(connection: int, revision: int) -> dict[str, Any]:
    whose = {"account_id": "account", "user_id": f"user-{connection}", "connection_id": f"connection-{connection}"}
    return whose | {"epoch": 1, "revision": revision}


def connected(number: int) -> events.CalendarConnected:
    setup = facts.Setup(conflict_calendars=(facts.ConflictCalendar(id="home"),))
    whole: dict[str, Any] = {"access": "full", "time_zone": "Europe/Paris", "calendars": ()}
    return events.CalendarConnected(**ids(number, 1), **whole, setup=setup)


def imported(name: str, connection: int, revision: int, span: facts.Span) -> events.ICloudEventImported:
    whole: dict[str, Any] = {"uid_hash": "u", "as_of": 0, "horizon": (0, 10**9), "all_day": False}
    whole |= {"event_id": name, "calendar_id": "home"}
    return events.ICloudEventImported(
        **ids(connection, revision), **whole, occurrences=(facts.OccurrenceGroup(spans=(span,)),)
    )


def removed(name: str, connection: int, revision: int) -> events.ICloudEventRemoved:
    whole: dict[str, Any] = {"event_id": name, "calendar_id": "home", "as_of": 0}
    return events.ICloudEventRemoved(**ids(connection, revision), **whole, reason=events.RemovalReason.DELETED)


class Members:
    """Processes of availability, all in one consumer group."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._env = env
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-P", "-m", "availability"]
            self._running.append(subprocess.Popen(command, env=dict(self._env), stdout=log, stderr=log))

    def replace(self, random: Random) -> None:
        """SIGKILL one, whatever it does at this moment, and start another."""
        victim = self._running.pop(random.randrange(len(self._running)))
        victim.kill()
        victim.wait()
        self.start()

    def kill(self) -> None:
        for one in self._running:
            one.kill()
            one.wait()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    """MongoDB and Kafka of its own: the processes use the database and the group of the real service."""
    with LocalStack(tmp_path / "stack", parts=("mongodb", "kafka"), temporary=True) as running:
        yield running


@pytest.fixture
async def publisher(stack: LocalStack) -> AsyncIterator[Publisher]:
    publisher = Publisher(load(KafkaSettings, stack.env), "rebalance-tests")
    await publisher.start()
    yield publisher
    await publisher.stop()


@contextmanager
def availability(stack: LocalStack, folder: Path) -> Iterator[Members]:
    keys = TokenKeys(folder)
    keys.make()
    env = {
        "PATH": os.environ["PATH"],
        **stack.env,
        **dict.fromkeys(("CALSYNC_HTTP_HOST", "CALSYNC_OPS_HOST"), "127.0.0.1"),
        **dict.fromkeys(("CALSYNC_HTTP_PORT", "CALSYNC_OPS_PORT"), "0"),
        "CALSYNC_AUTH_ISSUER": ISSUER,
        "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
        "CALSYNC_AUTH_JWKS": str(keys.jwks_file),
    }
    members = Members(env, folder / "availability.log")
    try:
        yield members
    finally:
        members.kill()


async def test_a_storm_of_kills_loses_nothing_and_resurrects_nothing(
    stack: LocalStack, publisher: Publisher, tmp_path: Path
) -> None:
    print(f"CALSYNC_TEST_SEED={SEED}, {RECORDS} records, {KILLS} kills of {MEMBERS} processes")
    random = Random(SEED)
    life = Life(random)
    servers, began = stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"], time.monotonic()

    with (
        availability(stack, tmp_path) as members,
        MongoClient[dict[str, Any]](stack.env["CALSYNC_MONGODB_URL"]) as client,
    ):
        timeline = client["availability"]["timeline"]
        for _ in range(MEMBERS):
            members.start()
        for portion in _portions(life.records, KILLS + 1):
            known = timeline.estimated_document_count()
            await publisher.publish(portion)
            # Some of the kills then strike while records are applied, some while the group finds itself again.
            wait_until(lambda before=known: timeline.estimated_document_count() > before, seconds=BETWEEN_KILLS)  # type: ignore[misc]  # the default binds it
            if portion[-1] is not life.records[-1]:
                members.replace(random)
        assert wait_until(lambda: _in_thread(lag, servers) == 0, seconds=PATIENCE)
        print(f"applied within {time.monotonic() - began:.1f} s")
        left = {
            one["_id"]: (one["revision"], one["since"], one["until"])
            for one in timeline.find({"kind": "event", "finality": 0})
        }

    assert left == life.truth
    assert len(left) > RECORDS // 10
    assert _in_thread(dead_letters, servers) == 0


def _portions(records: Sequence[WireRecord], number: int) -> Iterator[Sequence[WireRecord]]:
    size = -(-len(records) // number)
    return (records[start : start + size] for start in range(0, len(records), size))


def _in_thread(ask: Callable[[str], int], servers: str) -> int:
    """These run an event loop of their own."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(ask, servers).result()
