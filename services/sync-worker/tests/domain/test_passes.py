from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.domain.passes import (
    Horizon,
    How,
    Remembered,
    Shown,
    Step,
    Tracked,
    failed,
    held,
    plan,
    settled,
    unsettled,
)

CAL, BASIS = "cal", "basis"
READ_AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
SHOWN = Shown("/c/", supported=True, ctag="c1", token="t1")
KNOWN = Tracked("/c/", BASIS, ctag="c1", listed_token="t1", token="t1")


def how(shown: Shown | None, tracked: Tracked | None, *, nth: int = 1, basis: str = BASIS) -> How:
    remembered = Remembered(
        conflict_calendars=frozenset({CAL}), tracked={CAL: tracked} if tracked else {}, basis=basis, nth_pass=nth
    )
    (step,) = plan({CAL: shown} if shown else {}, remembered).steps
    return step.how


@pytest.mark.parametrize(
    ("shown", "tracked", "nth", "expected"),
    [
        pytest.param(SHOWN, KNOWN, 1, How.NOTHING, id="nothing moved"),
        pytest.param(SHOWN, KNOWN, 6, How.CHANGES, id="nothing moved, but the sixth pass asks all the same"),
        pytest.param(replace(SHOWN, ctag="c2", token="t1"), KNOWN, 1, How.CHANGES, id="ctag moved"),
        pytest.param(replace(SHOWN, ctag="c1", token="t2"), KNOWN, 1, How.CHANGES, id="token moved"),
        pytest.param(replace(SHOWN, ctag=None, token="t1"), KNOWN, 1, How.CHANGES, id="no ctag is a moved one"),
        pytest.param(SHOWN, None, 1, How.LISTING, id="never seen"),
        pytest.param(SHOWN, Tracked("/c/", BASIS, failures=1), 1, How.LISTING, id="never read to the end"),
        pytest.param(SHOWN, Tracked("/c/", "other", "c1", "t1", "t1"), 1, How.LISTING, id="read on another basis"),
        pytest.param(None, KNOWN, 1, How.ABSENT, id="vanished"),
        pytest.param(
            replace(SHOWN, supported=False, ctag="c1", token="t1"),
            KNOWN,
            1,
            How.ABSENT,
            id="not a calendar of events any more",
        ),
        pytest.param(SHOWN, failed(Step(CAL, How.CHANGES, SHOWN, KNOWN), BASIS, READ_AT), 1, How.CHANGES, id="failed"),
        pytest.param(SHOWN, Tracked("/c/", BASIS, "c1", "t1", "t1", failures=3), 1, How.RESTING, id="failed often"),
        pytest.param(SHOWN, Tracked("/c/", BASIS, "c1", "t1", "t1", failures=3), 6, How.CHANGES, id="tried again"),
        pytest.param(SHOWN, unsettled(KNOWN), 1, How.CHANGES, id="removals waited"),
        pytest.param(SHOWN, held(Step(CAL, How.LISTING, SHOWN, KNOWN), BASIS, READ_AT), 1, How.LISTING, id="held"),
        pytest.param(
            replace(SHOWN, ctag="c1", token=None),
            Tracked("/c/", BASIS, "c1"),
            1,
            How.NOTHING,
            id="a server without tokens",
        ),
        pytest.param(
            replace(SHOWN, ctag="c2", token=None),
            Tracked("/c/", BASIS, "c1"),
            1,
            How.LISTING,
            id="without tokens, moved",
        ),
    ],
)
def test_what_a_calendar_is_asked(shown: Shown | None, tracked: Tracked | None, nth: int, expected: How) -> None:
    assert how(shown, tracked, nth=nth) is expected


def test_calendars_outside_of_the_setup_are_not_asked_and_known_ones_are_left() -> None:
    remembered = Remembered(frozenset({"a"}), {"b": KNOWN, "a": KNOWN}, BASIS, 1)

    planned = plan({"a": SHOWN, "b": SHOWN, "c": SHOWN}, remembered)

    assert [step.calendar_id for step in planned.steps] == ["a"]
    assert planned.left == ("b",)


def test_while_a_calendar_fails_it_is_remembered_up_to_when_it_had_been_read() -> None:
    first = failed(Step(CAL, How.CHANGES, SHOWN, KNOWN), BASIS, READ_AT)
    second = failed(Step(CAL, How.CHANGES, SHOWN, first), BASIS, READ_AT + timedelta(hours=1))

    assert (first.failures, first.read_until, first.token) == (1, READ_AT, "t1")
    assert (second.failures, second.read_until) == (2, READ_AT)


def test_a_calendar_that_never_was_read_is_read_until_never() -> None:
    tracked = failed(Step(CAL, How.LISTING, SHOWN, None), BASIS, READ_AT)

    again = failed(Step(CAL, How.LISTING, SHOWN, tracked), BASIS, READ_AT)

    assert (tracked.read_until, again.read_until) == (None, None)


def test_a_calendar_that_was_read_to_the_end_starts_afresh() -> None:
    before = Tracked("/c/", BASIS, failures=2, read_until=READ_AT, held=True)

    tracked = settled(Step(CAL, How.LISTING, SHOWN, before), BASIS, "t9", "digest")

    assert tracked == Tracked("/c/", BASIS, ctag="c1", listed_token="t1", token="t9", quarantine_told="digest")


def test_two_passes_of_one_day_look_at_the_same_time() -> None:
    horizon = Horizon(past=timedelta(days=1), future=timedelta(days=400))

    spans = {horizon.around(datetime(2027, 3, 1, hour, 59, tzinfo=UTC)) for hour in range(24)}

    (span,) = spans
    assert datetime.fromtimestamp(span.start, UTC) == datetime(2027, 2, 28, tzinfo=UTC)
    assert datetime.fromtimestamp(span.end, UTC) == datetime(2028, 4, 5, tzinfo=UTC)
