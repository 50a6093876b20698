"""One VEVENT, read. What cannot be read of it is noted as a flaw and the rest is read on, erring towards busy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sync_worker.domain.attendance import declined
from sync_worker.domain.budget import Refused
from sync_worker.domain.civil import DAY
from sync_worker.domain.lengths import Length, between, lasting
from sync_worker.domain.rules import Rule, read_rule
from sync_worker.domain.text import Lines, parameters
from sync_worker.domain.times import read_duration, read_time
from sync_worker.domain.values import Facts, Flaw
from sync_worker.domain.zone_names import Zones
from sync_worker.domain.zones import UTC_ZONE, Moment, Zone

# What an event blocks whose end cannot be read: Apple's own length of a new event.
_ASSUMED = 3600
_LONGEST_TRAVEL = DAY
_TITLE_CHARACTERS = 1000
# RFC 5545 advises one.
_MOST_RULES = 20
# Lists that hold more wrong times than this are not read on: 60 ms of work.
_MOST_WRONG = 10_000
_TZID = re.compile(r';TZID=("[^"]*"|[^;]*)', re.IGNORECASE)
_ESCAPED = re.compile(r"\\([\\;,nN])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One VEVENT: a series, a single event, or what `replaces` an instance (`onwards`: and all later ones) of one.

    `dates` are the RDATEs, with a length of their own where they are periods.
    """

    uid: str
    sequence: int
    title: str | None = field(repr=False)
    facts: Facts
    start: Moment
    length: Length
    replaces: Moment | None
    onwards: bool
    rules: tuple[Rule, ...]
    excluded_rules: tuple[Rule, ...]
    dates: tuple[tuple[Moment, Length | None], ...]
    excluded: tuple[Moment, ...]


class EventReading:
    """Reads the events of one object, in the zone and with the addresses of its connection. Notes flaws."""

    def __init__(self, zones: Zones, home: Zone, addresses: frozenset[str]) -> None:
        self._zones = zones
        self._home = home
        self._addresses = addresses
        self._wrong = 0
        self.flaws: list[Flaw] = []

    def event(self, lines: Lines) -> Event | None:
        """None when it has no start that can be read."""
        start = next(self._moments(lines.get("DTSTART", ())[:1], None), None)
        if start is None:
            self.flaws.append(Flaw.START_MISSING)
            return None
        return Event(
            uid=_value(lines, "UID"),
            sequence=_sequence(_value(lines, "SEQUENCE")),
            title=_title(lines),
            facts=self._facts(lines, start),
            start=start,
            length=self._length(lines, start),
            replaces=self._replaced(lines, start),
            onwards="THISANDFUTURE" in lines.get("RECURRENCE-ID", ("",))[0].upper(),
            rules=self._rules(lines.get("RRULE", ()), start),
            excluded_rules=self._rules(lines.get("EXRULE", ()), start),
            dates=tuple(self._dates(lines.get("RDATE", ()), start)),
            excluded=tuple(self._moments(lines.get("EXDATE", ()), start)),
        )

    def _texts(self, rests: list[str] | tuple[str, ...]) -> Iterator[tuple[str, Zone | None]]:
        """Yield each time of comma-separated lists, with the zone that its line names, be there a colon in it."""
        for rest in rests:
            head, _, value = rest.rpartition(":")
            zone = self._zone(head) if ";" in head else None
            for text in value.split(","):
                if text and not text.isspace():
                    yield text, zone

    def _zone(self, head: str) -> Zone | None:
        """Find the zone that parameters name; an unknown one is a flaw, and that of the connection is taken."""
        match = _TZID.search(head)
        if match is None:
            return None
        try:
            return self._zones.named(match[1].strip('"'))
        except Refused as refused:
            self.flaws.append(refused.flaw)
            return self._home

    def _moment(self, text: str, zone: Zone | None, start: Moment | None) -> Moment:
        """Read a time; one without a zone has that of the event's start, else that of the connection."""
        wall, is_date, is_utc = read_time(text)
        if is_date:
            return Moment(wall, self._home, is_date=True, floating=True)
        if is_utc:
            return Moment(wall, UTC_ZONE)
        if zone is not None:
            return Moment(wall, zone)
        if start is not None and not start.floating:
            return Moment(wall, start.zone)
        return Moment(wall, self._home, floating=True)

    def _moments(self, rests: list[str] | tuple[str, ...], start: Moment | None) -> Iterator[Moment]:
        for text, zone in self._texts(rests):
            try:
                yield self._moment(text, zone, start)
            except Refused as refused:
                if not self._goes_on(refused):
                    return

    def _goes_on(self, refused: Refused) -> bool:
        """Note a value of a list that is wrong; False when there were so many that the list is not worth the time."""
        self.flaws.append(refused.flaw)
        self._wrong += 1
        return self._wrong < _MOST_WRONG

    def _dates(self, rests: list[str] | tuple[str, ...], start: Moment) -> Iterator[tuple[Moment, Length | None]]:
        for text, zone in self._texts(rests):
            first, _, last = text.partition("/")
            try:
                begin = self._moment(first, zone, start)
                if not last:
                    yield begin, None
                elif "P" in last.upper():
                    yield begin, lasting(begin, read_duration(last))
                else:
                    yield begin, between(begin, self._moment(last, zone, start))
            except Refused as refused:
                if not self._goes_on(refused):
                    return

    def _length(self, lines: Lines, start: Moment) -> Length:
        """An end that is missing is RFC 5545's default, one that cannot be read is assumed."""
        usual = Length(DAY if start.is_date else 0)
        try:
            for text, zone in self._texts(lines.get("DTEND", ())[:1]):
                return between(start, self._moment(text, zone, start))
            for rest in lines.get("DURATION", ())[:1]:
                return lasting(start, read_duration(rest.rpartition(":")[2]))
        except Refused as refused:
            self.flaws.append(refused.flaw)
            return usual if start.is_date else Length(_ASSUMED)
        return usual

    def _replaced(self, lines: Lines, start: Moment) -> Moment | None:
        """Tell which instance it replaces; if that cannot be read, the one that would be at its own start."""
        if "RECURRENCE-ID" not in lines:
            return None
        return next(self._moments(lines["RECURRENCE-ID"][:1], start), start)

    def _rules(self, rests: list[str] | tuple[str, ...], start: Moment) -> tuple[Rule, ...]:
        rules = []
        if len(rests) > _MOST_RULES:
            self.flaws.append(Flaw.TOO_MUCH_WORK)
        for rest in rests[:_MOST_RULES]:
            try:
                rule = read_rule(rest.rpartition(":")[2])
                rules.append(rule.of_days() if start.is_date else rule)
            except Refused as refused:
                self.flaws.append(refused.flaw)
        return tuple(rules)

    def _facts(self, lines: Lines, start: Moment) -> Facts:
        status = _value(lines, "STATUS").upper()
        shown_as = _value(lines, "TRANSP").upper()
        return Facts(
            cancelled=status == "CANCELLED",
            declined=declined(lines.get("ATTENDEE", ()), self._addresses),
            transparent=shown_as == "TRANSPARENT" or (start.is_date and not shown_as),
            tentative=status == "TENTATIVE",
            all_day=start.is_date,
            travel_seconds=0 if start.is_date else self._travel(lines),
        )

    def _travel(self, lines: Lines) -> int:
        for rest in lines.get("X-APPLE-TRAVEL-DURATION", ())[:1]:
            try:
                seconds = sum(read_duration(rest.rpartition(":")[2]))
            except Refused:
                seconds = -1
            if 0 <= seconds <= _LONGEST_TRAVEL:
                return seconds
            self.flaws.append(Flaw.TRAVEL_MALFORMED)
        return 0


def _value(lines: Lines, name: str) -> str:
    return parameters(lines[name][0])[1].strip() if name in lines else ""


def _sequence(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("4294967295") else 0


def _title(lines: Lines) -> str | None:
    if "SUMMARY" not in lines:
        return None
    return _text(lines, "SUMMARY")[:_TITLE_CHARACTERS]


def _text(lines: Lines, name: str) -> str:
    text = parameters(lines[name][0])[1][: 2 * _TITLE_CHARACTERS] if name in lines else ""
    return _ESCAPED.sub(lambda escaped: escaped[1].replace("n", "\n").replace("N", "\n"), text)
