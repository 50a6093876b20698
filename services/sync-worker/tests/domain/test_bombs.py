"""Hostile objects: refused, or read right, in at most two seconds of CPU, with what can be told of their time."""

from time import process_time
from zoneinfo import ZoneInfo

import pytest

from sync_worker.domain.gathering import OCCURRENCES
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Flaw, ImportedObject, Span, Unreadable

HORIZON = Span(1_767_225_600, 1_767_225_600 + 401 * 86_400)  # from 2026-01-01
MOST_SECONDS = 2.0
MEGABYTE = 1_000_000
START = "DTSTART;TZID=Europe/Paris:20260105T100000"
END = "DTEND;TZID=Europe/Paris:20260105T100100"
FIRST = (1_767_603_600, 1_767_603_660)


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", "UID:bomb", *lines, "END:VEVENT", ""])


def calendar(*parts: str) -> str:
    return f"BEGIN:VCALENDAR\r\n{''.join(parts)}END:VCALENDAR\r\n"


def since_1900(rule: str) -> str:
    return calendar(event("DTSTART:19000101T000000Z", "DTEND:19000101T000030Z", f"RRULE:{rule}"))


def filled(line: str, *others: str) -> str:
    """An object of a megabyte, of one line again and again; `{}` counts."""
    size = len(line.format(100_000)) + 2
    return calendar(
        event(*others, *(line.format(number) for number in range(100_000, 100_000 + MEGABYTE // size - 20)))
    )


def zones(rule: str, count: int) -> str:
    definition = (
        "BEGIN:VTIMEZONE\r\nTZID:Z{}\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\n"
        f"TZOFFSETTO:+0200\r\nRRULE:{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    used = (event(f"DTSTART;TZID=Z{n}:20260105T100000").replace("bomb", f"bomb{n}") for n in range(count))
    return calendar(*(definition.format(n) for n in range(count)), *used)


def read(text: str) -> ImportedObject | Unreadable:
    begun = process_time()
    try:
        return read_object(text, horizon=HORIZON, zone=ZoneInfo("Europe/Paris"), addresses=frozenset({"me@x.org"}))
    except Unreadable as unreadable:
        return unreadable
    finally:
        assert process_time() - begun <= MOST_SECONDS


ALL_DAYS = ",".join(f"{n}{day}" for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU") for n in range(-53, 54) if n)
ALL_POSITIONS = ",".join(str(n) for n in range(-366, 367) if n)
SIXTY = ",".join(map(str, range(60)))
BOMBS = {
    "every second since 1900": (since_1900("FREQ=SECONDLY"), Flaw.TOO_MANY_OCCURRENCES),
    "every minute since 1900": (since_1900("FREQ=MINUTELY"), Flaw.TOO_MANY_OCCURRENCES),
    "every hour": (since_1900("FREQ=HOURLY"), Flaw.TOO_MANY_OCCURRENCES),
    "a thousand million seconds": (since_1900("FREQ=SECONDLY;COUNT=1000000000"), Flaw.TOO_MUCH_WORK),
    "seconds of a day that never comes": (since_1900("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5"), None),
    "no step forward": (since_1900("FREQ=DAILY;INTERVAL=0"), Flaw.RULE_MALFORMED),
    "a count of forty digits": (since_1900(f"FREQ=DAILY;COUNT={'9' * 40}"), Flaw.RULE_MALFORMED),
    "every second of a day, listed": (
        since_1900(f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={SIXTY};BYSECOND={SIXTY}"),
        Flaw.TOO_MUCH_WORK,
    ),
    "every position of every weekday": (
        since_1900(f"FREQ=YEARLY;BYDAY={ALL_DAYS};BYSETPOS={ALL_POSITIONS};COUNT=9999"),
        Flaw.TOO_MUCH_WORK,
    ),
    "positions each second": (
        since_1900(f"FREQ=SECONDLY;BYHOUR=3;BYSETPOS={ALL_POSITIONS};COUNT=90000"),
        Flaw.TOO_MUCH_WORK,
    ),
    "rules without number": (filled("RRULE:FREQ=YEARLY;BYWEEKNO=-53;COUNT={}", START, END), Flaw.TOO_MUCH_WORK),
    "excluding rules without number": (filled("EXRULE:FREQ=SECONDLY;COUNT={}", START, END), Flaw.TOO_MUCH_WORK),
    "a megabyte of dates": (filled("RDATE:20260105T{}Z", START, END), Flaw.TIME_MALFORMED),
    "a definition that changes each second": (zones("FREQ=SECONDLY", 1), Flaw.TOO_MUCH_WORK),
    "a thousand definitions": (zones("FREQ=YEARLY;BYDAY=1MO", 1000), Flaw.TOO_MUCH_WORK),
    "components without bottom": (calendar(event(START, END, *["BEGIN:VALARM"] * 60_000)), Flaw.TOO_DEEP),
    "a zone without bottom": (calendar(event(f"DTSTART;TZID={'/' * 900_000}:20260105T100000", END)), Flaw.ZONE_UNKNOWN),
    "twenty thousand zones": (filled("EXDATE;TZID=/a/b/{}:20260105T100000", START, END), Flaw.ZONE_UNKNOWN),
    "quotes without end": (calendar(event(START, END, "ATTENDEE;PARTSTAT=DECLINED" + ';X="' * 180_000)), None),
    "a name of backslashes": (calendar(event(START, END, "SUMMARY:" + "\\" * 900_000)), None),
    "a number of a megabyte": (calendar(event(START, END, "SEQUENCE:" + "9" * 900_000)), None),
    "a rule of semicolons": (calendar(event(START, END, "RRULE:" + ";" * 900_000)), Flaw.RULE_MALFORMED),
    "a time of digits": (calendar(event(START, "DTEND:" + "2" * 900_000)), Flaw.TIME_MALFORMED),
    "folds without number": (calendar(event(START, END, "SUMMARY:x" + "\r\n " * 300_000)), None),
    "a duration beyond time": (calendar(event(START, "DURATION:P999999999W", "RRULE:FREQ=DAILY")), None),
    "a start before time": (calendar(event("DTSTART:00010101T000000Z", "RRULE:FREQ=DAILY")), Flaw.TIME_MALFORMED),
    "more than we take": (filled("COMMENT:{}", START, END) + "x" * MEGABYTE, Flaw.TOO_LARGE),
    "two dots in a zone": (calendar(event("DTSTART;TZID=../../etc/passwd:20260105T100000")), Flaw.ZONE_UNKNOWN),
    "a zone of this machine": (calendar(event("DTSTART;TZID=localtime:20260105T100000")), Flaw.ZONE_UNKNOWN),
}


@pytest.mark.parametrize(("text", "flaw"), BOMBS.values(), ids=BOMBS.keys())
def test_a_hostile_object_is_done_with_in_time(text: str, flaw: Flaw | None) -> None:
    result = read(text)

    if flaw is None:
        assert isinstance(result, ImportedObject)
    else:
        assert isinstance(result, Unreadable)
        assert result.reason == flaw


def test_thousands_of_moved_instances_are_read() -> None:
    moved = [
        event(f"RECURRENCE-ID:{day}T{hour:02}0000Z", f"DTSTART:{day}T{hour:02}3000Z", f"DTEND:{day}T{hour:02}4500Z")
        for day in range(20260201, 20260229)
        for hour in range(24)
    ]
    series = event("DTSTART:20260201T000000Z", "DTEND:20260201T003000Z", "RRULE:FREQ=HOURLY;COUNT=672")

    result = read(calendar(series, *moved))

    assert isinstance(result, ImportedObject)
    assert sum(len(group.spans) for group in result.groups) == len(moved)


def test_thousands_of_changes_from_then_on_are_done_with_in_time() -> None:
    changed = [
        event(
            f"RECURRENCE-ID;RANGE=THISANDFUTURE:2026010{number % 9 + 1}T{number // 3600:02}{number // 60 % 60:02}00Z",
            START,
        )
        for number in range(0, 80_000, 20)
    ]
    rules = [
        line.replace("END:VEVENT", f"RRULE:FREQ=DAILY;INTERVAL={n + 1}\r\nEND:VEVENT") for n, line in enumerate(changed)
    ]

    result = read(calendar(event(START, END, "RRULE:FREQ=DAILY"), *rules))

    assert isinstance(result, Unreadable)


def test_too_many_occurrences_still_block_the_nearest() -> None:
    result = read(since_1900("FREQ=HOURLY"))

    assert isinstance(result, Unreadable)
    (group,) = result.groups
    assert len(group.spans) == OCCURRENCES
    assert group.spans[0] == (HORIZON.start, HORIZON.start + 30)
    assert result.span == Span(*group.spans[0])


def test_a_rule_that_is_refused_blocks_its_first_instance() -> None:
    result = read(calendar(event(START, END, "RRULE:FREQ=DAILY;INTERVAL=0")))

    assert isinstance(result, Unreadable)
    assert [group.spans for group in result.groups] == [(FIRST,)]
    assert result.span == Span(*FIRST)


def test_a_huge_count_that_ends_nowhere_near_is_simply_a_series() -> None:
    result = read(calendar(event(START, END, "RRULE:FREQ=DAILY;COUNT=2000000000")))

    assert isinstance(result, ImportedObject)
    assert len(result.groups[0].spans) == 397


@pytest.mark.parametrize(
    "text", ["", "<html><body>Unsupported Request</body></html>", "{}", "UID:1\r\nDTSTART:20260101"]
)
def test_what_is_no_calendar_is_said_to_be_none(text: str) -> None:
    result = read(text)

    assert isinstance(result, Unreadable)
    assert (result.reason, result.span) == (Flaw.NOT_A_CALENDAR, None)
