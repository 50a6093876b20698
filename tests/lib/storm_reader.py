"""A reader that knows nothing but the topics and what our documentation says about reading them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    ICloudEventImported,
    ICloudEventRemoved,
)
from contracts.facts import AllDayRule, OccurrenceFacts
from contracts.wire import Tombstone, decode
from oracle import Interval

AGAIN: Final = "storm_again"
"""The header of records that the storm itself repeats."""
_ALIVE, _REMOVED, _ENDED = range(3)

Version = tuple[int, int, int]


@dataclass
class Reader:
    """Keeps of each event the newest (epoch, revision); of equal ones the removal, and above it the tombstone."""

    events: dict[str, ICloudEventImported | None] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    rules: dict[str, dict[str, AllDayRule]] = field(default_factory=dict)
    """By connection: the calendars that block, each with its rule for all-day events."""
    last: dict[str, Version] = field(default_factory=dict)
    """What the workers said last of each event, in the topic's order."""
    order: int = 0
    """How many records said something older than one before them."""

    def read(self, records: Iterable[Any]) -> None:
        """Records of both topics, each partition in its order."""
        for record in records:
            said = decode(record.topic, record.key, record.headers, record.value)
            match said:
                case CalendarConnected() | CalendarReconnected() | CalendarSetupChanged():
                    self.rules[said.connection_id] = {one.id: one.all_day for one in said.setup.conflict_calendars}
                case CalendarDisconnected():
                    self.rules.pop(said.connection_id, None)
                case ICloudEventImported():
                    self._take(record, said.event_id, (said.epoch, said.revision, _ALIVE), said)
                case ICloudEventRemoved():
                    self._take(record, said.event_id, (said.epoch, said.revision, _REMOVED), None)
                case Tombstone():
                    self._take(record, said.key, (said.epoch, said.revision, _ENDED), None)

    def busy(self, event: ICloudEventImported, start: datetime, end: datetime) -> list[Interval]:
        """When one event makes its user busy inside of [start, end), by the seven rules."""
        calendars = self.rules.get(event.connection_id, {})
        if event.calendar_id not in calendars:
            return []
        rule = calendars[event.calendar_id]
        spans = [span for group in event.occurrences if _blocks(group.facts, rule) for span in group.spans]
        moments = [(datetime.fromtimestamp(s, UTC), datetime.fromtimestamp(e, UTC)) for s, e in spans]
        return [(max(s, start), min(e, end)) for s, e in moments if s < end and e > start]

    def of(self, connection_id: str) -> Mapping[str, ICloudEventImported]:
        """The living events of a connection."""
        return {one: event for one, event in self.events.items() if event and event.connection_id == connection_id}

    def _take(self, record: Any, event_id: str, version: Version, event: ICloudEventImported | None) -> None:  # noqa: ANN401
        if not any(name == AGAIN for name, _ in record.headers):
            self.order += version < self.last.get(event_id, version)
            self.last[event_id] = version
        if version > self.versions.get(event_id, (0, 0, 0)):
            self.versions[event_id] = version
            self.events[event_id] = event


def _blocks(facts: OccurrenceFacts, rule: AllDayRule) -> bool:
    if facts.cancelled or facts.declined or facts.own_appointment:
        return False
    if facts.all_day and rule is not AllDayRule.AS_MARKED:
        return rule is AllDayRule.ALWAYS_BLOCK
    return not facts.transparent
