"""The coming weeks, as the pages show them: what takes each day, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from connector.domain.outlook import Outlook, Reason
from connector.inbound.pages.ahead_rows import Naming, Row, Touching
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.days import Bar, Day, Part, days
from connector.inbound.pages.moments import Moments

DAYS: Final = 14
_LANES: Final = ("cut", "closed", "busy", "off", "unread", "booked")
"""What blocks or may, in the order in which it is drawn: what was made in CrocoClick above what came from iCloud."""
_OPEN: Final = "open"
_LANE_OF: Final[Mapping[str, str]] = {
    "appointment": "booked",
    "blocked_slot": "off",
    "quarantined": "unread",
    "stale": "closed",
}
_DOUBTS: Final = frozenset({"held", "stale"})
"""They are about a calendar, not about a time."""
_STATES: Final = frozenset({"fresh", "stale", "importing", "needs_reconnect", "not_connected"})


@dataclass(frozen=True, slots=True)
class CutShown:
    """The part of a day in which there may be more than we were told, and what of it."""

    time: str
    said: str


@dataclass(frozen=True, slots=True)
class DayShown:
    """One day: its picture in per cent of its length, and what touches it, up to a limit."""

    number: int
    short: str
    full: Markup
    note: str
    said: str
    marks: Sequence[str]
    now: str | None
    lanes: Mapping[str, Sequence[Bar]]
    rows: Sequence[Row]
    cut: Sequence[CutShown]
    more: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class AheadShown:
    """The days, what the marks in them mean, what we know not to know, and how old all of it is.

    `state` is availability's; right after a change it may be behind what the connector knows.
    """

    state: str
    known: str
    days: Sequence[DayShown]
    legend: Sequence[str]
    doubts: Sequence[str]
    span: Markup
    hours: Sequence[tuple[str, str]] = (("25%", "06:00"), ("50%", "12:00"), ("75%", "18:00"))
    """What stands above the lines of usual days."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many lines a day has; the day of the number `whole` has all of its own."""

    rows: int
    whole: int | None = None

    def of(self, number: int, wanted: int) -> int:
        """How many of the lines that a day wants it gets."""
        return wanted if number == self.whole else min(wanted, self.rows)


def days_ahead(moments: Moments, fortnight: int = 0) -> Sequence[Day]:
    """Two weeks of days, from today or so many fortnights later."""
    today = moments.now.astimezone(moments.zone).date()
    return days(today + timedelta(days=DAYS * fortnight), DAYS, moments.zone)


def ahead_shown(outlook: Outlook, several: Sequence[Day], naming: Naming, limit: Limit) -> AheadShown:
    """The outlook in words and bars."""
    moments = naming.moments
    cut = {side: (max(since, several[0].start), several[-1].end) for side, since in outlook.cut.items()}
    shown = [_day(number, _seen(day, outlook, cut), naming, limit) for number, day in enumerate(several)]
    used = {lane for day in shown for lane in day.lanes}
    return AheadShown(
        state=_state(outlook),
        known=_known(outlook, moments),
        days=shown,
        legend=[lane for lane in (*reversed(_LANES), _OPEN) if lane in used],
        doubts=[*_cuts(cut, moments), *_doubts((*outlook.blocking, *outlook.ignored), naming)],
        span=_span(several, moments),
    )


def _span(several: Sequence[Day], moments: Moments) -> Markup:
    """From which day to which; their years where it is not this one for both."""
    first, last = several[0].date, several[-1].date
    said = {"first": moments.day_and_month(first), "last": moments.day_and_month(last)}
    if first.year != last.year:
        return moments.words("ahead.span_over_years", **said, first_year=first.year, last_year=last.year)
    if not moments.is_this_year(last):
        return moments.words("ahead.span_of_year", **said, year=last.year)
    return moments.words("ahead.span", **said)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What lies in a day, and by side the part of it in which there may be more than we were told."""

    day: Day
    touching: Sequence[Touching]
    cut: Mapping[str, Part]


def _seen(day: Day, outlook: Outlook, cut: Mapping[str, Part]) -> _Seen:
    """Of two that begin at once, what blocks comes first."""
    found = [
        Touching(reason, part, blocks)
        for reasons, blocks in ((outlook.blocking, True), (outlook.ignored, False))
        for reason in reasons
        if reason.start is not None and reason.end is not None and (part := day.cut((reason.start, reason.end)))
    ]
    touching = sorted(found, key=lambda one: (one.part, not one.blocks))
    return _Seen(day, touching, {side: part for side, whole in cut.items() if (part := day.cut(whole))})


def _day(number: int, seen: _Seen, naming: Naming, limit: Limit) -> DayShown:
    moments, words, day = naming.moments, naming.moments.words, seen.day
    timed = [one for one in seen.touching if one.reason.kind not in _DOUBTS]
    rows = limit.of(number, len(timed))
    lanes = {lane: day.bars(one.part for one in seen.touching if _lane(one) == lane) for lane in (*_LANES, _OPEN)}
    lanes["cut"] = day.bars(part for side, part in seen.cut.items() if side == "blocking")
    return DayShown(
        number=number,
        short=moments.short_day(day.date),
        full=moments.day(day.start),
        note=words.counted("ahead.hours", hours) if (hours := day.hours) else "",
        said=_said(timed, words, cut=bool(seen.cut)),
        marks=day.marks(moments.zone),
        now=day.mark(moments.now) if day.start <= moments.now < day.end else None,
        lanes={lane: bars for lane, bars in lanes.items() if bars},
        rows=[naming.row(day, one) for one in timed[:rows]],
        cut=[CutShown(naming.time(day, part), words(f"ahead.cut.{side}")) for side, part in seen.cut.items()],
        more=len(timed) - rows,
        is_open=number == limit.whole,
    )


def _said(timed: Sequence[Touching], words: Words, *, cut: bool) -> str:
    if not timed:
        return words("ahead.cut.nothing" if cut else "ahead.nothing")
    blocking = sum(one.blocks for one in timed)
    said = words("ahead.said", blocking=blocking, open=len(timed) - blocking)
    return words("ahead.cut.said", said=said) if cut else said


def _lane(one: Touching) -> str | None:
    if one.blocks:
        return _LANE_OF.get(one.reason.kind, "busy")
    return None if one.reason.kind in _DOUBTS else _OPEN


def _state(outlook: Outlook) -> str:
    return outlook.state if outlook.state in _STATES else "stale"


def _known(outlook: Outlook, moments: Moments) -> str:
    words = moments.words
    when = moments.ago(outlook.as_of) if outlook.as_of else words("date.never")
    return words(f"ahead.state.{_state(outlook)}", when=when)


def _cuts(cut: Mapping[str, Part], moments: Moments) -> Sequence[str]:
    """Since when not everything is shown."""
    said = {side: _since(since, moments) for side, (since, _) in cut.items()}
    return [moments.words(f"ahead.cut.since.{side}", when=when) for side, when in said.items()]


def _since(since: datetime, moments: Moments) -> Markup:
    date = since.astimezone(moments.zone).date()
    return moments.day_and_month(date) if moments.is_this_year(date) else moments.day(since)


def _doubts(reasons: Iterable[Reason], naming: Naming) -> Sequence[str]:
    """What is known not to be known, each once."""
    words = naming.moments.words
    said: list[str] = []
    unread: dict[str, int] = {}
    for reason in reasons:
        name = naming.calendar(reason.calendar_id)
        if reason.kind == "held":
            said.append(words("ahead.doubt.held", calendar=name))
        elif reason.kind == "stale":
            closed = reason.rule == "closed_while_stale"
            said.append(words("ahead.doubt.closed" if closed else "ahead.doubt.kept", calendar=name))
        elif reason.start is None:
            unread[name] = unread.get(name, 0) + 1
    several = [words.counted("ahead.doubt.unread", number, calendar=name) for name, number in unread.items()]
    return [*dict.fromkeys(said), *several]
