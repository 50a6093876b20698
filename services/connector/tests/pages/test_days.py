"""Days of a zone, also those on which the clocks change."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from connector.inbound.pages.days import Bar, Day, days

PARIS = ZoneInfo("Europe/Paris")


def only(year: int, month: int, day: int, zone: ZoneInfo = PARIS) -> Day:
    [found] = days(date(year, month, day), 1, zone)
    return found


def paris(month: int, day: int, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("month", "day", "hours", "marks"),
    [
        (11, 23, None, ["25%", "50%", "75%"]),
        (3, 29, 23, ["21.7%", "47.8%", "73.9%"]),
        (10, 25, 25, ["28%", "52%", "76%"]),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(month: int, day: int, hours: int | None, marks: list[str]) -> None:
    found = only(2026, month, day)

    assert (found.hours, found.marks(PARIS)) == (hours, marks)


def test_days_follow_each_other_without_a_gap() -> None:
    found = days(date(2026, 3, 23), 14, PARIS)

    assert [one.date.day for one in found] == [*range(23, 32), *range(1, 6)]
    assert all(one.end == other.start for one, other in pairwise(found))


def test_an_hour_that_is_shown_twice_is_drawn_at_its_own_place_each_time() -> None:
    day = only(2026, 10, 25)
    first, second = (paris(10, 25, 2, fold=fold) for fold in (0, 1))

    assert day.bars([(first, second)]) == [Bar("8%", "4%")]
    assert day.bars([(second, paris(10, 25, 3))]) == [Bar("12%", "4%")]


def test_a_zone_that_skips_midnight_begins_its_day_an_hour_later() -> None:
    found = only(2026, 9, 6, ZoneInfo("America/Santiago"))

    assert (found.hours, found.start) == (23, datetime(2026, 9, 6, 4, tzinfo=UTC))


def test_what_overlaps_or_touches_is_one_bar_and_stays_within_the_day() -> None:
    day = only(2026, 11, 23)
    parts = [
        (paris(11, 22, 20), paris(11, 23, 6)),
        (paris(11, 23, 6), paris(11, 23, 12)),
        (paris(11, 23, 18), paris(11, 25, 0)),
        (paris(11, 24, 0), paris(11, 24, 1)),
        (paris(11, 22, 0), paris(11, 23, 0)),
    ]

    assert day.bars(parts) == [Bar("0%", "50%"), Bar("75%", "25%")]


def test_what_is_short_is_seen_even_at_the_days_end() -> None:
    day = only(2026, 11, 23)

    assert day.bars([(paris(11, 23, 12), paris(11, 23, 12))]) == [Bar("50%", "0.8%")]
    assert day.bars([(paris(11, 23, 23, 59), paris(11, 24, 0))]) == [Bar("99.2%", "0.8%")]


def test_what_takes_no_time_lies_in_the_day_that_it_begins() -> None:
    midnight = paris(11, 24, 0)

    assert only(2026, 11, 23).cut((midnight, midnight)) is None
    assert only(2026, 11, 24).cut((midnight, midnight)) == (midnight, midnight)
