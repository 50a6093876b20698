"""The time range filter against recurring-ical-events, which shares nothing with it."""

import random
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from icloud_simulator.apple_ics import AppleEvent, Override, apple_text
from icloud_simulator.clock import MovableClock
from icloud_simulator.demo import APPLE_ID, seed_demo
from icloud_simulator.occurrences import EVER, Times, Window
from icloud_simulator.world import World

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_PARIS = ZoneInfo("Europe/Paris")
_RULES = (
    None,
    "FREQ=DAILY;COUNT=40",
    "FREQ=DAILY;INTERVAL=3;UNTIL=20261220T230000Z",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=9",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=YEARLY",
)


def _oracle(text: str, window: Window) -> bool:
    calendar = icalendar.Calendar.from_ical(text)
    return bool(recurring_ical_events.of(calendar).between(window.start, window.end))


def _random_event(dice: random.Random) -> AppleEvent:
    zone = dice.choice([_PARIS, ZoneInfo("America/New_York"), UTC])
    start = datetime(2026, dice.randint(1, 12), dice.randint(1, 28), dice.randint(0, 23), tzinfo=zone)
    rule = dice.choice(_RULES)
    # An occurrence that the rule itself names, so that nobody has to guess what DTSTART means.
    if rule is not None and ("BYDAY" in rule or "BYMONTHDAY" in rule):
        rule = rule.split(";BY", maxsplit=1)[0]
    step = timedelta(weeks=1) if rule == "FREQ=WEEKLY" else timedelta(days=1)
    out = (start + step,) if rule in {"FREQ=WEEKLY", "FREQ=DAILY;COUNT=40"} and dice.random() < 0.5 else ()
    end = start + timedelta(minutes=dice.choice([0, 30, 600, 3_000]))
    return AppleEvent(uid="u", title="t", start=start, end=end, rule=rule, left_out=out)


@pytest.mark.parametrize("seed", range(12))
def test_random_events_are_in_the_same_windows_as_the_oracle_says(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    texts = [apple_text(_random_event(dice), _NOW) for _ in range(10)]

    for text in texts:
        for _ in range(4):
            start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=dice.randint(0, 24 * 500))
            window = Window(start, start + timedelta(hours=dice.choice([1, 24, 24 * 14])))
            assert Times(text).in_range(window) == _oracle(text, window), (window, text)


def test_the_demo_agrees_with_the_oracle_day_by_day() -> None:
    world = World(clock=MovableClock(_NOW.timestamp() - time.time()))
    seed_demo(world)
    mounts = world.account(APPLE_ID).mounts.values()
    texts = [version.text or "" for mount in mounts for _, version in mount.collection.objects()]
    timed = [text for text in texts if "VALUE=DATE:" not in text]

    for day in range(-7, 45, 4):
        start = _NOW + timedelta(days=day)
        window = Window(start, start + timedelta(days=1))
        for text in timed:
            assert Times(text).in_range(window) == _oracle(text, window), (window, text)
    assert len(timed) > 15


def test_an_override_moves_its_occurrence_and_an_exception_removes_it() -> None:
    start = datetime(2026, 12, 1, 10, tzinfo=_PARIS)
    moved = Override(start + timedelta(days=1), start + timedelta(days=1, hours=5), start + timedelta(days=1, hours=6))
    event = AppleEvent(
        uid="u",
        title="t",
        start=start,
        end=start + timedelta(hours=1),
        rule="FREQ=DAILY;COUNT=3",
        left_out=(start + timedelta(days=2),),
        overrides=(moved,),
    )
    times = Times(apple_text(event, _NOW))

    def at(day: int, hour: int) -> bool:
        begin = datetime(2026, 12, day, hour, tzinfo=_PARIS)
        return times.in_range(Window(begin, begin + timedelta(minutes=30)))

    assert [at(1, 10), at(2, 10), at(2, 15), at(3, 10), at(4, 10)] == [True, False, True, False, False]


def test_all_day_events_count_as_utc_days() -> None:
    day = datetime(2026, 12, 1, tzinfo=UTC)
    text = apple_text(
        AppleEvent(uid="u", title="t", start=day.date(), end=day.date() + timedelta(days=1)),
        _NOW,
    )
    times = Times(text)

    assert times.in_range(Window(day + timedelta(hours=23), day + timedelta(hours=25)))
    assert not times.in_range(Window(day + timedelta(hours=24), day + timedelta(hours=25)))


@pytest.mark.parametrize(
    "rule",
    ["FREQ=SECONDLY", "FREQ=MINUTELY;COUNT=99999999", "FREQ=DAILY;INTERVAL=0", "FREQ=NEVER", "nonsense"],
)
def test_what_cannot_be_expanded_is_in_every_later_range(rule: str) -> None:
    start = datetime(1900, 1, 1, tzinfo=UTC)
    text = apple_text(AppleEvent(uid="u", title="t", start=start, end=start, rule=rule), _NOW)

    assert Times(text).in_range(Window(_NOW, _NOW + timedelta(days=1)))
    assert Times("nonsense").in_range(Window(_NOW, _NOW + timedelta(days=1)))


def test_a_window_without_end_needs_no_expansion_to_it() -> None:
    start = datetime(2026, 1, 1, 10, tzinfo=UTC)
    endless = AppleEvent(uid="u", title="t", start=start, end=start, rule="FREQ=DAILY")
    ended = AppleEvent(uid="u", title="t", start=start, end=start, rule="FREQ=DAILY;COUNT=3")

    assert Times(apple_text(endless, _NOW)).in_range(Window(_NOW, EVER))
    assert not Times(apple_text(ended, _NOW)).in_range(Window(_NOW, EVER))


@pytest.mark.parametrize(
    ("rule", "in_range"),
    [
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=5", False),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", False),
        ("FREQ=DAILY;BYSETPOS=2", True),
    ],
)
def test_rules_without_any_date_end(rule: str, *, in_range: bool) -> None:
    start = datetime(1950, 2, 1, tzinfo=UTC)
    text = apple_text(AppleEvent(uid="u", title="t", start=start, end=start, rule=rule), _NOW)

    assert Times(text).in_range(Window(_NOW, _NOW + timedelta(days=1))) is in_range
