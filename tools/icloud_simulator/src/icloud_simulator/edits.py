"""What a user changes on an iPhone, done to the text of an object line by line; all the rest stays verbatim."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from icloud_simulator.apple_ics import duration_text, escaped
from icloud_simulator.ics import Line, content_line, folded, parse, unfolded
from icloud_simulator.instants import instant, is_date, utc_stamp, zone_of
from icloud_simulator.rules import rule_starts

_SERIES = "RELATED-TO;RELTYPE=X-CALENDARSERVER-RECURRENCE-SET"


class Side(StrEnum):
    """A side of a split series. Apple's server leaves the original to the future, some clients to the past."""

    PAST = "past"
    FUTURE = "future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is set on the first event of an object; None leaves as is. `partstat` is the answer of `me`."""

    title: str | None = None
    start: date | datetime | None = None
    end: date | datetime | None = None
    transparent: bool | None = None
    status: str | None = None
    partstat: str | None = None
    me: str = ""
    travel: timedelta | None = None


def edited(text: str, changes: Changes, now: datetime) -> str:
    """Return the text with its first event changed. Raises ValueError when there is no event to change."""
    event = _first_event(text)
    replaced: dict[str, str | None] = {"DTSTAMP": f"DTSTAMP:{utc_stamp(now)}", "LAST-MODIFIED": None}
    replaced["SEQUENCE"] = f"SEQUENCE:{int(event.get('SEQUENCE', _NOTHING).value or 0) + 1}"
    if changes.title is not None:
        replaced["SUMMARY"] = f"SUMMARY:{escaped(changes.title)}"
    if changes.start is not None:
        replaced["DTSTART"] = _retimed(event["DTSTART"], "DTSTART", changes.start)
    if changes.end is not None:
        replaced["DTEND"] = _retimed(event.get("DTEND", event["DTSTART"]), "DTEND", changes.end)
        replaced["DURATION"] = None
    if changes.transparent is not None:
        replaced["TRANSP"] = f"TRANSP:{'TRANSPARENT' if changes.transparent else 'OPAQUE'}"
    if changes.status is not None:
        replaced["STATUS"] = f"STATUS:{changes.status}"
    if changes.travel is not None:
        name = "X-APPLE-TRAVEL-DURATION"
        replaced[name] = f"{name};VALUE=DURATION:{duration_text(changes.travel)}" if changes.travel else None
    answered = _answer(changes.me, changes.partstat) if changes.partstat is not None else None
    return _rewritten(text, replaced, answered)


def split(text: str, at: datetime, now: datetime, *, original: Side = Side.FUTURE) -> tuple[str, str]:
    """Split a series before an occurrence into past and future; `original` keeps the UID, the other side gets one.

    Exceptions go with their occurrences. Raises ValueError for what is no series.
    """
    event = _first_event(text)
    if "RRULE" not in event or "UID" not in event:
        raise ValueError("not a series")
    start, end = event["DTSTART"], event.get("DTEND")
    series = f"{_SERIES}:{uuid.uuid4()}".upper()
    stamped: dict[str, str | None] = {"DTSTAMP": f"DTSTAMP:{utc_stamp(now)}", "RELATED-TO": series}
    before, after = _rules(event["RRULE"].value, start, at)
    past = {**stamped, "RRULE": before}
    future = {**stamped, "RRULE": after, "DTSTART": _retimed(start, "DTSTART", at)}
    if end is not None:
        future["DTEND"] = _retimed(end, "DTEND", at + (instant(end) - instant(start)))
    sides = {
        Side.PAST: _rewritten(_with_exceptions(text, kept=lambda moment: moment < at), past, None),
        Side.FUTURE: _rewritten(_with_exceptions(text, kept=lambda moment: moment >= at), future, None),
    }
    other = Side.PAST if original is Side.FUTURE else Side.FUTURE
    sides[other] = _with_new_uid(sides[other], event["UID"].value)
    return sides[Side.PAST], sides[Side.FUTURE]


def _rules(rule: str, start: Line, at: datetime) -> tuple[str, str]:
    """Return the rules of both sides: the past one ends, the future one has what is left of a COUNT."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    last = at - timedelta(seconds=1)
    bound = f"{last:%Y%m%d}" if is_date(start) else utc_stamp(last)
    count = parts.pop("COUNT", None)
    until = {} if "UNTIL" not in parts else {"UNTIL": parts.pop("UNTIL")}
    left = {} if count is None else {"COUNT": str(int(count) - sum(1 for _ in rule_starts(rule, start, last)))}
    return _rule({**parts, "UNTIL": bound}), _rule({**parts, **until, **left})


def _rule(parts: dict[str, str]) -> str:
    return "RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items())


_NOTHING = Line("", {}, "")


def _first_event(text: str) -> dict[str, Line]:
    events = parse(text).inside("VEVENT")
    if not events or events[0].first("DTSTART") is None:
        raise ValueError("no event in the object")
    return {line.name: line for line in reversed(events[0].lines)}


def _retimed(old: Line, name: str, value: date | datetime) -> str:
    """Write a new time the way the old one was written: as a date, in its zone, or in UTC."""
    if not isinstance(value, datetime):
        return f"{name};VALUE=DATE:{value:%Y%m%d}"
    if is_date(old):
        return f"{name};VALUE=DATE:{value:%Y%m%d}"
    local = zone_of(old, old.value)
    wall = (value if value.tzinfo is None else value.astimezone(local)).replace(tzinfo=None)
    tzid = old.parameters.get("TZID")
    if tzid is not None:
        return f"{name};TZID={tzid}:{wall:%Y%m%dT%H%M%S}"
    return f"{name}:{wall:%Y%m%dT%H%M%S}{'Z' if local is UTC else ''}"


def _answer(me: str, partstat: str) -> Callable[[str], str]:
    def answered(line: str) -> str:
        if not line.startswith("ATTENDEE") or not line.lower().endswith(f"mailto:{me}"):
            return line
        return re.sub(r"PARTSTAT=[A-Z-]+", f"PARTSTAT={partstat}", line)

    return answered


def _rewritten(text: str, replaced: dict[str, str | None], line_edit: Callable[[str], str] | None) -> str:
    return folded(_event_rewritten(unfolded(text), replaced, line_edit))


def _event_rewritten(
    lines: Iterable[str], replaced: dict[str, str | None], line_edit: Callable[[str], str] | None
) -> Iterator[str]:
    open_parts: list[str] = []
    done = False
    for line in lines:
        name = re.split("[;:]", line, maxsplit=1)[0].upper()
        inside = open_parts == ["VCALENDAR", "VEVENT"] and not done
        if name == "BEGIN":
            open_parts.append(line[6:].strip().upper())
        elif name == "END":
            if inside:
                yield from (new for new in replaced.values() if new is not None)
                done = True
            open_parts.pop()
        elif inside and name in replaced:
            continue
        yield line_edit(line) if line_edit is not None and inside else line


def _with_new_uid(text: str, old: str) -> str:
    new = f"UID:{uuid.uuid4()}".upper()
    return folded(new if line == f"UID:{old}" else line for line in unfolded(text))


def _with_exceptions(text: str, *, kept: Callable[[datetime], bool]) -> str:
    """Return an object without the overrides, EXDATEs and RDATEs of moments that are not kept."""
    lines: list[str] = []
    event: list[str] = []
    for line in unfolded(text):
        if event or line == "BEGIN:VEVENT":
            event.append(line)
        else:
            lines.append(line)
        if line == "END:VEVENT":
            lines += _kept_of(event, kept)
            event = []
    return folded(lines)


def _kept_of(event: list[str], kept: Callable[[datetime], bool]) -> list[str]:
    instead_of = next((content_line(line) for line in event if line.startswith("RECURRENCE-ID")), None)
    if instead_of is not None:
        return event if kept(instant(instead_of)) else []
    return [left for line in event if (left := _dates_kept(line, kept)) is not None]


def _dates_kept(line: str, kept: Callable[[datetime], bool]) -> str | None:
    if not line.startswith(("EXDATE", "RDATE")):
        return line
    dates = content_line(line)
    left = [value for value in dates.value.split(",") if kept(instant(dates, value.split("/")[0]))]
    return line.removesuffix(dates.value) + ",".join(left) if left else None
