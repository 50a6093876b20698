"""What availability knows of Marie, at the one moment of these tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connector.application.look_ahead import Asker, NoAnswer, Window
from connector.domain.calendars import AllDayRule, ConflictCalendar
from connector.domain.outlook import Appointment, ChangedThere, Outlook, Reason, Tried
from connector_examples import NOW

PARIS = ZoneInfo("Europe/Paris")
_TODAY = datetime(2026, 11, 23, tzinfo=PARIS)


def at(day: int, hour: float = 0) -> datetime:
    """So many days after today, at that hour of Paris."""
    moment: datetime = _TODAY + timedelta(days=day, hours=hour)
    return moment


def event(day: int, first: float, last: float, rule: str = "busy", **more: str) -> Reason:
    """An imported event of the calendar `home`, unless another is named."""
    said = {"kind": "event", "calendar_id": "home"} | more
    return Reason(rule=rule, start=at(day, first), end=at(day, last), **said)


def entry(kind: str, day: int, first: float, last: float, name: str | None = None) -> Reason:
    """An appointment, or time off."""
    return Reason(kind, kind, at(day, first), at(day, last), id=name)


def appointment(name: str, title: str, day: int, hour: float, **more: object) -> Appointment:
    """Booked a while ago, and written."""
    made = Appointment(name, title, at(day, hour), "booked", NOW - timedelta(hours=3), "exported", None)
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


BOOKED = (
    appointment("a-1", "Coupe, Camille Martin", 0, 11),
    appointment("a-2", "Couleur, Léa Petit", 1, 14, at=NOW - timedelta(minutes=4), what="rescheduled"),
    appointment(
        "a-3", "Coupe, Nadia Benali", 2, 9.5, at=NOW - timedelta(days=2), changed=ChangedThere("moved", at(2, 16))
    ),
    appointment("a-4", "Brushing, Inès Roy", 3, 17, at=NOW - timedelta(minutes=1), export="pending"),
    appointment("a-5", "Mèches, Chloé Faure", 8, 10, at=NOW - timedelta(hours=20), export="failed", reason="quota"),
)
OUTLOOK = Outlook(
    blocking=(
        event(0, 8, 9, title="Dentiste"),
        entry("appointment", 0, 11, 12, "a-1"),
        event(0, 18.5, 20, calendar_id="work"),
        entry("appointment", 1, 14, 15.5, "a-2"),
        event(1, 12, 13.25),
        entry("appointment", 2, 9.5, 10.5, "a-3"),
        entry("blocked_slot", 2, 13, 19),
        entry("appointment", 3, 17, 17.75, "a-4"),
        Reason("quarantined", "unreadable", at(3, 9.5), at(3, 10.5), "work", "e-2"),
        event(4, 9, 12, calendar_id="work"),
        event(5, 0, 48, rule="all_day_rule"),
        entry("appointment", 8, 10, 12, "a-5"),
        event(9, 22, 30),
        event(11, 9, 10.5),
    ),
    ignored=(
        event(0, 12.5, 13.5, rule="marked_free"),
        event(1, 9, 10, rule="declined"),
        event(2, 9.5, 10.5, rule="own_appointment", calendar_id="work"),
        event(4, 14, 15, rule="cancelled", calendar_id="work"),
        event(7, 0, 24, rule="marked_free", calendar_id="work"),
        event(9, 15, 16, rule="not_a_conflict_calendar", calendar_id="club"),
    ),
    as_of=NOW - timedelta(minutes=2),
    state="fresh",
)
TROUBLED = replace(
    OUTLOOK,
    ignored=(
        *OUTLOOK.ignored,
        Reason("held", "removals_held", at(0), at(14), "home"),
        Reason("stale", "kept_while_stale", at(0), at(14), "work"),
        Reason("quarantined", "unreadable", None, None, "work", "e-1"),
    ),
    as_of=NOW - timedelta(hours=3),
    state="stale",
)
CLOSED = replace(
    OUTLOOK,
    blocking=(Reason("stale", "closed_while_stale", at(0), at(14), "work"), *OUTLOOK.blocking),
    as_of=NOW - timedelta(hours=5),
    state="stale",
)
IMPORTING = Outlook((event(0, 8, 9), event(2, 14, 15)), (), None, "importing")


CUT = Outlook(
    blocking=tuple(event(day, hour, hour + 0.75) for day in range(4) for hour in (9, 11, 14)),
    ignored=tuple(event(day, hour, hour + 0.75, rule="marked_free") for day in range(9) for hour in (10, 15)),
    as_of=NOW,
    state="fresh",
    more=("blocking", "ignored", "a_side_of_tomorrow"),
)
"""Of what blocks and of what was left open, no more is told than what begins first."""


def crowded() -> Outlook:
    """Twelve things a day, half of which block, none of which touch; named as long as may be."""
    several = [
        event(day, hour, hour + 0.7, title="Un titre sans fin, et encore un peu plus long", calendar_id="home")
        for day in range(14)
        for hour in range(8, 20)
    ]
    ignored = (replace(one, rule="not_a_conflict_calendar") for one in several[1::2])
    return Outlook(tuple(several[::2]), tuple(ignored), NOW, "fresh")


@dataclass
class FakeAvailability:
    """Answers the same to everybody, whatever the window; nothing at all when it is `away`."""

    outlook: Outlook = OUTLOOK
    booked: Sequence[Appointment] = BOOKED
    marked_free: dict[str, int | None] = field(default_factory=lambda: {"home": 12, "work": 0, "club": None})
    away: bool = False
    asked: list[tuple[Asker, str, Window]] = field(default_factory=list)
    tried: list[dict[str, AllDayRule]] = field(default_factory=list)

    async def why(self, asker: Asker, window: Window) -> Outlook:
        self._answer(asker, "why", window)
        return self.outlook

    async def preview(self, asker: Asker, window: Window, choice: Sequence[ConflictCalendar]) -> Tried:
        self._answer(asker, "preview", window)
        self.tried.append({one.id: one.all_day for one in choice})
        return Tried(self.outlook, {one.id: self.marked_free.get(one.id) for one in choice})

    async def appointments(self, asker: Asker, window: Window) -> Sequence[Appointment]:
        self._answer(asker, "appointments", window)
        return self.booked

    def _answer(self, asker: Asker, what: str, window: Window) -> None:
        self.asked.append((asker, what, window))
        if self.away:
            raise NoAnswer
