"""News as they come over Kafka, with everything that a test does not care about filled in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack

from availability.domain.blocking import AllDayRule
from availability.domain.intervals import Span
from availability.domain.users import User
from contracts import facts as contract
from contracts.events import (
    CalendarAge,
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    CalendarState,
    CompletedSync,
    CredentialsRejected,
    EventsQuarantined,
    HoldState,
    ICloudEventImported,
    ICloudEventRemoved,
    LastEvent,
    QuarantinedObject,
    RemovalReason,
    RemovalsHeld,
    SyncCompleted,
    SyncProgress,
)
from contracts.facts import Access, Calendar, ConflictCalendar, OccurrenceFacts, OccurrenceGroup, Setup
from contracts.wire import Tombstone

ACCOUNT = "account-1"
USER = "user-1"
THEY = User(ACCOUNT, USER)
CONNECTION = "connection-1"
HOME = "calendar-home"
WORK = "calendar-work"

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
HOUR = 3600
DAY = 24 * HOUR


def at(hour: float, *, day: int = 0) -> int:
    """Epoch seconds of an hour of the examples' Monday, or of a day after it."""
    return TODAY + day * DAY + round(hour * HOUR)


def span(first: float, last: float, *, day: int = 0) -> Span:
    """From one hour to another of one day."""
    return (at(first, day=day), at(last, day=day))


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def ago(**length: float) -> int:
    return seconds(NOW - timedelta(**length))


class Who(TypedDict, total=False):
    """What tells one piece of news from another."""

    epoch: int
    revision: int
    connection: str
    user: str


def ids(epoch: int = 1, revision: int = 1, connection: str = CONNECTION, user: str = USER) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT,
        "user_id": user,
        "connection_id": connection,
        "epoch": epoch,
        "revision": revision,
    }


def imported(
    event_id: str = "event-1",
    *spans: Span,
    facts: OccurrenceFacts | None = None,
    calendar: str = HOME,
    title: str | None = None,
    **who: Unpack[Who],
) -> ICloudEventImported:
    return ICloudEventImported(
        **ids(**who),
        event_id=event_id,
        calendar_id=calendar,
        uid_hash="uid",
        as_of=seconds(NOW),
        horizon=(TODAY - DAY, TODAY + 400 * DAY),
        all_day=False,
        occurrences=(OccurrenceGroup(facts=facts or OccurrenceFacts(), spans=spans or (span(9, 10),)),),
        title=title,
    )


def removed(event_id: str = "event-1", **who: Unpack[Who]) -> ICloudEventRemoved:
    return ICloudEventRemoved(
        **ids(**who), event_id=event_id, calendar_id=HOME, as_of=seconds(NOW), reason=RemovalReason.DELETED
    )


def tombstone(key: str = "event-1", epoch: int = 1, revision: int = 1) -> Tombstone:
    return Tombstone(key, epoch, revision)


def connected(
    calendars: Sequence[str] = (HOME,),
    all_day: AllDayRule = AllDayRule.AS_MARKED,
    *,
    access: Access = Access.READ_ONLY,
    linked: str | None = None,
    choices: Mapping[str, object] | None = None,
    **who: Unpack[Who],
) -> CalendarConnected:
    """`choices` are the setup's others: `titles`, `when_stale`."""
    state = _state(calendars, all_day)
    setup = state["setup"].model_copy(update={"linked_calendar_id": linked, **(choices or {})})
    return CalendarConnected(**ids(**who), **(state | {"access": access, "setup": setup}))


def reconnected(
    calendars: Sequence[str] = (HOME,), *, choices: Mapping[str, object] | None = None, **who: Unpack[Who]
) -> CalendarReconnected:
    state = _state(calendars, AllDayRule.AS_MARKED)
    return CalendarReconnected(**ids(**who), **(state | {"setup": state["setup"].model_copy(update=choices or {})}))


def setup_changed(
    calendars: Sequence[str], all_day: AllDayRule = AllDayRule.AS_MARKED, **who: Unpack[Who]
) -> CalendarSetupChanged:
    return CalendarSetupChanged(**ids(**who), **_state(calendars, all_day))


def disconnected(**who: Unpack[Who]) -> CalendarDisconnected:
    return CalendarDisconnected(**ids(**who))


def completed(
    as_of: int | None = None,
    behind: dict[str, int] | None = None,
    *,
    last: LastEvent | None = None,
    setup: int | None = None,
    known: tuple[int, int] | None = None,
    **who: Unpack[Who],
) -> SyncCompleted:
    ages = tuple(CalendarAge(id=c, as_of=age, state=CalendarState.FAILED) for c, age in (behind or {}).items())
    sync = CompletedSync(
        **ids(**who),
        as_of=seconds(NOW) if as_of is None else as_of,
        calendars=ages,
        last_event=last,
        setup_revision=setup,
        known=known,
    )
    return SyncCompleted(connections=(sync,))


def rejected(as_of: int | None = None, **who: Unpack[Who]) -> CredentialsRejected:
    return CredentialsRejected(**ids(**who), since=seconds(NOW), as_of=as_of)


def held(
    calendar: str = HOME, state: HoldState = HoldState.HELD, doubt: str = "shrunken", **who: Unpack[Who]
) -> RemovalsHeld:
    return RemovalsHeld(
        **ids(**who), calendar_id=calendar, state=state, known=20, missing=15, since=seconds(NOW), doubt=doubt
    )


def quarantined(*objects: QuarantinedObject, calendar: str = HOME, **who: Unpack[Who]) -> EventsQuarantined:
    return EventsQuarantined(**ids(**who), calendar_id=calendar, objects=objects)


def progress(**who: Unpack[Who]) -> SyncProgress:
    return SyncProgress(**ids(**who), imported=10)


def _state(calendars: Sequence[str], all_day: AllDayRule) -> dict[str, Any]:
    rule = contract.AllDayRule(all_day)
    return {
        "access": Access.READ_ONLY,
        "time_zone": "Europe/Paris",
        "calendars": tuple(Calendar(id=c, name=c, writable=True, supported=True) for c in calendars),
        "setup": Setup(conflict_calendars=tuple(ConflictCalendar(id=c, all_day=rule) for c in calendars)),
    }
