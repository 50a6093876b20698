"""The newest that Kafka holds of each connection, and of each of its events: what readers go by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from calsync.findings import Version
from calsync.kafka import read
from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    ICloudEventImported,
    ICloudEventRemoved,
)
from contracts.topics import CONNECTIONS, ICLOUD_EVENTS
from contracts.wire import Undecodable, decode, type_of

Standing = CalendarConnected | CalendarReconnected | CalendarSetupChanged
"""A connection's whole state."""
_IMPORTED: Final = type_of(ICloudEventImported).encode()
_REMOVED: Final = type_of(ICloudEventRemoved).encode()
_CONNECTION: Final = re.compile(rb'"connection_id":\s*"([^"]{1,128})"')
_CALENDAR: Final = re.compile(rb'"calendar_id":\s*"([^"]{1,128})"')


@dataclass(frozen=True, slots=True)
class ToldConnection:
    """The newest of a connection; without `standing` it is over."""

    id: str
    version: Version
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """The newest of an event; `calendar_id` None: it is gone."""

    version: Version
    calendar_id: str | None

    @property
    def alive(self) -> bool:
        return self.calendar_id is not None


Events = Mapping[str, ToldEvent]
"""By event id, all of one connection."""


async def connections_in(kafka: AIOKafkaConsumer, number: int) -> dict[str, ToldConnection]:
    """The newest of each connection of a partition. What nobody can read is passed over."""
    newest: dict[str, ToldConnection] = {}
    async for record in read(kafka, {TopicPartition(CONNECTIONS.name, number): None}):
        said = _connection(record)
        if said is not None and _newer(newest.get(said.id), said):
            newest[said.id] = said
    return newest


async def events_in(kafka: AIOKafkaConsumer, number: int) -> dict[str, dict[str, ToldEvent]]:
    """The newest of each event of a partition, by connection.

    A tombstone whose removal was compacted away does not tell its connection, and is left out: nobody has the event.
    """
    newest: dict[str, ToldEvent] = {}
    whose: dict[str, str] = {}
    async for record in read(kafka, {TopicPartition(ICLOUD_EVENTS.name, number): None}):
        version = _version(record)
        if version is None or not record.key:
            continue
        key, kind, value = record.key.decode(errors="replace"), dict(record.headers).get("ce_type"), record.value or b""
        calendar, connection = _CALENDAR.search(value), _CONNECTION.search(value)
        alive = kind == _IMPORTED and calendar is not None
        if not alive and value and kind != _REMOVED:
            continue
        said = ToldEvent(version, calendar[1].decode() if alive and calendar is not None else None)
        if connection is not None:
            whose[key] = connection[1].decode()
        known = newest.get(key)
        if known is None or (said.version, not said.alive) >= (known.version, not known.alive):
            newest[key] = said
    by_connection: dict[str, dict[str, ToldEvent]] = {}
    for key, said in newest.items():
        if key in whose:
            by_connection.setdefault(whose[key], {})[key] = said
    return by_connection


def _connection(record: Any) -> ToldConnection | None:  # noqa: ANN401 - aiokafka's records have no type
    version = _version(record)
    if version is None or not record.key:
        return None
    try:
        said = decode(record.topic, record.key, record.headers, record.value)
    except Undecodable:
        return None
    if record.value and not isinstance(said, Standing | CalendarDisconnected):
        return None
    standing = said if isinstance(said, Standing) else None
    return ToldConnection(record.key.decode(errors="replace"), version, standing)


def _newer(known: ToldConnection | None, said: ToldConnection) -> bool:
    if known is None:
        return True
    # The end of a connection is final, whatever a late record says.
    return (said.standing is None, said.version) >= (known.standing is None, known.version)


def _version(record: Any) -> Version | None:  # noqa: ANN401 - as above
    headers = dict(record.headers)
    epoch, revision = headers.get("ce_epoch", b""), headers.get("ce_revision", b"")
    return (int(epoch), int(revision)) if epoch.isdigit() and revision.isdigit() else None
