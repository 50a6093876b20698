"""Generated series, read by us and by recurring-ical-events: the same time must be taken, with the same facts.

`CALSYNC_TEST_SERIES` sets how many; `CALSYNC_TEST_SEED` where to begin. A series that fails is printed, shrunk: it
belongs into ics/ as a file of its own. Where the oracle is wrong, a file there says by hand what is right, and
the generator says the same to it in words that it reads right, or leaves such series out.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from generated_rules import INFOS, OWN_ZONE
from generated_series import GeneratedSeries
from shrinking import shrunk
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Facts, Span

SERIES = int(os.environ.get("CALSYNC_TEST_SERIES", "400"))
SEED = int(os.environ.get("CALSYNC_TEST_SEED", "0"))
BLOCKS = 8
FIRST, LAST = datetime(2026, 1, 10, tzinfo=UTC), datetime(2027, 2, 14, tzinfo=UTC)
HORIZON = Span(int(FIRST.timestamp()), int(LAST.timestamp()))
AROUND = timedelta(days=4)
ME = frozenset({"me@example.org", "urn:uuid:mine"})

Taken = set[tuple[Facts, tuple[int, int]]]


@pytest.fixture(scope="module")
def compared(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """How many occurrences each series had that was read the same; the sum is said at the end (`-s` shows it)."""
    begun, counts = monotonic(), list[int]()
    yield counts
    if terminal := request.config.pluginmanager.get_plugin("terminalreporter"):
        told = f"{len(counts):,} of {SERIES:,} series from seed {SEED} read the same: {sum(counts):,} occurrences"
        terminal.write_line(f"\n{told}, {monotonic() - begun:.0f} s")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_generated_series_take_the_time_that_the_oracle_says(block: int, compared: list[int]) -> None:
    for number in range(block, SERIES, BLOCKS):
        series = GeneratedSeries(f"series {SEED + number}")
        home = ZoneInfo(series.home)

        ours, theirs = read(series.text, home), by_oracle(series.plainly, home)

        if ours != theirs:
            least, plain = shrunk(series.text, series.plainly, lambda a, b: read(a, home) != by_oracle(b, home))  # noqa: B023  used at once
            only = (
                sorted(read(least, home) - by_oracle(plain, home)),
                sorted(by_oracle(plain, home) - read(least, home)),
            )
            said = least if least == plain else f"{least}\nto the oracle:\n{plain}"
            pytest.fail(f"series {SEED + number} in {series.home}: ours, theirs {only}\n{said}")
        compared.append(len(ours))


def read(text: str, home: ZoneInfo) -> Taken:
    groups = read_object(text, horizon=HORIZON, zone=home, addresses=ME).groups
    return {(group.facts, span) for group in groups for span in group.spans}


def by_oracle(text: str, home: ZoneInfo) -> Taken:
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(FIRST - AROUND, LAST + AROUND)
    taken = set()
    for event in found:
        start, end = event["DTSTART"].dt, event["DTEND"].dt
        first, last = instant(start, home), instant(end, home)
        facts = facts_of(event)
        # It lets an event end before its start where the clock jumps over the start; wall times differ as they should.
        last = last if last > first else first + int((end - start).total_seconds())
        taken.add((facts, (first - facts.travel_seconds, last)))
    return {(facts, span) for facts, span in taken if HORIZON.touches(*span)}


def instant(moment: date, home: ZoneInfo) -> int:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=home)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=home)
    elif not isinstance(moment.tzinfo, ZoneInfo) and moment.tzname() != "UTC":
        # Of a zone that the object defines, icalendar makes one that takes times in a gap for earlier ones.
        moment = moment.replace(tzinfo=INFOS[OWN_ZONE])
    return int(moment.timestamp())


def facts_of(event: dict[str, Any]) -> Facts:
    """Of one occurrence as the oracle gives it: with the properties of its own VEVENT."""
    all_day = not isinstance(event["DTSTART"].dt, datetime)
    attendees = event.get("ATTENDEE", [])
    answers = {user.params["PARTSTAT"] for user in attendees if user.lower().removeprefix("mailto:") in ME}
    shown_as, travel = event.get("TRANSP", ""), event.get("X-APPLE-TRAVEL-DURATION")
    return Facts(
        cancelled=event.get("STATUS") == "CANCELLED",
        declined=answers == {"DECLINED"},
        transparent=shown_as == "TRANSPARENT" or (all_day and not shown_as),
        tentative=event.get("STATUS") == "TENTATIVE",
        all_day=all_day,
        travel_seconds=int(travel.dt.total_seconds()) if travel and not all_day else 0,
    )
