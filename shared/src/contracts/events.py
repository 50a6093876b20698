"""Every event of our topics: a fact in the past tense, one class each (docs/adr/0002).

Within `.v1` only optional fields are added. Times are epoch seconds UTC. No event carries a credential or an
attendee. Of what is read from iCloud none carries a note or a location, and a title only where the user switched
titles on; appointments are CrocoClick's own and carry what was written into them (docs/adr/0017).
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.facts import Access, Calendar, EpochSeconds, Id, OccurrenceGroup, Setup, Span, Value

Count = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1)]


class Event(Value):
    """Something that happened.

    `key` is the record's key; `entity` with epoch and revision makes the deterministic `ce_id`, so that a
    redelivery can be told from news.
    """

    KEY: ClassVar[str]

    account_id: Id
    user_id: Id
    connection_id: Id | None
    epoch: Number
    revision: Number
    """Grows with each change of what this event speaks of; of two with one key the larger (epoch, revision) is true."""

    @property
    def key(self) -> str:
        return str(getattr(self, self.KEY))

    @property
    def entity(self) -> str:
        return self.key

    @property
    def partition_key(self) -> str:
        return self.key


class _OfConnection(Event):
    """Something that happened to a connection, or by way of it."""

    KEY: ClassVar[str] = "connection_id"

    connection_id: Id
    epoch: Number
    """Grows with each connect or reconnect of the connection."""


class _ConnectionState(_OfConnection):
    """The whole state of a connection, so that the newest record alone is enough (the topic is compacted)."""

    access: Access
    time_zone: str
    """IANA name. All-day and floating times are taken in it."""
    calendars: tuple[Calendar, ...]
    setup: Setup


class CalendarConnected(_ConnectionState):
    """A user connected an Apple account; its calendars are now to be read."""


class CalendarReconnected(_ConnectionState):
    """The same connection works again under a new epoch, setup and ids kept."""


class CalendarSetupChanged(_ConnectionState):
    """The user changed calendars, rules, titles or time zone."""


class CalendarDisconnected(_OfConnection):
    """The connection is over: erase what you hold of it, and let nothing of it come back."""


class _ImportedEvent(_OfConnection):
    """Keyed by event, partitioned by connection: all that is known of a user's calendars comes in order."""

    KEY: ClassVar[str] = "event_id"

    event_id: Id

    @property
    def partition_key(self) -> str:
        return self.connection_id


class ICloudEventImported(_ImportedEvent):
    """One calendar object, with all its overrides, as last read from iCloud."""

    calendar_id: Id
    uid_hash: Id
    """The same for copies of one event in several calendars of the connection; the UID itself stays with us."""
    as_of: EpochSeconds
    horizon: Span
    """The time that was looked at; nothing is said about occurrences outside of it."""
    all_day: bool
    occurrences: tuple[OccurrenceGroup, ...]
    title: str | None = None


class RemovalReason(StrEnum):
    """Why an imported event is gone."""

    DELETED = "deleted"
    CALENDAR_LEFT = "calendar_left"
    DISCONNECTED = "disconnected"
    PASSED = "passed"
    """All of it lies before the horizon by now."""


class ICloudEventRemoved(_ImportedEvent):
    """An imported event is gone from iCloud or from the calendars we read; a tombstone follows."""

    calendar_id: Id
    as_of: EpochSeconds
    reason: RemovalReason


class CalendarState(StrEnum):
    """How the last reading of one calendar went."""

    READ = "read"
    FAILED = "failed"
    HELD = "held"


class CalendarAge(Value):
    """One calendar whose age differs from its connection's."""

    id: Id
    as_of: EpochSeconds
    state: CalendarState


class LastEvent(Value):
    """The event of a connection that was said last; they come in order, so whoever has it has all before it.

    Its `epoch` may be an older one than the pass's, where an earlier pass had left it behind; None: it is the pass's.
    """

    event_id: Id
    revision: Number
    epoch: Number | None = None


class CompletedSync(Value):
    """A pass ended, its finds are on `icloud.events.v1`. All conflict calendars but `calendars` are as of `as_of`."""

    account_id: Id
    user_id: Id
    connection_id: Id
    epoch: Number
    revision: Number
    as_of: EpochSeconds
    calendars: tuple[CalendarAge, ...] = ()
    """Those that were not read up to `as_of`, with their own age; 0: never read yet."""
    last_event: LastEvent | None = None
    """What the pass said last on `icloud.events.v1`: `as_of` holds for whoever applied it. None: it said nothing."""
    setup_revision: Number | None = None
    """The connection's revision that the pass went by: calendars of a newer setup were not looked at."""
    known: Span | None = None
    """The time that every conflict calendar was read for: of what begins later nothing is known yet, and what ended
    before is not kept. None: it was not told."""


class SyncCompleted(Value):
    """Passes that ended, many idle connections in one message; all of them belong to this record's partition."""

    connections: Annotated[tuple[CompletedSync, ...], Field(min_length=1)]

    @property
    def key(self) -> str:
        return self.connections[0].connection_id

    @property
    def entity(self) -> str:
        return self.key

    @property
    def partition_key(self) -> str:
        return self.key

    @property
    def epoch(self) -> int:
        return self.connections[0].epoch

    @property
    def revision(self) -> int:
        return self.connections[0].revision


class SyncProgress(_OfConnection):
    """The first import of a connection is under way."""

    imported: Count
    total: Count | None = None


class CredentialsRejected(_OfConnection):
    """Apple refuses the credential for good; nothing is asked of Apple until a reconnect."""

    since: EpochSeconds
    as_of: EpochSeconds | None = None
    """Up to when we had read, if we ever had."""


class CalendarsChanged(_OfConnection):
    """Calendars appeared, vanished, or changed name, rights or kind."""

    calendars: tuple[Calendar, ...]


class HoldState(StrEnum):
    """What became of removals that looked wrong."""

    HELD = "held"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"


class RemovalsHeld(_OfConnection):
    """A calendar came back emptied or far smaller; its blocks stay until this is settled."""

    calendar_id: Id
    state: HoldState
    known: Count
    missing: Count
    since: EpochSeconds
    doubt: str | None = None
    """Why: `emptied`, `shrunken`, `incomplete`, or `vanished` for a calendar that the home does not show any more."""
    kept_until: EpochSeconds | None = None
    """Somebody has said that the events stay: until then none goes, and nobody is asked. None: it waits for an answer.

    Said once more, without it, when that time is over and something is missing still."""


class QuarantinedObject(Value):
    """A calendar object that could not be read; it blocks the time that can be told."""

    event_id: Id
    reason: str
    span: Span | None = None


class EventsQuarantined(_OfConnection):
    """Everything of one calendar that cannot be read at present; an empty list says that all can be read again."""

    calendar_id: Id
    objects: tuple[QuarantinedObject, ...]


class RequestReason(StrEnum):
    """Who asked for a look at iCloud."""

    USER = "user"
    BOOKING = "booking"
    OPS = "ops"


class HeldSince(Value):
    """Held removals of one calendar as somebody saw them: `since` is what RemovalsHeld says."""

    calendar_id: Id
    since: EpochSeconds


class SyncRequested(_OfConnection):
    """Somebody needs a fresh look at iCloud now."""

    reason: RequestReason
    requested_at: EpochSeconds
    confirm_removals: tuple[Id, ...] = ()
    """Calendars whose held removals are meant: carry them out now."""
    keep_removals: tuple[Id, ...] = ()
    """Calendars whose held removals are not to be believed for a day."""
    held_since: tuple[HeldSince, ...] = ()
    """What whoever decided had seen. Of a calendar that is named here nothing is confirmed that is held since another
    moment; of one that is not, whatever was held at `requested_at`. What is to be kept is kept in any case."""


class _Appointment(Event):
    """An appointment made in CrocoClick. Its revision alone orders what is said of it."""

    KEY: ClassVar[str] = "user_id"

    connection_id: Id | None = None
    """The connection that its user had when this happened, if any."""
    epoch: Number
    """Always 1: an appointment outlives connections and their epochs."""
    appointment_id: Id

    @property
    def entity(self) -> str:
        return self.appointment_id


class _AgreedAppointment(_Appointment):
    """All that was agreed on."""

    start: EpochSeconds
    end: EpochSeconds
    title: str
    location: str | None = None
    notes: str | None = None


class AppointmentBooked(_AgreedAppointment):
    """An appointment was made."""


class AppointmentRescheduled(_AgreedAppointment):
    """An appointment has another time, title, location or notes."""

    previous: Span | None = None
    """The time that it had before; None where the time is the same."""


class AppointmentCancelled(_Appointment):
    """An appointment will not take place."""


class AppointmentInConflict(_Appointment):
    """Something that came after it, from iCloud or as time off, takes time of an appointment; the appointment stands.

    Said once for each set of conflicts, and once more, without any, when they are over.
    """

    start: EpochSeconds
    end: EpochSeconds
    conflicts: tuple[Span, ...]
    """The parts of its time that are taken, merged and sorted; empty: not any more.

    At most 200: where there are more, those with the least time between them are told as one, with that time.
    """


class _Export(_OfConnection):
    """How an appointment fared on its way to the linked calendar; `revision` is the appointment's."""

    KEY: ClassVar[str] = "appointment_id"

    appointment_id: Id


class AppointmentExported(_Export):
    """The linked calendar shows this revision of the appointment."""

    calendar_id: Id
    exported_at: EpochSeconds
    as_agreed: bool | None = None
    """Whether it stands there as agreed on: then nothing is left of what ExportedEventChangedInICloud told. False: what
    the user made of it stands. None: it was not told."""


class AppointmentExportFailed(_Export):
    """The appointment is not in the linked calendar, and why."""

    reason: str
    next_try_at: EpochSeconds | None = None
    """None: it will not be tried again by itself."""


class ChangeInICloud(StrEnum):
    """What the user did to an exported appointment on the Apple side."""

    MOVED = "moved"
    EDITED = "edited"
    DELETED = "deleted"


class ExportedEventChangedInICloud(_Export):
    """The user changed our event on the Apple side; the appointment in CrocoClick stays as it is."""

    change: ChangeInICloud
    span: Span | None = None
