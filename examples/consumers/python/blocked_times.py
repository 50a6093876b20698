# ruff: noqa: INP001 - a script to be read and copied, part of no package
"""When each user is busy, kept from the topics alone. Needs `aiokafka` and `calsync-contracts`.

    KAFKA=localhost:9092 python blocked_times.py ACCOUNT USER

It runs on until it is stopped (Ctrl-C), keeps all in memory, and reads the compacted topics from their beginning at
each start. docs/consumers.md tells why.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import chain

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaConnectionError

from contracts import events
from contracts.facts import AllDayRule, OccurrenceFacts, Span
from contracts.topics import CONNECTIONS, ICLOUD_EVENTS
from contracts.wire import AnyEvent, Header, Tombstone, Undecodable, UnknownEvent, decode

SetUp = events.CalendarConnected | events.CalendarReconnected | events.CalendarSetupChanged
ALIVE, REMOVED, ENDED = range(3)


class BlockedTimes:
    """The newest of every key; equal or older records change nothing, so their order and number do not matter."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], tuple[int, int, int]] = {}
        self.setups: dict[str, SetUp] = {}
        self.imported: dict[str, events.ICloudEventImported] = {}
        self.over: set[str] = set()

    def take(self, topic: str, key: bytes | None, headers: tuple[Header, ...], value: bytes | None) -> None:
        """Raises Undecodable for what breaks the contract, and is then as it was before."""
        said = decode(topic, key, headers, value)
        if isinstance(said, UnknownEvent | events.SyncCompleted):
            return
        version = (said.epoch, said.revision, _finality(said))
        if version > self.versions.get((topic, said.key), (0, 0, 0)):
            self.versions[topic, said.key] = version
            if topic == CONNECTIONS.name:
                self._connection(said)
            elif topic == ICLOUD_EVENTS.name:
                self._event(said)

    def _connection(self, said: AnyEvent | Tombstone) -> None:
        if isinstance(said, SetUp) and said.connection_id not in self.over:
            self.setups[said.connection_id] = said
        elif not isinstance(said, SetUp):  # the end, which is final: nothing of it comes back
            self.over.add(said.key)
            self.setups.pop(said.key, None)
            self.imported = {one: event for one, event in self.imported.items() if event.connection_id != said.key}

    def _event(self, said: AnyEvent | Tombstone) -> None:
        self.imported.pop(said.key, None)
        if isinstance(said, events.ICloudEventImported) and said.connection_id not in self.over:
            self.imported[said.event_id] = said

    def of(self, account_id: str, user_id: str) -> list[Span]:
        """The user's busy times: half-open, sorted, not merged."""
        mine = [one for one in self.imported.values() if (one.account_id, one.user_id) == (account_id, user_id)]
        groups = [(event, group) for event in mine for group in event.occurrences]
        return sorted(span for event, group in groups if self._blocks(event, group.facts) for span in group.spans)

    def _blocks(self, event: events.ICloudEventImported, facts: OccurrenceFacts) -> bool:
        setup = self.setups.get(event.connection_id)
        rules = {one.id: one.all_day for one in setup.setup.conflict_calendars} if setup else {}
        if event.calendar_id not in rules or facts.cancelled or facts.declined or facts.own_appointment:
            return False
        if facts.all_day and rules[event.calendar_id] is not AllDayRule.AS_MARKED:
            return rules[event.calendar_id] is AllDayRule.ALWAYS_BLOCK
        return not facts.transparent


def _finality(said: AnyEvent | Tombstone) -> int:
    if isinstance(said, Tombstone):
        return ENDED
    return REMOVED if isinstance(said, events.ICloudEventRemoved | events.CalendarDisconnected) else ALIVE


def take_or_put_aside(table: BlockedTimes, record: ConsumerRecord) -> None:
    """One bad record costs itself only: here it is printed; keep yours where they last, and tell us."""
    try:
        table.take(record.topic, record.key, record.headers, record.value)
    except Undecodable as reason:
        print(f"put aside: {reason}: {record}", file=sys.stderr)  # noqa: T201 - see above


@asynccontextmanager
async def from_the_beginning(servers: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Both compacted topics. Leaves the script where there is no Kafka."""
    topics = (CONNECTIONS.name, ICLOUD_EVENTS.name)
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=servers, auto_offset_reset="earliest")
    try:
        await _started(consumer, servers)
        yield consumer
    finally:
        await consumer.stop()


async def _started(consumer: AIOKafkaConsumer, servers: str) -> None:
    log = logging.getLogger("aiokafka")
    log.setLevel(logging.CRITICAL)  # what it would say of each address is said below, in one line
    try:
        await consumer.start()
    except (KafkaConnectionError, ValueError):
        sys.exit(f"There is no Kafka at {servers}, which KAFKA names.")
    log.setLevel(logging.NOTSET)


async def main(servers: str, account_id: str, user_id: str) -> None:
    """Print the user's busy times whenever they may have changed."""
    table = BlockedTimes()
    async with from_the_beginning(servers) as consumer:
        while True:
            batches = await consumer.getmany(timeout_ms=1000)
            for record in chain.from_iterable(batches.values()):
                take_or_put_aside(table, record)
            if batches:
                print(table.of(account_id, user_id), flush=True)  # noqa: T201 - this is what it is for


if __name__ == "__main__":
    kafka = os.environ.get("KAFKA")  # noqa: TID251 - no settings, no app: an example
    if not kafka or len(sys.argv) != 3:  # noqa: PLR2004 - the script, ACCOUNT and USER
        sys.exit("Where is Kafka, and whose times? KAFKA=localhost:9092 python blocked_times.py ACCOUNT USER")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(kafka, *sys.argv[1:]))
