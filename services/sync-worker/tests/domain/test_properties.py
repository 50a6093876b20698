"""What holds for every series, and for every text however broken."""

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generated_series import GeneratedSeries
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import FactGroup, Facts, ImportedObject, Span, Unreadable

PARIS = ZoneInfo("Europe/Paris")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = Span(int(FIRST.timestamp()), int((FIRST + timedelta(days=400)).timestamp()))
FILES = sorted((Path(__file__).parent / "ics").glob("*.ics"))
FUZZED = int(os.environ.get("CALSYNC_TEST_FUZZ", "1500"))

same_each_run = settings(derandomize=True, deadline=None, max_examples=120)
minutes = st.integers(0, 500 * 1440)
rules = st.sampled_from([
    "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE,SU;INTERVAL=2;WKST=SU",
    "FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY", "FREQ=HOURLY;INTERVAL=7", "FREQ=DAILY;COUNT=400",
    "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=WEEKLY;UNTIL=20260901T000000Z", "FREQ=DAILY;BYHOUR=1,2,3;BYSETPOS=-1",
])  # fmt: skip
zones = st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
lengths = st.sampled_from([0, 1, 30, 60, 1440, 20_000])


def series(zone: str, start: datetime, rule: str, length: int, *more: str) -> str:
    lines = [
        "BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:series", f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}",
        f"DURATION:PT{length}M", f"RRULE:{rule}", *more, "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(lines)


def read(text: str, horizon: Span = HORIZON, zone: ZoneInfo = PARIS) -> tuple[FactGroup, ...]:
    return read_object(text, horizon=horizon, zone=zone, addresses=frozenset({"marie@icloud.com"})).groups


def pairs(groups: tuple[FactGroup, ...]) -> set[tuple[Facts, tuple[int, int]]]:
    return {(group.facts, span) for group in groups for span in group.spans}


@same_each_run
@given(zones, minutes, rules, lengths, st.integers(HORIZON.start, HORIZON.end))
def test_a_horizon_cut_anywhere_holds_the_same_occurrences(
    zone: str, at: int, rule: str, length: int, cut: int
) -> None:
    text = series(zone, FIRST + timedelta(minutes=at - 100 * 1440), rule, length)

    whole = pairs(read(text))
    parts = pairs(read(text, Span(HORIZON.start, cut))) | pairs(read(text, Span(cut, HORIZON.end)))

    assert parts == whole


@same_each_run
@given(zones, minutes, rules, lengths, st.randoms(use_true_random=False))
def test_one_exdate_more_is_exactly_one_occurrence_less(
    zone: str, at: int, rule: str, length: int, chance: random.Random
) -> None:
    start = FIRST + timedelta(minutes=at // 2)
    whole = pairs(read(series(zone, start, rule, length)))
    gone = chance.choice(sorted(whole)) if whole else None

    left = pairs(read(series(zone, start, rule, length, *([f"EXDATE:{utc(gone[1][0])}"] if gone else []))))

    assert left == whole - {gone}


@same_each_run
@given(zones, minutes, rules, lengths)
def test_minutes_of_a_duration_are_exact_whatever_the_clocks_do(zone: str, at: int, rule: str, length: int) -> None:
    groups = read(series(zone, FIRST + timedelta(minutes=at), rule, length))

    assert {end - start for group in groups for start, end in group.spans} <= {length * 60}


@same_each_run
@given(minutes, rules, lengths, st.integers(-11, 12))
def test_a_floating_series_follows_the_zone_of_the_connection(at: int, rule: str, length: int, hours: int) -> None:
    start = FIRST + timedelta(minutes=at // 4, days=20)
    rule = rule.replace("T000000Z", "T000000")
    text = series("Europe/Paris", start, rule, length).replace(";TZID=Europe/Paris", "")
    moved = Span(HORIZON.start - hours * 3600, HORIZON.end - hours * 3600)

    there = read(text, moved, ZoneInfo(f"Etc/GMT{-hours:+}"))

    assert [[(a + hours * 3600, b + hours * 3600) for a, b in group.spans] for group in there] == [
        list(group.spans) for group in read(text, HORIZON, ZoneInfo("UTC"))
    ]


@pytest.mark.parametrize("block", range(4))
def test_moved_deleted_and_changed_instances_are_the_same_in_two_halves_of_the_horizon(block: int) -> None:
    for number in range(60):
        each = GeneratedSeries(f"cut {block} {number}")
        home = ZoneInfo(each.home)
        whole = pairs(read(each.text, zone=home))
        edges = {at for _, span in whole for at in span if HORIZON.start <= at <= HORIZON.end}
        cut = random.Random(number).choice([*sorted(edges), HORIZON.start + number * 576_000])  # noqa: S311  the same each time

        halves = [read(each.text, Span(HORIZON.start, cut), home), read(each.text, Span(cut, HORIZON.end), home)]

        assert pairs(halves[0]) | pairs(halves[1]) == whole, each.text


def test_small_letters_ends_of_lines_and_the_order_of_events_say_nothing() -> None:
    for each in map(GeneratedSeries, (f"said otherwise {number}" for number in range(80))):
        head, *events = each.text.removesuffix("END:VCALENDAR\r\n").split("BEGIN:VEVENT")
        turned = "".join([head, *("BEGIN:VEVENT" + event for event in reversed(events)), "END:VCALENDAR\r\n"])
        small = each.text.replace("VEVENT", "vevent").replace("DTSTART", "DtStart").replace("RRULE", "rrule")

        read_so = pairs(read(each.text, zone=ZoneInfo(each.home)))

        for otherwise in (turned, small, each.text.replace("\r\n", "\r")):
            assert pairs(read(otherwise, zone=ZoneInfo(each.home))) == read_so, otherwise


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_order_of_events_and_lines_says_nothing(file: Path) -> None:
    text = file.read_bytes().decode()
    if "unreadable" in file.stem or "BEGIN:VALARM" in text or text.count("\nEND:VEVENT\n") < 2:
        return
    head, *events = text.removesuffix("END:VCALENDAR\n").split("BEGIN:VEVENT\n")
    turned = ["\n".join([*reversed(event.removesuffix("END:VEVENT\n").strip().split("\n"))]) for event in events]

    other_way = head + "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in reversed(turned)) + "END:VCALENDAR\n"

    assert pairs(read(other_way)) == pairs(read(text))


def utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"


def broken(text: str, chance: random.Random) -> str:
    """A text damaged in one to four places, by what transports, editors and attackers do."""
    for _ in range(chance.randint(1, 4)):
        lines = text.split("\n")
        at = chance.randrange(len(lines))
        match chance.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
            case 3:
                lines = lines[:at]
            case 4 if lines[at]:
                place = chance.randrange(len(lines[at]))
                lines[at] = lines[at][:place] + chance.choice('\0":;,=-+Z/T9\\é\u2028٣P') + lines[at][place + 1 :]
            case 5:
                lines[at] = "".join(chance.choice("0123456789") if c.isdigit() else c for c in lines[at])
            case 6:
                lines.insert(
                    at, chance.choice(["BEGIN:VEVENT", "END:VEVENT", "RRULE:FREQ=SECONDLY", "DTSTART:", "UID"])
                )
            case _:
                chance.shuffle(lines)
        text = "\n".join(lines) or "\n"
    return text


@pytest.mark.parametrize("block", range(5))
def test_whatever_text_comes_is_read_or_refused_and_what_is_told_is_in_order(block: int) -> None:
    chance = random.Random(f"fuzz {block}")  # noqa: S311  the same each time
    originals = [file.read_bytes().decode() for file in FILES]

    for _ in range(FUZZED // 5):
        text = broken(chance.choice(originals), chance)
        try:
            told: ImportedObject | Unreadable = read_object(text, horizon=HORIZON, zone=PARIS, addresses=frozenset())
        except Unreadable as unreadable:
            told = unreadable

        facts = [group.facts for group in told.groups]
        assert facts == sorted(set(facts))
        for group in told.groups:
            assert list(group.spans) == sorted(set(group.spans)) != []
            assert all(HORIZON.touches(*span) for span in group.spans)
