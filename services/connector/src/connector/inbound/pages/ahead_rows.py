"""What touches a day, line by line: when, what, whether it blocks, and by which rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from connector.domain.outlook import Reason
from connector.inbound.pages.days import Day, Part
from connector.inbound.pages.moments import Moments

_KINDS: Final = frozenset({"appointment", "blocked_slot", "event", "quarantined"})
_RULES: Final = frozenset(
    {
        "all_day_rule",
        "busy",
        "cancelled",
        "declined",
        "marked_free",
        "not_a_conflict_calendar",
        "own_appointment",
        "takes_no_time",
        "unreadable",
    }
)
_LONGEST_NAME: Final = 40
"""Characters of a title or a calendar's name in a line; the calendar's whole name stands elsewhere on the page."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that touches a day."""

    time: str
    what: str
    of: str
    blocks: bool
    why: str


@dataclass(frozen=True, slots=True)
class Touching:
    """A reason, and the part of it that lies in a day."""

    reason: Reason
    part: Part
    blocks: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """How reasons are called: by calendars' names, by appointments' titles, at moments as the user lives them."""

    moments: Moments
    calendars: Mapping[str, str]
    appointments: Mapping[str, str]

    def calendar(self, calendar_id: str | None) -> str:
        """Its name; that of all of them where none is meant."""
        return self.calendars.get(calendar_id or "") or self.moments.words("icloud")

    def row(self, day: Day, touching: Touching) -> Row:
        """The line of one thing."""
        reason, words = touching.reason, self.moments.words
        said = words(f"ahead.kind.{reason.kind if reason.kind in _KINDS else 'event'}")
        title = reason.title or self.appointments.get(reason.id or "")
        calendar = self.calendars.get(reason.calendar_id or "", "")
        return Row(
            time=self.time(day, touching.part),
            what=_cut(title) if title else said,
            of=_cut(calendar) if calendar else (said if title else ""),
            blocks=touching.blocks,
            why=self._why(touching),
        )

    def time(self, day: Day, part: Part) -> str:
        """When in the day it is."""
        start, end = part
        words, clock = self.moments.words, self.moments.clock
        if (start, end) == (day.start, day.end):
            return words("ahead.time.whole")
        if start == end:
            return clock(start)
        if end == day.end:
            return words("ahead.time.from", start=clock(start))
        if start == day.start:
            return words("ahead.time.until", end=clock(end))
        return words("ahead.time.between", start=clock(start), end=clock(end))

    def _why(self, touching: Touching) -> str:
        """Nothing, where what it is says it all."""
        reason, words = touching.reason, self.moments.words
        if reason.rule == reason.kind:
            return ""
        rule = reason.rule if reason.rule in _RULES else "other"
        if rule == "all_day_rule":
            rule = "all_day_always" if touching.blocks else "all_day_never"
        return words(f"ahead.rule.{rule}")


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1].rstrip() + "…"
