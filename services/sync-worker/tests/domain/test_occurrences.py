from zoneinfo import ZoneInfo

import pytest

from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Flaw, ImportedObject, Span, Unreadable

PARIS = ZoneInfo("Europe/Paris")
YEAR = Span(1_767_225_600, 1_798_761_600)  # 2026


def read(*lines: str) -> ImportedObject:
    text = "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""])
    return read_object(text, horizon=YEAR, zone=PARIS, addresses=frozenset())


def test_title_and_uid_are_those_of_the_series() -> None:
    override = [
        "BEGIN:VEVENT",
        "UID:a",
        "RECURRENCE-ID:20260105T090000Z",
        "DTSTART:20260105T100000Z",
        "SUMMARY:This once",
    ]
    master = ["BEGIN:VEVENT", "UID:a", "DTSTART:20260105T090000Z", "RRULE:FREQ=WEEKLY;COUNT=2"]

    found = read(*override, "END:VEVENT", *master, "SUMMARY;LANGUAGE=fr:Point\\, caf\\é\\nhebdo", "END:VEVENT")

    assert (found.uid, found.title) == ("a", "Point, caf\\é\nhebdo")


def test_an_object_without_summary_has_no_title() -> None:
    assert read("BEGIN:VEVENT", "UID:a", "DTSTART:20260105T090000Z", "END:VEVENT").title is None


def test_a_title_is_cut_and_shows_in_no_representation() -> None:
    found = read("BEGIN:VEVENT", "UID:a", "DTSTART:20260105T090000Z", "SUMMARY:" + "secret" * 5000, "END:VEVENT")

    assert found.title is not None
    assert len(found.title) == 1000
    assert "secret" not in repr(found)


def test_an_object_of_reminders_alone_takes_no_time() -> None:
    found = read("BEGIN:VTODO", "UID:a", "DTSTART:20260105T090000Z", "DUE:20260105T100000Z", "END:VTODO")

    assert found == ImportedObject(uid="", title=None, all_day=False, floating=False, groups=(), goes_on=False)


@pytest.mark.parametrize(
    ("lines", "goes_on"),
    [
        (["DTSTART:20260105T090000Z"], False),
        (["DTSTART:20261231T230000Z", "DTEND:20270110T090000Z"], False),
        (["DTSTART:20260105T090000Z", "RRULE:FREQ=WEEKLY"], True),
        (["DTSTART:20260105T090000Z", "RDATE:20270105T090000Z"], True),
        (["DTSTART:20270105T090000Z"], True),
    ],
)
def test_only_what_recurs_or_begins_after_the_horizon_may_show_more_in_a_longer_one(
    lines: list[str], *, goes_on: bool
) -> None:
    assert read("BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT").goes_on is goes_on


@pytest.mark.parametrize(
    ("start", "all_day", "floating"),
    [
        ("DTSTART;VALUE=DATE:20260105", True, True),
        ("DTSTART:20260105T090000", False, True),
        ("DTSTART:20260105T090000Z", False, False),
        ("DTSTART;TZID=Asia/Tokyo:20260105T090000", False, False),
    ],
)
def test_it_is_told_what_depends_on_the_zone_of_the_connection(start: str, *, all_day: bool, floating: bool) -> None:
    found = read("BEGIN:VEVENT", "UID:a", start, "END:VEVENT")

    assert (found.all_day, found.floating) == (all_day, floating)


def test_an_occurrence_is_never_cut_at_the_horizon() -> None:
    found = read("BEGIN:VEVENT", "UID:a", "DTSTART:20251230T090000Z", "DTEND:20270110T090000Z", "END:VEVENT")

    assert found.groups[0].spans == ((1_767_085_200, 1_799_571_600),)


def test_what_only_touches_the_horizon_is_outside() -> None:
    before = ["BEGIN:VEVENT", "UID:a", "DTSTART:20251231T230000Z", "DTEND:20260101T000000Z", "END:VEVENT"]
    after = ["BEGIN:VEVENT", "UID:b", "DTSTART:20270101T000000Z", "DTEND:20270101T010000Z", "END:VEVENT"]

    assert read(*before, *after).groups == ()


def test_travel_reaches_into_the_horizon() -> None:
    travel = "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M"
    found = read(
        "BEGIN:VEVENT", "UID:a", "DTSTART:20270101T001000Z", "DTEND:20270101T011000Z", travel, "END:VEVENT"
    )  # fmt: skip

    (group,) = found.groups
    assert group.facts.travel_seconds == 1800
    assert group.spans == ((1_798_760_400, 1_798_765_800),)


def test_an_event_that_never_ends_is_read() -> None:
    found = read("BEGIN:VEVENT", "UID:a", "DTSTART:20260105T090000Z", "DTEND:99991231T235959Z", "END:VEVENT")

    ((start, end),) = found.groups[0].spans
    assert start == 1_767_603_600
    assert end > 250_000_000_000


def test_time_outside_the_horizon_is_told_when_nothing_is_inside() -> None:
    with pytest.raises(Unreadable) as refused:
        read(
            "BEGIN:VEVENT",
            "UID:a",
            "DTSTART:20300105T090000Z",
            "DTEND:20300105T100000Z",
            "RRULE:FREQ=NEVER",
            "END:VEVENT",
        )

    assert refused.value.reason == Flaw.RULE_MALFORMED
    assert refused.value.groups == ()
    assert refused.value.span == Span(1_893_834_000, 1_893_837_600)


def test_what_is_refused_says_nothing_of_its_content() -> None:
    with pytest.raises(Unreadable) as refused:
        read("BEGIN:VEVENT", "UID:secret", "DTSTART:secret", "SUMMARY:secret", "END:VEVENT")

    assert "secret" not in repr(refused.value)
    assert "secret" not in str(refused.value)
