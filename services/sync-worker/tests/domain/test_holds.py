from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.guard import Confirm, Doubt, Hold
from sync_worker.domain.holds import (
    Guarded,
    Held,
    SecondLook,
    Verdict,
    after_changes,
    after_listing,
    hold,
    kept,
    looked,
    sample,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
BEFORE = hold(Doubt.SHRUNKEN, known=40, missing=30, now=NOW)
VANISHED = hold(Doubt.VANISHED, known=40, missing=40, now=NOW)
NOBODY, USER = "nobody", "the user"
ODD = Hold(Doubt.EMPTIED)
ALL = frozenset(f"{n:02}" for n in range(40))
MOST = frozenset(f"{n:02}" for n in range(30))
REST = ALL - MOST


def look(
    *, unlisted: frozenset[str] = MOST, listed: frozenset[str] = REST, contents: frozenset[str] | None = REST
) -> SecondLook:
    return SecondLook(known=ALL, listed=listed, unlisted=unlisted, provable=40, contents=contents)


@pytest.mark.parametrize(
    ("seen", "held", "now", "who", "verdict", "missing"),
    [
        pytest.param(look(), BEFORE, LATER, NOBODY, Verdict.CONFIRMED, MOST, id="both agree"),
        pytest.param(look(), BEFORE, NOW, NOBODY, Verdict.STILL, MOST, id="both agree too early"),
        pytest.param(look(), kept(BEFORE, NOW), LATER, NOBODY, Verdict.STILL, MOST, id="the user wants to keep them"),
        pytest.param(look(), BEFORE, NOW, USER, Verdict.CONFIRMED, MOST, id="the user confirms"),
        pytest.param(
            look(unlisted=frozenset(), listed=ALL, contents=ALL), BEFORE, NOW, NOBODY, Verdict.DROPPED, frozenset(),
            id="all is there again",
        ),
        pytest.param(
            look(unlisted=frozenset({"00"}), listed=ALL - {"00"}, contents=ALL - {"00"}),
            BEFORE, LATER, NOBODY, Verdict.DROPPED, frozenset({"00"}), id="all but one is there again",
        ),
        pytest.param(look(contents=ALL), BEFORE, LATER, NOBODY, Verdict.STILL, frozenset(), id="one way"),
        pytest.param(look(contents=ALL), BEFORE, LATER, USER, Verdict.DROPPED, frozenset(), id="and it is confirmed"),
        pytest.param(
            look(unlisted=frozenset({"00"}), listed=ALL - {"00"}, contents=ALL - {"00"}),
            kept(BEFORE, NOW), LATER, NOBODY, Verdict.STILL, frozenset({"00"}), id="but one that is to be kept",
        ),
        pytest.param(
            look(contents=None, unlisted=frozenset({"00"})),
            kept(BEFORE, NOW), LATER, NOBODY, Verdict.STILL, frozenset({"00"}), id="and without a second opinion",
        ),
        pytest.param(
            look(unlisted=frozenset(), listed=ALL, contents=ALL), kept(BEFORE, NOW), LATER, NOBODY, Verdict.DROPPED,
            frozenset(), id="all that the user wants to keep is there again",
        ),
        pytest.param(
            look(unlisted=frozenset({"00"}), listed=ALL - {"00"}, contents=ALL - {"00"}),
            kept(BEFORE, NOW), LATER, USER, Verdict.DROPPED, frozenset({"00"}), id="who kept it confirms it",
        ),
        pytest.param(
            look(), hold(Doubt.SHRUNKEN, known=40, missing=19, now=NOW), NOW, USER, Verdict.GROWN, MOST,
            id="far more is missing than the user was told of",
        ),
        pytest.param(
            look(unlisted=frozenset(), listed=ALL), BEFORE, LATER, NOBODY, Verdict.DROPPED, frozenset(),
            id="only the contents miss",
        ),
        pytest.param(
            look(contents=frozenset({"00"}) | REST), BEFORE, LATER, NOBODY, Verdict.STILL, MOST - {"00"},
            id="they miss different ones",
        ),
        pytest.param(look(contents=None), BEFORE, LATER, NOBODY, Verdict.STILL, MOST, id="no second opinion"),
        pytest.param(look(contents=None), BEFORE, LATER, USER, Verdict.CONFIRMED, MOST, id="none, and confirmed"),
        pytest.param(
            look(contents=None, unlisted=frozenset({"00"})), BEFORE, LATER, NOBODY, Verdict.DROPPED, frozenset({"00"}),
            id="none, and hardly anything is missing",
        ),
        pytest.param(
            look(), hold(Doubt.SHRUNKEN, known=40, missing=19, now=NOW), LATER, NOBODY, Verdict.GROWN, MOST,
            id="much more is missing than before",
        ),
        pytest.param(
            look(unlisted=frozenset(), listed=frozenset()), BEFORE, LATER, NOBODY, Verdict.CONFIRMED, MOST,
            id="what lies outside of the listing's window",
        ),
    ],
)  # fmt: skip
def test_what_a_second_look_decides(
    seen: SecondLook, held: Held, now: datetime, who: str, verdict: Verdict, missing: frozenset[str]
) -> None:
    settled = seen.settle(held, now, meant=who == USER)

    assert (settled.verdict, settled.missing) == (verdict, missing)


hrefs = st.frozensets(st.sampled_from(sorted(ALL)))


@given(listed=hrefs, contents=hrefs, who=st.sampled_from([NOBODY, USER]))
def test_nothing_that_one_of_the_answers_shows_is_ever_removed(
    listed: frozenset[str], contents: frozenset[str], who: str
) -> None:
    seen = SecondLook(known=ALL, listed=listed, unlisted=ALL - listed, provable=40, contents=contents)

    settled = seen.settle(BEFORE, LATER, meant=who == USER)

    assert not settled.missing & (listed | contents)
    assert settled.missing <= ALL


@given(listed=hrefs, contents=st.none() | hrefs)
def test_what_is_confirmed_comes_to_an_end_whatever_the_answers_are(
    listed: frozenset[str], contents: frozenset[str] | None
) -> None:
    seen = SecondLook(known=ALL, listed=listed, unlisted=ALL - listed, provable=40, contents=contents)

    assert seen.settle(BEFORE, NOW, meant=True).verdict in (Verdict.CONFIRMED, Verdict.DROPPED)


@given(listed=hrefs, contents=st.none() | hrefs)
def test_nothing_is_removed_while_somebody_wants_to_keep_it(
    listed: frozenset[str], contents: frozenset[str] | None
) -> None:
    seen = SecondLook(known=ALL, listed=listed, unlisted=ALL - listed, provable=40, contents=contents)

    settled = seen.settle(kept(BEFORE, NOW), LATER, meant=False)

    assert settled.verdict in (Verdict.STILL, Verdict.GROWN) or not settled.missing


@given(listed=hrefs, contents=hrefs)
def test_a_mass_removal_needs_both_answers_to_agree_or_somebody_who_means_it(
    listed: frozenset[str], contents: frozenset[str]
) -> None:
    seen = SecondLook(known=ALL, listed=listed, unlisted=ALL - listed, provable=40, contents=contents)

    settled = seen.settle(BEFORE, LATER, meant=False)

    if settled.verdict is Verdict.CONFIRMED:
        assert listed == contents
    if settled.verdict is Verdict.DROPPED:
        assert len(settled.missing) <= 20


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        pytest.param(None, Confirm(), Guarded(None, None, remove=True), id="nothing odd"),
        pytest.param(
            None, ODD, Guarded(hold(Doubt.EMPTIED, known=40, missing=9, now=LATER), None, remove=False), id="odd"
        ),
        pytest.param(BEFORE, Confirm(), Guarded(BEFORE, None, remove=False), id="few more wait along"),
        pytest.param(
            BEFORE, ODD, Guarded(hold(Doubt.SHRUNKEN, known=40, missing=39, now=LATER), None, remove=False),
            id="many more begin the wait anew",
        ),
        pytest.param(VANISHED, Confirm(), Guarded(None, Verdict.DROPPED, remove=True), id="back"),
        pytest.param(
            VANISHED, ODD,
            Guarded(hold(Doubt.EMPTIED, known=40, missing=9, now=LATER), Verdict.DROPPED, remove=False),
            id="back, and odd",
        ),
    ],
)  # fmt: skip
def test_what_named_removals_make_of_a_hold(before: Held | None, said: Confirm | Hold, after: Guarded) -> None:
    assert after_changes(before, said, known=40, missing=9, now=LATER) == after


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        pytest.param(None, Confirm(), Guarded(None, None, remove=True), id="nothing odd"),
        pytest.param(BEFORE, Confirm(), Guarded(None, Verdict.DROPPED, remove=True), id="recovered"),
        pytest.param(BEFORE, ODD, Guarded(BEFORE, None, remove=False), id="still odd"),
        pytest.param(
            kept(BEFORE, NOW), Confirm(), Guarded(kept(BEFORE, NOW), None, remove=False), id="fewer, and to be kept"
        ),
        pytest.param(VANISHED, Confirm(), Guarded(None, Verdict.DROPPED, remove=True), id="back"),
    ],
)
def test_what_a_listing_makes_of_a_hold(before: Held | None, said: Confirm | Hold, after: Guarded) -> None:
    assert after_listing(before, said, known=40, missing=9, now=LATER) == after


def test_a_hold_is_due_ten_minutes_after_the_last_look_and_ripe_ten_after_the_first() -> None:
    again = looked(BEFORE, LATER)

    assert [BEFORE.due(NOW), BEFORE.due(LATER), again.due(LATER), again.ripe(LATER)] == [False, True, False, True]
    assert [BEFORE.young(NOW), BEFORE.young(LATER)] == [True, False]


def test_what_is_kept_ripens_after_a_day() -> None:
    one = kept(BEFORE, NOW)

    assert [one.ripe(NOW + timedelta(hours=hours)) for hours in (1, 23, 24)] == [False, False, True]


@given(hrefs, st.integers(1, 50))
def test_a_sample_is_small_and_spread(of: frozenset[str], most: int) -> None:
    taken = sample(of, most)

    assert len(taken) <= most
    assert set(taken) <= of
    assert bool(taken) == bool(of)
