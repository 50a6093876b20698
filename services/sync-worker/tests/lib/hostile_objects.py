"""Objects that somebody wrote to harm their reader, or that a broken program left; what each is refused for."""

from collections.abc import Callable

from sync_worker.domain.values import Flaw

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


def many(part: Callable[[int], str]) -> str:
    """As many different parts as make a megabyte."""
    return "".join(map(part, range((MEGABYTE - 2000) // len(part(9999)))))


def at(number: int) -> str:
    """A time of 2026, another one for each of the first 300,000 numbers."""
    hours, minute = divmod(number, 60)
    days, hour = divmod(hours, 24)
    return f"2026{days // 28 % 12 + 1:02}{days % 28 + 1:02}T{hour:02}{minute:02}00"


def onwards(number: int) -> str:
    rule = f"RRULE:FREQ=YEARLY;INTERVAL={number + 2}"
    return event(f"RECURRENCE-ID;RANGE=THISANDFUTURE:{at(number)}Z", "DTSTART:20260301T110000Z", rule)


def master_or_override(number: int) -> str:
    return event(f"RECURRENCE-ID:{at(number)}Z", START) if number % 2 else event(START)


def observance(number: int) -> str:
    lines = (f"DTSTART:{1000 + number % 9000}0105T000000", "TZOFFSETFROM:+0100", f"TZOFFSETTO:+0{number % 9}00")
    return "\r\n".join(["BEGIN:STANDARD", *lines, "END:STANDARD", ""])


def zones(rule: str, count: int) -> str:
    definition = (
        "BEGIN:VTIMEZONE\r\nTZID:Z{}\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\n"
        f"TZOFFSETTO:+0200\r\nRRULE:{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    used = (event(f"DTSTART;TZID=Z{n}:20260105T100000").replace("bomb", f"bomb{n}") for n in range(count))
    return calendar(*(definition.format(n) for n in range(count)), *used)


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
    "years whose days are all looked at": (
        calendar(event("DTSTART:00020105T100000Z", *["RRULE:FREQ=YEARLY;BYWEEKNO=-53;COUNT=9999"] * 20)),
        Flaw.TOO_MUCH_WORK,
    ),
    "commas": (calendar(event(START, END, "EXDATE:" + "," * 900_000)), None),
    "no date among half a million": (calendar(event(START, END, "EXDATE:" + "1," * 450_000)), Flaw.TIME_MALFORMED),
    "days without number": (
        calendar(event(START, "RDATE:" + many(lambda n: f"{1000 + n % 8000}{n // 8000 % 12 + 1:02}05,"))),
        Flaw.TOO_MUCH_WORK,
    ),
    "a change of rule for each extra date": (
        calendar(event(START, f"RDATE:{'29990105T100000Z,' * 45_000}"), *map(onwards, range(540))),
        Flaw.TOO_MUCH_WORK,
    ),
    "an exception for each extra date": (
        calendar(event(START, f"EXDATE:{'29990105T100000Z,' * 45_000}"), *map(onwards, range(540))),
        Flaw.TOO_MUCH_WORK,
    ),
    "as many series as instances": (calendar(many(master_or_override)), Flaw.TOO_LARGE),
    "series upon series": (
        calendar(many(lambda n: f"BEGIN:VEVENT\nUID:{n}\nDTSTART:20260105\nRRULE:FREQ=DAILY\nEND:VEVENT\n")),
        Flaw.TOO_LARGE,
    ),
    "no event among thousands": (calendar("BEGIN:VEVENT\nEND:VEVENT\n" * 38_000), Flaw.TOO_LARGE),
    "ends without beginning": (calendar("END:X\n" * 160_000), Flaw.TRUNCATED),
    "clocks that change ten thousand times": (
        calendar(
            f"BEGIN:VTIMEZONE\r\nTZID:Z\r\n{''.join(map(observance, range(9_000)))}END:VTIMEZONE\r\n",
            event("DTSTART;TZID=Z:20260105T100000", "RRULE:FREQ=DAILY"),
        ),
        None,
    ),
    "nothing but ends of lines": ("\r\r\n" * 330_000, Flaw.NOT_A_CALENDAR),
    "an object and nine hundred thousand NULs": (calendar(event(START, END)) + "\0" * 900_000, None),
    "letters of four bytes, folded": (calendar(event(START, END, "SUMMARY:" + "\U0001f600\r\n " * 240_000)), None),
    "carets": (calendar(event(START, END, f'ATTENDEE;PARTSTAT=DECLINED;CN="{"^n^^" * 200_000}":mailto:a')), None),
    "percents": (calendar(event(START, END, "ATTENDEE;PARTSTAT=DECLINED:mailto:" + "%41" * 300_000)), None),
    "a fraction without end": (calendar(event(START, f"DTEND:T000000.{'1' * 900_000}x")), Flaw.TIME_MALFORMED),
    "times within times": (calendar(event(START, "DTEND:" + "T000000.1" * 100_000)), Flaw.TIME_MALFORMED),
    "a length back beyond time": (
        calendar(event(START, "DURATION:-P999999999W", "RRULE:FREQ=YEARLY")),
        Flaw.TOO_MANY_OCCURRENCES,
    ),
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
