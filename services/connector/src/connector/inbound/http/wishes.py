"""What comes in over HTTP."""

from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from connector.domain.calendars import (
    LONGEST_ALARM_MINUTES,
    MOST_CALENDARS,
    AllDayRule,
    Choice,
    ConflictCalendar,
    WhenStale,
)
from connector.domain.connection import Access

CalendarId = Annotated[str, Field(min_length=1, max_length=128)]
CalendarIds = Annotated[tuple[CalendarId, ...], Field(max_length=MOST_CALENDARS)]


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


class NewConnection(_In):
    """An Apple account to connect."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "apple_id": "camille.martin@icloud.com",
                    "app_password": "abcd-efgh-ijkl-mnop",
                    "access": "read_only",
                    "time_zone": "Europe/Paris",
                }
            ]
        }
    )

    apple_id: SecretStr
    """The e-mail address of the Apple account."""
    app_password: SecretStr
    """An app-specific password from account.apple.com: sixteen letters, with or without hyphens and spaces."""
    access: Access
    """`full` lets appointments be written into a linked calendar; `read_only` never writes."""
    time_zone: str
    """IANA name of the user's time zone, as the browser tells it."""


class NewCredentials(_In):
    """Another app-specific password of the same Apple account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"app_password": "abcd-efgh-ijkl-mnop"}]})

    app_password: SecretStr
    """An app-specific password from account.apple.com: sixteen letters, with or without hyphens and spaces."""
    apple_id: SecretStr | None = None
    """Needed where `apple_id_remembered` is false; any address of the same Apple account will do."""


class ChosenCalendar(_In):
    """A calendar whose events are to block time."""

    id: CalendarId
    all_day: AllDayRule = AllDayRule.AS_MARKED
    """Apple marks all-day events as free unless told otherwise; this says what counts."""


def _each_once(named: tuple[ChosenCalendar, ...]) -> tuple[ChosenCalendar, ...]:
    if len({one.id for one in named}) != len(named):
        raise PydanticCustomError("named_twice", "a calendar is named twice")
    return named


class NewSetup(_In):
    """The whole setup; what is left out has its default."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "linked_calendar_id": "0a1b2c3d4e5f60718293a4b5",
                    "conflict_calendars": [
                        {"id": "0a1b2c3d4e5f60718293a4b5", "all_day": "always_block"},
                        {"id": "5b4a39281706f5e4d3c2b1a0", "all_day": "as_marked"},
                    ],
                    "titles": False,
                    "when_stale": "keep",
                    "alarm_minutes": 15,
                    "time_zone": "Europe/Paris",
                }
            ]
        }
    )

    linked_calendar_id: CalendarId | None
    """Where appointments go; null: nowhere. It is a conflict calendar by itself."""
    conflict_calendars: Annotated[
        tuple[ChosenCalendar, ...], Field(max_length=MOST_CALENDARS), AfterValidator(_each_once)
    ]
    titles: StrictBool
    """Whether titles of events are shown in CrocoClick."""
    when_stale: WhenStale
    alarm_minutes: Annotated[int, Field(strict=True, ge=0, le=LONGEST_ALARM_MINUTES)] | None = None
    """So long before an exported appointment its alarm rings; null: no alarm."""
    time_zone: str | None = None
    """IANA name; null: the present one stays."""

    def choice(self) -> Choice:
        """The same as a value of the domain."""
        return Choice(
            self.linked_calendar_id,
            tuple(ConflictCalendar(c.id, c.all_day) for c in self.conflict_calendars),
            self.titles,
            self.when_stale,
            self.alarm_minutes,
            self.time_zone,
        )


class SeenHold(_In):
    """Held removals as the user was shown them."""

    calendar_id: CalendarId
    since: AwareDatetime
    """As `held_removals` has it."""


class Decisions(_In):
    """What the user decided about removals that are held; each calendar in one list at most."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "confirm_removals": ["0a1b2c3d4e5f60718293a4b5"],
                    "keep_removals": [],
                    "held_since": [{"calendar_id": "0a1b2c3d4e5f60718293a4b5", "since": "2026-11-23T08:30:00Z"}],
                }
            ]
        }
    )

    confirm_removals: CalendarIds = ()
    """The events are gone on purpose: let their time be free."""
    keep_removals: CalendarIds = ()
    """They are not: let them block for another day."""
    held_since: Annotated[tuple[SeenHold, ...], Field(max_length=MOST_CALENDARS)] = ()
    """What was seen of calendars in these lists: of one that is named here nothing else is confirmed; of one that is
    not, whatever is held by now."""

    @model_validator(mode="after")
    def _decides_each_once(self) -> Self:
        seen = [one.calendar_id for one in self.held_since]
        if set(self.confirm_removals) & set(self.keep_removals) or len(set(seen)) != len(seen):
            raise PydanticCustomError("named_twice", "a calendar is in both lists, or was seen twice")
        if not {*self.confirm_removals, *self.keep_removals}.issuperset(seen):
            raise PydanticCustomError("not_decided", "a calendar was seen, and nothing is said of it")
        return self
