"""What the admin API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, Tag

from icloud_simulator.edits import Side
from icloud_simulator.facts import Access, Kind, OldHost, Trace


def _kind(value: object) -> str:
    """A date alone is all-day; a midnight is a moment, which a plain union would take for a date."""
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return "day" if is_day or (isinstance(value, str) and len(value) == len("2027-01-04")) else "moment"


Moment = Annotated[Annotated[date, Tag("day")] | Annotated[datetime, Tag("moment")], Discriminator(_kind)]


class Shape(BaseModel):
    """Knows its fields and refuses others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountWish(Shape):
    """An account to open; what is null is invented."""

    apple_id: str | None = Field(None, min_length=3, max_length=200)
    main_password: str | None = None
    app_password: str | None = None
    name: str = "Apple User"
    aliases: tuple[str, ...] = Field((), description="Other addresses that sign in to the same account")
    dsid: str | None = Field(None, pattern=r"^\d{4,20}$")
    partition: int | None = Field(None, ge=1, le=999)
    default_calendars: bool = Field(default=True, description="home, work and a reminders list")


class AccountView(Shape):
    """An account. `base` is where it lives now: scheme, host, port."""

    apple_id: str
    aliases: tuple[str, ...]
    name: str
    dsid: str
    principal: str
    home: str
    base: str
    partition: int
    locked: bool
    calendar_enabled: bool
    app_passwords: int = Field(description="How many open the account")


class OpenedView(AccountView):
    """A new account, with its passwords for once."""

    main_password: str
    app_password: str


class StandingChange(Shape):
    """Null leaves as is."""

    locked: bool | None = None
    calendar_enabled: bool | None = None


class PasswordWish(Shape):
    """A password to set or hand out; null invents one."""

    password: str | None = None
    label: str = ""


class PasswordView(Shape):
    """A password, shown for once."""

    password: str


class Revocation(Shape):
    """The app-specific password to revoke; null: all of them."""

    password: str | None = None


class PartitionMove(Shape):
    """Where an account moves to; null opens a new port for it."""

    base: str | None = Field(None, description="Scheme, host, port. A loopback port that is not served yet is opened")
    old_host: OldHost = OldHost.UNAUTHORIZED


class CalendarWish(Shape):
    """A child of a home. Without a `path_id` it gets a UUID, or 64 hex digits where it is shared in."""

    name: str
    kind: Kind = Kind.CALENDAR
    access: Access = Access.OWNER
    path_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]+$")
    color: str | None = "#FF2968FF"
    source: str | None = Field(None, description="The feed of a subscription")


class CalendarChange(Shape):
    """Null leaves as is."""

    name: str | None = None
    color: str | None = None


class CalendarView(Shape):
    """A child of a home."""

    path_id: str
    path: str
    name: str
    kind: Kind
    access: Access
    color: str | None
    source: str | None
    ctag: str
    objects: int


class Share(Shape):
    """Another account that shall see a calendar."""

    guest: str
    access: Literal[Access.READ_ONLY, Access.READ_WRITE] = Access.READ_ONLY


class ObjectText(Shape):
    """An object to store verbatim, unchecked; without a name it gets one as Apple's apps choose it."""

    ics: str
    name: str | None = Field(None, min_length=1)


class ObjectTexts(Shape):
    """Objects to store at once. `trace`: how much of it the server notices."""

    objects: tuple[ObjectText, ...]
    trace: Trace = Trace.LOGGED


class Names(Shape):
    """Objects of one calendar; null: all of them."""

    names: tuple[str, ...] | None = None
    trace: Trace = Trace.LOGGED


class ObjectView(Shape):
    """An object as it is, whatever faults let others see. `href` is the decoded path."""

    href: str
    calendar: str
    name: str
    uid: str | None
    etag: str
    ics: str


class Stored(Shape):
    """Where an object is and which version."""

    href: str
    etag: str


class Destination(Shape):
    """The calendar to move an object to."""

    to: str


class EventWish(Shape):
    """An event in Apple's own writing. Dates make it all-day; local times need `time_zone`."""

    title: str
    start: Moment
    end: Moment
    time_zone: str | None = Field(None, description="IANA name; null: times are written in UTC")
    uid: str | None = None
    rule: str | None = Field(None, description="An RRULE's value")
    left_out: tuple[datetime, ...] = Field((), description="Starts of occurrences that do not happen")
    transparent: bool | None = Field(None, description="Null: as Apple does, all-day events are free, others busy")
    status: Literal["CONFIRMED", "TENTATIVE", "CANCELLED"] | None = None
    partstat: Literal["ACCEPTED", "DECLINED", "TENTATIVE", "NEEDS-ACTION"] | None = Field(
        None, description="The user's answer to an invitation; without an organizer somebody invites"
    )
    organizer: str | None = None
    travel_minutes: int | None = Field(None, ge=0)
    location: str | None = None


class EventChange(Shape):
    """What the user changes on the iPhone; null leaves as is. Times keep the event's zone."""

    title: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    transparent: bool | None = None
    status: Literal["CONFIRMED", "TENTATIVE", "CANCELLED"] | None = None
    partstat: Literal["ACCEPTED", "DECLINED", "TENTATIVE", "NEEDS-ACTION"] | None = None
    travel_minutes: int | None = Field(None, ge=0)


class Split(Shape):
    """Where a series is cut: the start of the first occurrence of its future."""

    at: AwareDatetime
    original: Side = Field(Side.FUTURE, description="The side that keeps the object and its UID")
