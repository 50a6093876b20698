"""What goes to iCloud of an appointment. The golden files in appointments/ are what Apple gets, byte by byte."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from sync_worker.domain.appointment_text import Issue, Manner, text_of
from sync_worker.domain.appointments import Agreed, agreed, uid_of, words
from sync_worker.domain.found import found
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Span

GOLDEN = Path(__file__).parent / "appointments"
ID = "0f5b3c1e9a7d4b62a1c08d4e5f6a7b8c"
UID = uid_of(ID, "/20451177/calendars/home/")
PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
ZONES = ("Europe/Paris", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Tokyo", "UTC", "EST5EDT")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def written(what: Agreed, zone: ZoneInfo = PARIS, *, alarm_minutes: int | None = None, revision: int = 1) -> str:
    issue = Issue(ID, UID, revision, datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    return text_of(issue, what, Manner(zone, alarm_minutes))


CASES = {
    "winter": written(agreed(Span(at("2026-12-01T10:00"), at("2026-12-01T10:30")), "Coupe, Camille Martin")),
    "summer_with_all": written(
        agreed(
            Span(at("2027-07-14T22:30"), at("2027-07-15T00:15")),
            "Coloration; soin \\ brushing — Zoë d'Aboville-Château, première visite avec sa mère 🎉",
            "12 rue des Lilas, 69003 Lyon",
            "Allergique :\n- ammoniaque\n- henné",
        ),
        alarm_minutes=90,
        revision=7,
    ),
    "hour_that_comes_twice": written(agreed(Span(at("2026-10-25T01:15"), at("2026-10-25T01:45")), "Nuit")),
    "over_new_year_in_new_york": written(agreed(Span(at("2027-01-01T04:30"), at("2027-01-01T05:30")), "Eve"), NEW_YORK),
    "no_place": written(agreed(Span(at("2026-12-01T10:00"), at("2026-12-01T10:30")), ""), ZoneInfo("UTC")),
}


@pytest.mark.parametrize("case", CASES)
def test_the_text_is_the_golden_one(case: str) -> None:
    assert CASES[case].encode() == (GOLDEN / f"{case}.ics").read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_nobody_is_invited_and_every_line_is_as_rfc_5545_wants_it(case: str) -> None:
    text = CASES[case]

    lines = text.encode().split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    assert not {"METHOD", "ORGANIZER", "ATTENDEE"} & {line.split(":")[0].split(";")[0] for line in text.split("\r\n")}


TEXTS = st.text(max_size=300) | st.text(alphabet="\\;,:nN\"\r\n\t &#13;é🎉'^", max_size=60)
SPANS = st.tuples(st.integers(at("2024-01-01"), at("2040-01-01")), st.integers(60, 3 * 86_400))


@settings(deadline=None, max_examples=120)
@given(times=SPANS, title=TEXTS, notes=TEXTS, location=TEXTS, zone=st.sampled_from(ZONES))
def test_whatever_is_booked_reads_back_as_it_was(
    times: tuple[int, int], title: str, notes: str, location: str, zone: str
) -> None:
    what = agreed(Span(times[0], sum(times)), title, location, notes)

    text = written(what, ZoneInfo(zone))

    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    read = (str(event["SUMMARY"]), str(event.get("LOCATION", "")), str(event.get("DESCRIPTION", "")))
    assert read == (what.title, what.location, what.notes)
    assert [int(event.decoded(name).timestamp()) for name in ("DTSTART", "DTEND")] == [what.span.start, what.span.end]
    seen = found("etag", text, PARIS)
    assert (seen.uid, seen.span, seen.says, seen.wrote) == (UID, what.span, what.fingerprint, what.fingerprint)


@settings(deadline=None, max_examples=60)
@given(times=SPANS, zone=st.sampled_from([zone for zone in ZONES if "/" in zone]))
def test_the_zone_is_defined_rightly_for_who_does_not_know_its_name(times: tuple[int, int], zone: str) -> None:
    span = Span(times[0], sum(times))

    text = written(agreed(span, "A"), ZoneInfo(zone)).replace(zone, "Nobody knows it")

    assert found("etag", text, PARIS).span == span


@pytest.mark.parametrize(
    ("start", "lasts", "span"),
    [
        ("20260328T220000", "DTEND;TZID=Europe/Paris:20260329T060000", ("2026-03-28T21:00", "2026-03-29T04:00")),
        ("20260328T220000", "DURATION:PT8H", ("2026-03-28T21:00", "2026-03-29T05:00")),
        ("20260329T020000", "DURATION:PT30M", ("2026-03-29T01:00", "2026-03-29T01:30")),
        ("20260105T100000", "DURATION:-PT1H", ("2026-01-05T08:00", "2026-01-05T09:00")),
        ("20260105T100000", "DTEND;TZID=Europe/Paris:20260105T080000", ("2026-01-05T07:00", "2026-01-05T09:00")),
    ],
    ids=["a night of a clock change", "eight hours of it", "in the gap", "backwards", "the wrong way round"],
)
def test_an_appointment_lies_where_an_imported_event_would_lie(start: str, lasts: str, span: tuple[str, str]) -> None:
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\n"
        f"DTSTART;TZID=Europe/Paris:{start}\r\n{lasts}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    horizon = Span(at("2026-01-01T00:00"), at("2027-01-01T00:00"))

    seen = found("etag", text, PARIS).span
    (group,) = read_object(text, horizon=horizon, zone=PARIS, addresses=frozenset()).groups

    assert seen == Span(*map(at, span))
    assert group.spans == ((seen.start, seen.end),)


def test_whatever_stands_in_an_object_has_a_time_or_none() -> None:
    texts = [file.read_bytes().decode() for file in (Path(__file__).parent / "ics").glob("*.ics")]

    spans = [found("etag", text, PARIS).span for text in texts]

    assert sum(span is not None for span in spans) > len(texts) / 2


ANY_TEXT = (
    TEXTS
    | st.text(st.characters(exclude_categories=()))
    | st.text("&#13;\x00\ud800\ufffd\ufffe\uffff\U0001fffe", max_size=30)
)


@given(text=ANY_TEXT)
@example("&#1\uffff3;")
def test_words_are_stable(text: str) -> None:
    once = words(text)

    assert words(once) == once


@given(text=ANY_TEXT)
@example("\ufffe")
def test_words_can_stand_in_an_xml_document(text: str) -> None:
    said = words(text)

    read = etree.fromstring(f"<calendar-data>{escape(said)}</calendar-data>".encode())

    assert (read.text or "") == said


def test_what_no_calendar_can_hold_is_dropped_and_nothing_else() -> None:
    assert words("  a\x00b\x07c\ud800d\x85e\u2028f\r\ng\th \u200d 🎉 i\ufffej\uffffk\ufffd\U0001fffe") == (
        "abcd\ne\nf\ng\th \u200d 🎉 ijk\ufffd\U0001fffe"
    )


def test_words_have_an_end() -> None:
    what = agreed(Span(at("2026-12-01T10:00"), at("2026-12-01T10:30")), "t" * 5_000, "l" * 5_000, "n" * 50_000)

    assert (len(what.title), len(what.location), len(what.notes)) == (1_000, 1_000, 10_000)


@pytest.mark.parametrize("span", [Span(10**9, 10**9), Span(-(10**12), 5), Span(5, 10**12)])
def test_a_time_that_no_calendar_shows_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="takes time"):
        agreed(span, "A")


def test_uids_are_apples_kind_of_name_and_one_of_each_appointment_and_calendar() -> None:
    uids = [
        uid_of(one, path) for one in ("a" * 32, "A/../b", "é" * 99) for path in ("/1/calendars/a/", "/1/calendars/b/")
    ]

    assert len(set(uids)) == 6
    assert all(one.isascii() and one.replace("-", "").isalnum() and len(one) <= 84 for one in uids)
    assert all(one != other for one, other in pairwise(sorted(uids)))
