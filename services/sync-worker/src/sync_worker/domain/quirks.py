"""What real calendars get wrong, and how we read it: one function per defect, applied from the tuples below.

Each has a witness in tests/domain/ics/, named as the function. To add one: the witness first, then the function,
then its name in the tuple of its kind. A quirk leaves alone what it does not recognise.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from sync_worker.domain.civil import DAY
from sync_worker.domain.zones import UTC_ZONE, Moment, Zone

# --- whole texts ------------------------------------------------------------------------------------------------------


def byte_order_mark(text: str) -> str:
    """Editors of one system put U+FEFF before everything."""
    return text.lstrip("\ufeff")


def line_ends(text: str) -> str:
    """CR LF is the rule (RFC 5545, 3.1); LF, CR alone and CR CR LF are met. Fold marks follow them."""
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def escaped_line_ends(text: str) -> str:
    """Servers that escape twice leave the text `&#13;` where XML meant a CR."""
    return text.replace("&#13;", "") if "&#13;" in text else text


def nul_characters(text: str) -> str:
    """NUL is not text; databases and fixed-size buffers leave it."""
    return text.replace("\0", "") if "\0" in text else text


TEXTS: tuple[Callable[[str], str], ...] = (nul_characters, byte_order_mark, escaped_line_ends, line_ends)

# --- times that are not written as RFC 5545 wants them ----------------------------------------------------------------


def lower_case_time(text: str) -> str:
    """`20260105t100000z`."""
    return text.upper()


def spaces_in_time(text: str) -> str:
    """`20260105 T100000`, and trailing blanks that Apple's server leaves on lines."""
    return "".join(text.split())


def time_without_seconds(text: str) -> str:
    """`20260105T1000`, `20260105T1000Z`."""
    return re.sub(r"(T\d{4})(?=Z?$)", r"\g<1>00", text, flags=re.ASCII)


def leap_second(text: str) -> str:
    """`T235960`: RFC 5545 says to take it as the 59th second (3.3.12)."""
    return re.sub(r"(T\d{4})60(?=Z?$)", r"\g<1>59", text, flags=re.ASCII)


def time_with_fraction(text: str) -> str:
    """`20260105T100000.000Z`."""
    return re.sub(r"(T\d{6})\.\d+(?=Z?$)", r"\1", text, flags=re.ASCII)


TIMES: tuple[Callable[[str], str], ...] = (
    spaces_in_time,
    lower_case_time,
    time_without_seconds,
    time_with_fraction,
    leap_second,
)

# --- recurrence rules -------------------------------------------------------------------------------------------------


def spaces_in_rule(text: str) -> str:
    """`FREQ=WEEKLY; BYDAY=MO, TU`."""
    return "".join(text.split()) if " " in text or "\t" in text else text


def lower_case_rule(text: str) -> str:
    """`freq=weekly;byday=mo`."""
    return text.upper()


def negative_count(text: str) -> str:
    """`COUNT=-1` for "no end" (niccokunzmann/python-recurring-ical-events#128)."""
    return re.sub(r"(^|;)COUNT=-\d+(?=;|$)", r"\1", text, flags=re.ASCII)


RULES: tuple[Callable[[str], str], ...] = (spaces_in_rule, lower_case_rule, negative_count)


def repaired_rule(text: str) -> str:
    """Apply every quirk of rules."""
    for quirk in RULES:
        text = quirk(text)
    return text


# --- names of zones: each yields names to try -------------------------------------------------------------------------


def quoted_name(name: str) -> Iterator[str]:
    """Quotes of any kind, escaped or not, that became part of the name."""
    yield name.strip("\\\"' \t")


def global_name(name: str) -> Iterator[str]:
    """A vendor's prefix (RFC 5545, 3.2.19): `/freeassociation.sourceforge.net/Tzfile/Europe/Paris`."""
    parts = name.strip("/").split("/")
    for first in range(max(1, len(parts) - 3), len(parts)):
        yield "/".join(parts[first:])


def spaced_name(name: str) -> Iterator[str]:
    """`America/New York`."""
    yield name.replace(" ", "_")


ZONE_NAMES: tuple[Callable[[str], Iterator[str]], ...] = (quoted_name, global_name, spaced_name)

# --- ends that contradict their start ---------------------------------------------------------------------------------


def timed_end_of_all_day(start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """DTSTART is a date and DTEND is not: the day of that end counts whole."""
    if start.is_date and not end.is_date:
        end = replace(start, wall=-(-end.wall // DAY) * DAY)
    return start, end


def day_as_end_of_timed(start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """DTSTART is a time and DTEND is a date: it ends where that day begins, or with its own day if that is earlier."""
    if end.is_date and not start.is_date:
        end = replace(start, wall=max(end.wall, (start.wall // DAY + 1) * DAY))
    return start, end


def all_day_ends_as_it_starts(start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """DTEND of a date is exclusive; written as if it were inclusive, the event would last no time at all."""
    if start.is_date and end.wall == start.wall:
        end = replace(end, wall=end.wall + DAY)
    return start, end


def end_before_start(start: Moment, end: Moment) -> tuple[Moment, Moment]:
    """Start and end are the wrong way round. Of an all-day event, both days count."""
    if end.instant >= start.instant:
        return start, end
    return end, (replace(start, wall=start.wall + DAY) if start.is_date else start)


ENDS: tuple[Callable[[Moment, Moment], tuple[Moment, Moment]], ...] = (
    timed_end_of_all_day,
    day_as_end_of_timed,
    all_day_ends_as_it_starts,
    end_before_start,
)

# --- instances and ends of series that are named in another kind of time ----------------------------------------------


def day_meant(moment: Moment, home: Zone) -> int:
    """An all-day series' EXDATE, RECURRENCE-ID or UNTIL is a time: the date on its own wall.

    In UTC that is the date in the zone of the connection (Outlook writes local midnight so), except at UTC's own
    midnight and the second before, which were dates once.
    """
    wall = moment.wall
    if moment.zone == UTC_ZONE and wall % DAY not in {0, DAY - 1}:
        wall = home.wall(wall)
    return wall // DAY * DAY


def until_meant(until: Moment, start: Moment) -> int:
    """UNTIL is of another kind than DTSTART: the last wall time that belongs to the series, the later where in doubt.

    A date on a timed series: that day counts whole. UTC on a floating one: as it stands, or in the connection's zone.
    """
    if start.is_date:
        return day_meant(until, start.zone)
    if until.is_date:
        return until.wall + DAY - 1
    if until.zone == UTC_ZONE and start.zone != UTC_ZONE:
        wall = _last_wall(until.wall, start.zone)
        return max(wall, until.wall) if start.floating else wall
    return until.wall


def _last_wall(instant: int, zone: Zone) -> int:
    """Tell the last wall time that is not after `instant`.

    In the hour that comes twice, an instant of the second pass is after all of the first, be its clock earlier.
    """
    wall = zone.wall(instant)
    first = zone.instant(wall)
    if first >= instant or zone.wall(first) != wall:
        return wall
    offset = wall - first
    before, after = first, instant
    while after - before > 1:
        between = (before + after) // 2
        before, after = (between, after) if zone.wall(between) - between == offset else (before, between)
    return before + offset


def second_pass(named: Moment) -> Moment | None:
    """RECURRENCE-ID or EXDATE in a zone in which that time comes twice: the second, if there is one.

    The first is what it says (RFC 5545, 3.3.5). Who wrote the second in that zone has lost which one it was.
    """
    first = named.instant
    second = named.zone.instant(named.wall + DAY) - DAY
    if second <= first or named.zone.wall(second) != named.wall:
        return None
    return Moment(second, UTC_ZONE)
