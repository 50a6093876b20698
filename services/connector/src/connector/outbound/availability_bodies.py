"""Availability's answers as they come in: what is not needed here is not read."""

from collections.abc import Sequence

from pydantic import AwareDatetime, BaseModel, ConfigDict

from connector.domain.outlook import Appointment, ChangedThere, Outlook, Reason, Tried

_AGREED = frozenset({"booked", "rescheduled", "edited", "cancelled"})
"""What of an appointment's history is written into iCloud."""


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _Reason(_In):
    kind: str
    rule: str
    start: AwareDatetime | None
    end: AwareDatetime | None
    calendar_id: str | None = None
    id: str | None = None
    title: str | None = None

    def reason(self) -> Reason:
        return Reason(self.kind, self.rule, self.start, self.end, self.calendar_id, self.id, self.title)


class WhyBody(_In):
    """An answer to "why?"."""

    blocking: tuple[_Reason, ...]
    ignored: tuple[_Reason, ...]
    as_of: AwareDatetime | None
    state: str
    more: tuple[str, ...] = ()

    def outlook(self) -> Outlook:
        """The same, as a value."""
        blocking, ignored = (tuple(one.reason() for one in some) for some in (self.blocking, self.ignored))
        return Outlook(blocking, ignored, self.as_of, self.state, self.more)


class _Calendar(_In):
    id: str
    all_day_marked_free: int | None


class PreviewBody(WhyBody):
    """An answer to "what if?"."""

    calendars: tuple[_Calendar, ...]

    def tried(self) -> Tried:
        """The same, as a value."""
        return Tried(self.outlook(), {one.id: one.all_day_marked_free for one in self.calendars})


class _Changed(_In):
    change: str
    start: AwareDatetime | None

    def value(self) -> ChangedThere:
        return ChangedThere(self.change, self.start)


class _Export(_In):
    state: str
    reason: str | None
    changed_in_icloud: _Changed | None
    at: AwareDatetime | None = None


class _Happened(_In):
    what: str
    at: AwareDatetime


class _Appointment(_In):
    id: str
    title: str
    start: AwareDatetime
    state: str
    created_at: AwareDatetime
    export: _Export
    history: tuple[_Happened, ...]

    def appointment(self) -> Appointment:
        agreed = [line for line in self.history if line.what in _AGREED]
        last = agreed[-1] if agreed else _Happened(what="booked", at=self.created_at)
        changed = self.export.changed_in_icloud
        return Appointment(
            id=self.id,
            title=self.title,
            start=self.start,
            what=last.what,
            at=last.at,
            export=self.export.state,
            reason=self.export.reason,
            changed=None if changed is None else changed.value(),
            cancelled=self.state == "cancelled",
            export_at=self.export.at,
        )


class AppointmentsBody(_In):
    """A user's appointments."""

    items: tuple[_Appointment, ...]

    def appointments(self) -> Sequence[Appointment]:
        """The same, as values."""
        return [one.appointment() for one in self.items]
