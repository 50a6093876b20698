from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.domain.bases import UNREAD
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Held, Wish, hold
from sync_worker.domain.passes import Horizon, How, Remembered, Step, plan
from sync_worker.domain.tracked import PutRight, Settled, Shown, Tracked, failed, gone, holding, settled, unsettled

CAL, BASIS = "cal", "basis"
READ_AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
NOW = READ_AT + timedelta(minutes=5)
TODAY = READ_AT - timedelta(hours=1)
"""The daily moment before."""
SHOWN = Shown("/c/", supported=True, ctag="c1", token="t1")
UNSUPPORTED = replace(SHOWN, supported=False)
COMPARED = Tracked("/c/", BASIS, reconciled=READ_AT, put_right=PutRight(changed=1))
KNOWN = replace(COMPARED, ctag="c1", listed_token="t1", token="t1", covered=9)
BARE_SHOWN = replace(SHOWN, ctag=None, token=None)
BARE = Tracked("/c/", BASIS, covered=9)
"""Of a server that gives neither ctag nor token."""
FAILED = failed(KNOWN, SHOWN, BASIS, READ_AT)
EMPTY = replace(KNOWN, empty_since=NOW - timedelta(minutes=10))
YOUNG, OLD = (hold(Doubt.EMPTIED, known=9, missing=9, now=NOW - timedelta(minutes=age)) for age in (1, 10))
AWAY, LONG_AWAY = (replace(held, doubt=Doubt.VANISHED) for held in (YOUNG, OLD))


def held(of: Held) -> Tracked:
    return holding(KNOWN, of, BASIS, READ_AT)


def step(
    shown: Shown | None, tracked: Tracked | None, *, nth: int = 1, basis: str = BASIS, wish: Wish | None = None
) -> Step:
    remembered = Remembered(
        conflict_calendars=frozenset({CAL}),
        tracked={CAL: tracked} if tracked else {},
        basis=basis,
        nth_pass=nth,
        now=NOW,
        daily_since=TODAY,
        wishes={CAL: wish} if wish else {},
    )
    (only,) = plan({CAL: shown} if shown else {}, remembered).steps
    return only


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
        pytest.param(SHOWN, replace(KNOWN, basis="other"), 1, How.CHANGES, id="read on another basis"),
        pytest.param(None, KNOWN, 1, How.ABSENT, id="vanished"),
        pytest.param(UNSUPPORTED, KNOWN, 1, How.ABSENT, id="not a calendar of events any more"),
        pytest.param(None, None, 1, How.ABSENT, id="never there"),
        pytest.param(None, held(AWAY), 1, How.MISSED, id="vanished a minute ago"),
        pytest.param(None, held(LONG_AWAY), 1, How.ABSENT, id="vanished ten minutes ago"),
        pytest.param(None, held(YOUNG), 1, How.ABSENT, id="emptied, then vanished"),
        pytest.param(None, gone(KNOWN, BASIS), 1, How.LEFT, id="gone for good"),
        pytest.param(SHOWN, gone(KNOWN, BASIS), 1, How.LISTING, id="back for good"),
        pytest.param(SHOWN, held(LONG_AWAY), 1, How.CHANGES, id="back"),
        pytest.param(SHOWN, FAILED, 1, How.CHANGES, id="failed"),
        pytest.param(SHOWN, replace(KNOWN, failures=3), 1, How.RESTING, id="failed often"),
        pytest.param(SHOWN, replace(KNOWN, failures=3), 6, How.CHANGES, id="tried again"),
        pytest.param(SHOWN, unsettled(KNOWN), 1, How.CHANGES, id="removals waited"),
        pytest.param(SHOWN, held(YOUNG), 1, How.NOTHING, id="held a minute ago"),
        pytest.param(replace(SHOWN, ctag="c2"), held(YOUNG), 1, How.CHANGES, id="held, and moved"),
        pytest.param(SHOWN, held(OLD), 1, How.SECOND_LOOK, id="held ten minutes ago"),
        pytest.param(SHOWN, EMPTY, 1, How.EMPTY, id="listed as empty ten minutes ago"),
        pytest.param(replace(SHOWN, ctag="c2"), EMPTY, 6, How.EMPTY, id="listed as empty, and moved"),
        pytest.param(
            SHOWN, replace(EMPTY, empty_since=NOW - timedelta(minutes=9)), 1, How.NOTHING, id="listed as empty just now"
        ),
        pytest.param(
            SHOWN, replace(EMPTY, empty_since=NOW - timedelta(hours=1)), 1, How.NOTHING, id="listed as empty long ago"
        ),
        pytest.param(SHOWN, replace(EMPTY, failures=1), 1, How.CHANGES, id="listed as empty, and failed"),
        pytest.param(SHOWN, replace(EMPTY, basis="other"), 1, How.CHANGES, id="listed as empty, on another basis"),
        pytest.param(SHOWN, replace(EMPTY, hold=OLD), 1, How.SECOND_LOOK, id="listed as empty, filled, and held"),
        pytest.param(SHOWN, replace(KNOWN, reconciled=None), 1, How.DAILY, id="never compared"),
        pytest.param(SHOWN, replace(KNOWN, reconciled=TODAY), 1, How.NOTHING, id="compared today"),
        pytest.param(
            SHOWN, replace(KNOWN, reconciled=TODAY - timedelta(seconds=1)), 1, How.DAILY, id="compared yesterday"
        ),
        pytest.param(
            SHOWN, replace(FAILED, reconciled=None), 1, How.CHANGES, id="changes come before the day's work"
        ),
        pytest.param(SHOWN, replace(held(OLD), reconciled=None), 1, How.SECOND_LOOK, id="and so do second looks"),
        pytest.param(
            replace(SHOWN, token=None), Tracked("/c/", BASIS, "c1", reconciled=READ_AT), 1, How.NOTHING,
            id="a server without tokens",
        ),
        pytest.param(
            replace(SHOWN, ctag="c2", token=None), Tracked("/c/", BASIS, "c1", reconciled=READ_AT), 1, How.LISTING,
            id="without tokens, moved",
        ),
        pytest.param(replace(SHOWN, token=None), Tracked("/c/", BASIS, "c1"), 1, How.DAILY, id="without tokens, daily"),
        pytest.param(BARE_SHOWN, replace(BARE, reconciled=READ_AT), 1, How.LISTING, id="nothing to go on from"),
        pytest.param(BARE_SHOWN, BARE, 1, How.DAILY, id="nothing to go on from, daily"),
        pytest.param(
            BARE_SHOWN, replace(BARE, hold=OLD), 1, How.SECOND_LOOK, id="nothing to go on from, held ten minutes ago"
        ),
    ],
)  # fmt: skip
def test_what_a_calendar_is_asked(shown: Shown | None, tracked: Tracked | None, nth: int, expected: How) -> None:
    assert step(shown, tracked, nth=nth).how is expected


@pytest.mark.parametrize(
    ("shown", "tracked", "expected"),
    [
        (SHOWN, held(YOUNG), How.SECOND_LOOK),
        (SHOWN, replace(held(YOUNG), failures=3), How.SECOND_LOOK),
        (None, held(AWAY), How.ABSENT),
    ],
)
def test_who_confirms_does_not_wait(shown: Shown | None, tracked: Tracked, expected: How) -> None:
    assert step(shown, tracked, wish=Wish.CONFIRM).how is expected


def test_what_was_read_on_another_basis_is_read_on_none_until_all_of_it_is_read_on_ours() -> None:
    tracked = step(SHOWN, replace(KNOWN, basis="other")).tracked

    assert tracked == replace(KNOWN, basis=UNREAD)
    assert step(SHOWN, tracked, basis="other").how is How.CHANGES
    assert settled(tracked, SHOWN, BASIS, Settled("t1", "", None), READ_AT).basis == BASIS


def test_calendars_outside_of_the_setup_are_not_asked_and_known_ones_are_left() -> None:
    remembered = Remembered(
        conflict_calendars=frozenset({"a"}),
        tracked={"b": KNOWN, "a": KNOWN},
        basis=BASIS,
        nth_pass=1,
        now=NOW,
        daily_since=TODAY,
    )

    planned = plan({"a": SHOWN, "b": SHOWN, "c": SHOWN}, remembered)

    assert [step.calendar_id for step in planned.steps] == ["a"]
    assert planned.left == ("b",)


def test_while_a_calendar_fails_it_is_remembered_up_to_when_it_had_been_read() -> None:
    second = failed(FAILED, SHOWN, BASIS, READ_AT + timedelta(hours=1))

    assert (FAILED.failures, FAILED.read_until, FAILED.token) == (1, READ_AT, "t1")
    assert (second.failures, second.read_until) == (2, READ_AT)


def test_while_removals_are_held_a_calendar_is_read_on_and_keeps_its_age() -> None:
    how = Settled("t2", "", YOUNG)
    first = settled(KNOWN, replace(SHOWN, ctag="c2"), BASIS, how, READ_AT)

    second = settled(first, replace(SHOWN, ctag="c3"), BASIS, how, READ_AT + timedelta(hours=1))

    assert (second.ctag, second.token, second.hold, second.read_until) == ("c3", "t2", YOUNG, READ_AT)
    assert (second.covered, second.reconciled, second.put_right) == (9, READ_AT, PutRight(changed=1))


def test_a_calendar_that_never_was_read_is_read_until_never() -> None:
    tracked = failed(None, SHOWN, BASIS, READ_AT)

    again = failed(tracked, SHOWN, BASIS, READ_AT)

    assert (tracked.read_until, again.read_until) == (None, None)


def test_a_calendar_that_is_back_and_cannot_be_read_to_the_end_is_not_gone() -> None:
    tracked = failed(gone(KNOWN, "other"), SHOWN, BASIS, READ_AT)

    assert tracked == Tracked("/c/", BASIS, failures=1)


def test_a_calendar_that_was_read_to_the_end_starts_afresh() -> None:
    before = replace(held(YOUNG), failures=2)

    how = Settled("t9", "digest", None, covered=10, reconciled=NOW, put_right=PutRight(extra=2))

    tracked = settled(before, SHOWN, BASIS, how, READ_AT)

    afresh = Tracked("/c/", BASIS, "c1", "t1", "t9", quarantine_told="digest", covered=10, reconciled=NOW)
    assert tracked == replace(afresh, put_right=PutRight(extra=2))


def test_what_is_gone_for_good_leaves_its_place_alone() -> None:
    tracked = gone(held(LONG_AWAY), BASIS)

    assert tracked == Tracked("/c/", BASIS, left=True)
    assert settled(tracked, SHOWN, BASIS, Settled("t1", "", YOUNG), READ_AT).read_until is None


def test_two_passes_of_one_day_look_at_the_same_time() -> None:
    horizon = Horizon(past=timedelta(days=1), future=timedelta(days=400))

    spans = {horizon.around(datetime(2027, 3, 1, hour, 59, tzinfo=UTC)) for hour in range(24)}

    (span,) = spans
    assert datetime.fromtimestamp(span.start, UTC) == datetime(2027, 2, 28, tzinfo=UTC)
    assert datetime.fromtimestamp(span.end, UTC) == datetime(2028, 4, 5, tzinfo=UTC)
