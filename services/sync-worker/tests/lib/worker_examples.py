"""Values that tests speak of."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.events import CalendarConnected, CalendarDisconnected, RequestReason, SyncRequested
from contracts.facts import Access, Calendar, ConflictCalendar, Setup
from sync_worker.domain.outbox import Content, Gone, Imported, Quarantine
from sync_worker.domain.values import FactGroup, Facts, Span

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
ACCOUNT, USER = "acc-1", "usr-1"
HOUR = 3600


def new_id() -> str:
    return uuid4().hex


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def connected(connection_id: str, *calendar_ids: str, **changes: Any) -> CalendarConnected:  # noqa: ANN401 - any field of it
    titles = changes.pop("titles", False)
    return CalendarConnected(
        **{
            "account_id": ACCOUNT,
            "user_id": USER,
            "connection_id": connection_id,
            "epoch": 1,
            "revision": 1,
            "access": Access.FULL,
            "time_zone": "Europe/Paris",
            "calendars": tuple(Calendar(id=one, name=one, writable=True, supported=True) for one in calendar_ids),
            "setup": Setup(conflict_calendars=tuple(ConflictCalendar(id=one) for one in calendar_ids), titles=titles),
            **changes,
        }
    )


def disconnected(connection_id: str, **changes: Any) -> CalendarDisconnected:  # noqa: ANN401 - any field of it
    whose = {"account_id": ACCOUNT, "user_id": USER, "connection_id": connection_id, "epoch": 1, "revision": 9}
    return CalendarDisconnected(**{**whose, **changes})


def requested(connection_id: str, **changes: Any) -> SyncRequested:  # noqa: ANN401 - any field of it
    return SyncRequested(
        **{
            "account_id": ACCOUNT,
            "user_id": USER,
            "connection_id": connection_id,
            "epoch": 1,
            "revision": 1,
            "reason": RequestReason.USER,
            "requested_at": 7,
            **changes,
        }
    )


def imported(event_id: str, **changes: Any) -> Imported:  # noqa: ANN401 - any field of it
    start = moment("2027-03-02T10:00")
    usual: dict[str, Any] = {
        "event_id": event_id,
        "calendar_id": "cal-1",
        "href": f"/1/calendars/home/{event_id}.ics",
        "etag": '"1"',
        "basis": "basis",
        "epoch": 1,
        "revision": 1,
        "digest": "d1",
        "as_of": moment("2027-03-01T09:00"),
        "horizon": Span(moment("2027-02-28T00:00"), moment("2028-04-05T00:00")),
        "content": Content(
            "uid", None, all_day=False, groups=(FactGroup(Facts(tentative=True), ((start, start + HOUR),)),)
        ),
    }
    return Imported(**{**usual, **changes})


def gone(event_id: str, revision: int) -> Gone:
    return Gone(event_id=event_id, calendar_id="cal-1", epoch=1, revision=revision, as_of=7, reason="deleted")


def quarantine() -> Quarantine:
    start = moment("2027-03-02T10:00")
    return Quarantine("rule_malformed", Span(start, start + HOUR))


def ics(uid: str, start: str, *, hours: int = 1, **lines: str) -> str:
    """A calendar object of one event; `start` is UTC."""
    begins = datetime.fromisoformat(start)
    ends = begins + timedelta(hours=hours)
    extra = "".join(f"{name.upper()}:{value}\r\n" for name, value in lines.items())
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Apple Inc.//iOS 18.0//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20270301T090000Z\r\nDTSTART:{begins:%Y%m%dT%H%M%SZ}\r\nDTEND:{ends:%Y%m%dT%H%M%SZ}\r\n"
        f"SUMMARY:Dentist\r\n{extra}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
