"""Our topics with their exact settings: the one table that tools, tests and manifests agree with."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from contracts import events

_DAY_MS: Final = 24 * 60 * 60 * 1000
PARTITIONS: Final = 12
"""Enough for a dozen consumers; a connection's records all lie in one partition, so this number never changes."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, the settings it is created with, and the events that may lie on it."""

    name: str
    config: MappingProxyType[str, str]
    events: tuple[type[events.Event | events.SyncCompleted], ...]
    partitions: int = PARTITIONS
    compacted: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compacted", self.config["cleanup.policy"] == "compact")

    @property
    def dead(self) -> str:
        """Where records go that can never be processed."""
        return f"{self.name}.dead"


# What is erased is gone from the log within a day; its tombstone outlives a consumer's week away.
_COMPACTED: Final = MappingProxyType(
    {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(_DAY_MS),
        "delete.retention.ms": str(7 * _DAY_MS),
    }
)


def _kept(days: int) -> MappingProxyType[str, str]:
    return MappingProxyType({"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)})


CONNECTIONS: Final = Topic(
    "calendar.connections.v1",
    _COMPACTED,
    (
        events.CalendarConnected,
        events.CalendarReconnected,
        events.CalendarSetupChanged,
        events.CalendarDisconnected,
    ),
)
ICLOUD_EVENTS: Final = Topic(
    "icloud.events.v1",
    _COMPACTED,
    (events.ICloudEventImported, events.ICloudEventRemoved),
)
SYNC: Final = Topic(
    "icloud.sync.v1",
    _kept(days=7),
    (
        events.SyncCompleted,
        events.SyncProgress,
        events.CredentialsRejected,
        events.CalendarsChanged,
        events.RemovalsHeld,
        events.EventsQuarantined,
    ),
)
SYNC_REQUESTS: Final = Topic("icloud.sync-requests.v1", _kept(days=1), (events.SyncRequested,))
APPOINTMENTS: Final = Topic(
    "calendar.appointments.v1",
    _kept(days=30),
    (
        events.AppointmentBooked,
        events.AppointmentRescheduled,
        events.AppointmentCancelled,
        events.AppointmentInConflict,
    ),
)
EXPORTS: Final = Topic(
    "calendar.exports.v1",
    _kept(days=30),
    (events.AppointmentExported, events.AppointmentExportFailed, events.ExportedEventChangedInICloud),
)
TOPICS: Final = (CONNECTIONS, ICLOUD_EVENTS, SYNC, SYNC_REQUESTS, APPOINTMENTS, EXPORTS)
DEAD_CONFIG: Final = _kept(days=30)
"""Settings of every `<topic>.dead`."""


def topic_of(event: type[events.Event | events.SyncCompleted]) -> Topic:
    """The one topic that carries this type; KeyError when none does."""
    return _BY_EVENT[event]


_BY_EVENT: Final = {event: topic for topic in TOPICS for event in topic.events}
