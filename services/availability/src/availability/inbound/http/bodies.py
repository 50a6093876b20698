"""What goes in and out about appointments."""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from availability.domain.appointments import News, Standing
from availability.domain.exports import ChangeKind, ExportState
from availability.domain.freshness import State
from availability.inbound.http.moments import Moment, SpanBody, WrittenDuration, lasting
from runtime.auth import USER_ID


def _given(value: object) -> object:
    """What may be left out may still not be null."""
    if value is None:
        raise ValueError("null")
    return value


def _worded(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "nobody could read it")
    return value


MaxAge = Annotated[timedelta, WrittenDuration, lasting("PT0S", "P366D")]
Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_worded)]
User = Annotated[str, Field(pattern=USER_ID)]
Location = Annotated[str, Field(max_length=1_000)]
Notes = Annotated[str, Field(max_length=10_000)]


class In(BaseModel):
    """What comes in holds nothing that is not asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


class Out(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class NewAppointment(In):
    """An appointment to book."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u-4711",
                    "start": "2026-03-02T14:00:00Z",
                    "end": "2026-03-02T14:45:00Z",
                    "title": "Coupe, Camille Martin",
                    "location": "12 rue des Lilas, Lyon",
                    "max_age": "PT10M",
                }
            ]
        }
    )

    user_id: User
    start: Moment
    end: Moment
    title: Title
    location: Location | None = None
    notes: Notes | None = None
    max_age: MaxAge | None = None
    """An ISO 8601 duration without months and years, of 366 days at most: what is known of the user's calendars may be
    no older, in whole seconds. If it is, they are looked at first, which takes ten seconds at most."""


class AppointmentChange(In):
    """What to change of an appointment; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": "2026-03-02T15:00:00Z", "notes": None}]})

    start: Annotated[Moment | None, AfterValidator(_given)] = None
    end: Annotated[Moment | None, AfterValidator(_given)] = None
    title: Annotated[Title | None, AfterValidator(_given)] = None
    location: Location | None = None
    """null takes it away."""
    notes: Notes | None = None
    """null takes them away."""


class ICloudChangeBody(Out):
    """What the user did to the appointment on the Apple side; here it stays as it is."""

    change: ChangeKind
    start: AwareDatetime | None
    """The time that it has there now, where it was moved."""
    end: AwareDatetime | None


class ExportBody(Out):
    """Whether the user's linked calendar shows the appointment, or is rid of a cancelled one."""

    state: ExportState
    """A cancelled one is `pending` until it is taken out, then `removed`. Where it stays in the calendar it is `failed`
    or `not_exported`, and why; where it never was there, `not_exported` without a reason."""
    reason: str | None
    """`not_connected`, `read_only_access`, `no_linked_calendar`, `needs_reconnect`, or why it failed."""
    changed_in_icloud: ICloudChangeBody | None
    at: AwareDatetime | None = None
    """When it was written, if `exported`, or taken out, if `removed`; null where that is not known."""


class KnowledgeBody(Out):
    """How well the user's calendars are known."""

    as_of: AwareDatetime | None
    state: State


class HappenedBody(Out):
    """One line of an appointment's history."""

    revision: int
    what: News
    at: AwareDatetime
    by: str | None
    """Who did it: a user, or `service:<name>`; null for what followed from other things."""
    start: AwareDatetime
    """The time from then on."""
    end: AwareDatetime


_EXAMPLE: Final[dict[str, Any]] = {
    "id": "6f1e2d3c4b5a49788796a5b4c3d2e1f0",
    "user_id": "u-4711",
    "start": "2026-03-02T14:00:00Z",
    "end": "2026-03-02T14:45:00Z",
    "title": "Coupe, Camille Martin",
    "location": "12 rue des Lilas, Lyon",
    "notes": None,
    "state": "booked",
    "revision": 1,
    "created_at": "2026-03-01T09:12:44Z",
    "updated_at": "2026-03-01T09:12:44Z",
    "conflicts": [],
    "export": {"state": "pending", "reason": None, "changed_in_icloud": None, "at": None},
    "knowledge": {"as_of": "2026-03-01T09:11:02Z", "state": "fresh"},
    "history": [
        {
            "revision": 1,
            "what": "booked",
            "at": "2026-03-01T09:12:44Z",
            "by": "service:booking",
            "start": "2026-03-02T14:00:00Z",
            "end": "2026-03-02T14:45:00Z",
        }
    ],
}


class AppointmentBody(Out):
    """An appointment made in CrocoClick."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    user_id: str
    start: AwareDatetime
    end: AwareDatetime
    title: str
    location: str | None
    notes: str | None
    state: Standing
    revision: int
    """Also in the ETag; grows with everything that happens to the appointment."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    conflicts: list[SpanBody]
    """Parts of its time that something took which came later, from iCloud or as time off. The appointment stands."""
    export: ExportBody
    knowledge: KnowledgeBody
    history: list[HappenedBody]
    """What happened, oldest first; the last fifty times."""


class AppointmentsBody(Out):
    """A user's appointments."""

    items: list[AppointmentBody]
    """By their start; cancelled ones are among them only if asked for."""
    next: str | None = None
    """Only there where there are more: ask the same again, with this as `after`. What is moved meanwhile may come twice
    or not at all."""
