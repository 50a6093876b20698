"""One example of every event, and one of each shape that came later: data for tests, ours and other teams'.

`python -m contracts.examples DIRECTORY` writes what is missing there as golden messages (shared/schemas/examples), and
their SHA-256 into `RELEASED`: what is listed there was released, and stays as it is for ever.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from contracts import events, facts
from contracts.wire import AnyEvent, WireRecord, encode, tombstone

RELEASED: Final = "RELEASED"
TIME: Final = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

WHO: Final[dict[str, Any]] = {"account_id": "acc-1", "user_id": "usr-1", "connection_id": "c0ffee", "epoch": 2}
NINE: Final = 1_796_115_600
HOUR: Final = 3_600

HOME: Final = facts.Calendar(id="cal-home", name="Privé", color="#1E4C63FF", writable=True, supported=True)
FEED: Final = facts.Calendar(id="cal-feed", name="Jours fériés", writable=False, supported=False, reason="subscribed")
SETUP: Final = facts.Setup(
    linked_calendar_id="cal-home",
    conflict_calendars=(facts.ConflictCalendar(id="cal-home", all_day=facts.AllDayRule.ALWAYS_BLOCK),),
    when_stale=facts.WhenStale.WARN,
)
STATE: Final[dict[str, Any]] = WHO | {
    "revision": 3,
    "access": facts.Access.FULL,
    "time_zone": "Europe/Paris",
    "calendars": (HOME, FEED),
    "setup": SETUP,
}
OBJECT: Final[dict[str, Any]] = WHO | {
    "revision": 4,
    "event_id": "evt-1",
    "calendar_id": "cal-home",
    "as_of": NINE,
}
APPOINTMENT: Final[dict[str, Any]] = WHO | {"epoch": 1, "revision": 1, "appointment_id": "apt-1"}
AGREED: Final[dict[str, Any]] = {"title": "Coupe", "location": "12 rue des Lilas, Lyon", "notes": "Premier rendez-vous"}
EXPORT: Final[dict[str, Any]] = WHO | {"revision": 1, "appointment_id": "apt-1"}

EXAMPLES: Final[tuple[AnyEvent, ...]] = (
    events.CalendarConnected(**STATE),
    events.CalendarReconnected(**STATE),
    events.CalendarSetupChanged(**STATE),
    events.CalendarDisconnected(**WHO, revision=4),
    events.ICloudEventImported(
        **OBJECT,
        uid_hash="5f3a",
        horizon=(NINE - 24 * HOUR, NINE + 400 * 24 * HOUR),
        all_day=False,
        occurrences=(
            facts.OccurrenceGroup(spans=((NINE, NINE + HOUR), (NINE + 24 * HOUR, NINE + 25 * HOUR))),
            facts.OccurrenceGroup(
                facts=facts.OccurrenceFacts(declined=True, travel_seconds=1_800),
                spans=((NINE + 48 * HOUR, NINE + 49 * HOUR),),
            ),
        ),
        title="Dentiste",
    ),
    events.ICloudEventRemoved(**OBJECT, reason=events.RemovalReason.DELETED),
    events.SyncCompleted(
        connections=(
            events.CompletedSync(**WHO, revision=17_001, as_of=NINE),
            events.CompletedSync(
                **(WHO | {"connection_id": "decade"}),
                revision=9_001,
                as_of=NINE,
                calendars=(events.CalendarAge(id="cal-home", as_of=NINE - HOUR, state=events.CalendarState.HELD),),
            ),
        )
    ),
    events.SyncProgress(**WHO, revision=1_002, imported=150, total=400),
    events.CredentialsRejected(**WHO, revision=18_001, since=NINE - HOUR, as_of=NINE - 2 * HOUR),
    events.CalendarsChanged(**WHO, revision=19_001, calendars=(HOME,)),
    events.RemovalsHeld(
        **WHO,
        revision=20_001,
        calendar_id="cal-home",
        state=events.HoldState.HELD,
        known=40,
        missing=40,
        since=NINE,
    ),
    events.EventsQuarantined(
        **WHO,
        revision=21_001,
        calendar_id="cal-home",
        objects=(events.QuarantinedObject(event_id="evt-9", reason="too_many_occurrences", span=(NINE, NINE + HOUR)),),
    ),
    events.SyncRequested(**WHO, revision=1, reason=events.RequestReason.USER, requested_at=NINE),
    events.AppointmentBooked(**APPOINTMENT, **AGREED, start=NINE, end=NINE + HOUR),
    events.AppointmentRescheduled(
        **(APPOINTMENT | {"revision": 2, "connection_id": None}),
        **AGREED,
        start=NINE + HOUR,
        end=NINE + 2 * HOUR,
        previous=(NINE, NINE + HOUR),
    ),
    events.AppointmentCancelled(**(APPOINTMENT | {"revision": 4})),
    events.AppointmentInConflict(
        **(APPOINTMENT | {"revision": 3}),
        start=NINE + HOUR,
        end=NINE + 2 * HOUR,
        conflicts=((NINE + HOUR, NINE + HOUR + HOUR // 2),),
    ),
    events.AppointmentExported(**EXPORT, calendar_id="cal-home", exported_at=NINE),
    events.AppointmentExportFailed(**EXPORT, reason="calendar_not_writable"),
    events.ExportedEventChangedInICloud(**EXPORT, change=events.ChangeInICloud.MOVED, span=(NINE, NINE + HOUR)),
)

LATER: Final[dict[str, AnyEvent]] = {
    "CalendarSetupChanged.v1.all-choices": events.CalendarSetupChanged(
        **STATE
        | {
            "calendars": (HOME, FEED.model_copy(update={"shared": True})),
            "setup": SETUP.model_copy(update={"titles": True, "alarm_minutes": 15}),
        }
    ),
    "ICloudEventImported.v1.all-facts": events.ICloudEventImported(
        **OBJECT,
        uid_hash="5f3a",
        horizon=(NINE - 24 * HOUR, NINE + 400 * 24 * HOUR),
        all_day=True,
        occurrences=(
            facts.OccurrenceGroup(
                facts=facts.OccurrenceFacts(
                    cancelled=True,
                    declined=True,
                    transparent=True,
                    tentative=True,
                    own_appointment=True,
                    all_day=True,
                    travel_seconds=600,
                ),
                spans=((NINE, NINE + 24 * HOUR),),
            ),
        ),
    ),
    "ICloudEventRemoved.v1.passed": events.ICloudEventRemoved(**OBJECT, reason=events.RemovalReason.PASSED),
    "SyncCompleted.v1.last-event": events.SyncCompleted(
        connections=(
            events.CompletedSync(
                **WHO,
                revision=22_001,
                as_of=NINE,
                last_event=events.LastEvent(event_id="evt-1", revision=4, epoch=1),
                setup_revision=3,
            ),
        )
    ),
    "SyncCompleted.v1.known": events.SyncCompleted(
        connections=(
            events.CompletedSync(
                **WHO, revision=24_001, as_of=NINE, setup_revision=3, known=(NINE - 86_400, NINE + 34_560_000)
            ),
        )
    ),
    "CalendarSetupChanged.v1.since": events.CalendarSetupChanged(
        **STATE | {"setup": facts.Setup(conflict_calendars=(facts.ConflictCalendar(id="cal-home", since=2),))}
    ),
    "AppointmentExported.v1.as-agreed": events.AppointmentExported(
        **EXPORT, calendar_id="cal-home", exported_at=NINE, as_agreed=True
    ),
    "RemovalsHeld.v1.doubt": events.RemovalsHeld(
        **WHO,
        revision=23_001,
        calendar_id="cal-home",
        state=events.HoldState.HELD,
        known=40,
        missing=40,
        since=NINE,
        doubt="emptied",
    ),
    "RemovalsHeld.v1.kept": events.RemovalsHeld(
        **WHO,
        revision=25_001,
        calendar_id="cal-home",
        state=events.HoldState.HELD,
        known=40,
        missing=40,
        since=NINE,
        doubt="emptied",
        kept_until=NINE + 24 * HOUR,
    ),
    "SyncRequested.v1.decisions": events.SyncRequested(
        **WHO,
        revision=2,
        reason=events.RequestReason.USER,
        requested_at=NINE,
        confirm_removals=("cal-home",),
        keep_removals=("cal-work",),
    ),
    "SyncRequested.v1.held-since": events.SyncRequested(
        **WHO,
        revision=3,
        reason=events.RequestReason.USER,
        requested_at=NINE + HOUR,
        confirm_removals=("cal-home",),
        held_since=(events.HeldSince(calendar_id="cal-home", since=NINE),),
    ),
    "AppointmentRescheduled.v1.of-a-connection": events.AppointmentRescheduled(
        **APPOINTMENT | {"revision": 5}, title="Coupe et couleur", start=NINE + HOUR, end=NINE + 2 * HOUR
    ),
    "AppointmentExportFailed.v1.tried-again": events.AppointmentExportFailed(
        **EXPORT, reason="icloud_unavailable", next_try_at=NINE + HOUR
    ),
}
"""Shapes that came after the first release of their event, by the name of their golden message."""


def records() -> Iterator[tuple[str, WireRecord]]:
    """Every golden message by its file name."""
    for event in EXAMPLES:
        yield f"{type(event).__name__}.v1.json", encode(event, source="example", time=TIME)
    for name, event in LATER.items():
        yield f"{name}.json", encode(event, source="example", time=TIME)
    gone = next(e for e in EXAMPLES if isinstance(e, events.ICloudEventRemoved))
    yield "Tombstone.v1.json", tombstone(gone, source="example", time=TIME)


def as_json(record: WireRecord) -> str:
    """A record as the golden files hold it; the value is kept as text, byte for byte."""
    content = {
        "topic": record.topic,
        "key": record.key,
        "partition_key": record.partition_key,
        "headers": {name: value.decode() for name, value in record.headers},
        "value": None if record.value is None else record.value.decode(),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(directory: Path) -> None:
    """Write every golden message that is not there yet.

    A released message stays as it is for ever; a new shape gets a new file beside it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, record in records():
        if not (directory / name).exists():
            (directory / name).write_text(as_json(record), encoding="utf-8")
    (directory / RELEASED).write_text(released(directory), encoding="utf-8")


def released(directory: Path) -> str:
    """A line for each golden message: its SHA-256 and its name, as `sha256sum` writes them."""
    return "".join(f"{sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in sorted(directory.glob("*.json")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
