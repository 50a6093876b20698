from dataclasses import replace

import pytest

from sync_worker.domain.outbox import CROWDED_OUT, Content, Imported, Known, Quarantine
from sync_worker.domain.room import (
    LARGE,
    ROOM,
    ROOM_FOR_LARGE,
    crowded_out,
    fits,
    grows,
    in_one,
    let_in_again,
    taken_by,
    taken_by_known,
)
from sync_worker.domain.values import FactGroup, Facts, Span
from worker_examples import imported

DAY = 86_400
AGAIN, LARGE_AGAIN = 270_000, 180_000
"""What is let in again ends there."""
CROWDED = Quarantine(CROWDED_OUT, Span(0, DAY), 400)


def spans(count: int) -> tuple[tuple[int, int], ...]:
    return tuple((n * DAY, n * DAY + 3_600) for n in range(count))


def series(count: int, facts: Facts | None = None) -> Content:
    return Content("uid", "Rounds", all_day=False, groups=(FactGroup(facts or Facts(), spans(count)),))


def read(count: int) -> Imported:
    return imported("e1", content=series(count))


def kept(occurrences: int, *, alive: bool = True, quarantine: Quarantine | None = None, href: str = "/e1") -> Known:
    return Known(
        event_id=href,
        calendar_id="cal-1",
        href=href,
        etag='"1"',
        basis="b",
        revision=1,
        digest="d",
        alive=alive,
        quarantine=quarantine,
        occurrences=occurrences,
    )


@pytest.mark.parametrize(("occurrences", "takes"), [(0, 0), (1, 0), (2, 2), (400, 400)])
def test_a_single_occurrence_takes_no_room(occurrences: int, takes: int) -> None:
    assert taken_by(occurrences) == takes
    assert taken_by_known(kept(occurrences)) == takes
    assert taken_by_known(kept(occurrences, alive=False)) == 0


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(None, 1, False), (None, 2, True), (kept(5), 5, False), (kept(5), 6, True), (kept(9, alive=False), 2, True)],
)
def test_only_what_takes_more_than_before_needs_room(before: Known | None, now: int, *, expected: bool) -> None:
    assert grows(before, read(now)) is expected


@pytest.mark.parametrize(
    ("before", "taken", "expected"),
    [
        pytest.param(None, ROOM - 400, True, id="the last that fits"),
        pytest.param(None, ROOM - 399, False, id="one too many"),
        pytest.param(kept(300), ROOM - 100, True, id="what it had counts once"),
        pytest.param(kept(300), ROOM - 99, False, id="it has grown too far"),
        pytest.param(kept(1, quarantine=CROWDED), AGAIN - 400, True, id="there is room again"),
        pytest.param(kept(1, quarantine=CROWDED), AGAIN - 399, False, id="it had better stay out"),
    ],
)
def test_what_fits(before: Known | None, taken: int, *, expected: bool) -> None:
    assert fits(before, read(400), taken) is expected


def test_what_is_large_leaves_room_for_the_rest() -> None:
    ordinary, large, out = read(LARGE), read(LARGE + 1), kept(1, quarantine=CROWDED)

    assert fits(None, ordinary, ROOM - LARGE)
    assert fits(None, large, ROOM_FOR_LARGE - LARGE - 1)
    assert not fits(None, large, ROOM_FOR_LARGE - LARGE)
    assert fits(out, large, LARGE_AGAIN - LARGE - 1)
    assert not fits(out, large, LARGE_AGAIN - LARGE)
    assert fits(kept(LARGE + 1), read(LARGE + 2), ROOM - 1)
    assert not fits(kept(LARGE + 1), read(LARGE + 2), ROOM)


def test_a_stand_in_covers_all_times_and_is_free_only_if_each_of_them_is() -> None:
    declined, busy = Facts(declined=True, travel_seconds=600), Facts()
    off = Content("uid", None, all_day=False, groups=(FactGroup(declined, spans(3)),))
    mixed = replace(off, groups=(FactGroup(busy, ((5 * DAY, 6 * DAY),)), *off.groups))

    assert in_one(off).groups == (FactGroup(Facts(declined=True), ((0, 2 * DAY + 3_600),)),)
    assert in_one(mixed).groups == (FactGroup(Facts(), ((0, 6 * DAY),)),)
    assert in_one(replace(off, groups=())) == replace(off, groups=())


def test_what_is_crowded_out_says_how_much_room_it_wants() -> None:
    state = read(400)

    out = crowded_out(state, in_one(state.content), "d2")

    assert out.quarantine == Quarantine(CROWDED_OUT, Span(0, 3_600), 400)
    assert (out.content, out.digest) == (in_one(state.content), "d2")


def test_what_cannot_be_read_is_told_as_that_all_the_same() -> None:
    flawed = replace(read(400), quarantine=Quarantine("too_many_occurrences", Span(0, 3_600)))

    assert crowded_out(flawed, in_one(flawed.content), "d2").quarantine == flawed.quarantine


def test_what_was_told_before_this_number_was_kept_is_no_news() -> None:
    assert repr(replace(CROWDED, reason="x")) == repr(Quarantine("x", CROWDED.span))


def test_the_smallest_are_let_in_first_and_no_more_than_fit() -> None:
    crowded = [
        kept(1, quarantine=replace(CROWDED, occurrences=n), href=f"/{name}")
        for name, n in (("large", 5_000), ("b", 300), ("a", 300), ("small", 57))
    ]
    others = [kept(400, href="/kept"), kept(1, quarantine=Quarantine("rule_malformed"), href="/unreadable")]

    assert let_in_again([*crowded, *others], AGAIN - 700) == {"/small", "/a", "/b"}
    assert let_in_again([*crowded, *others], AGAIN - 656) == {"/small", "/a"}
    assert let_in_again(crowded, AGAIN - 56) == frozenset()
    assert let_in_again(crowded, LARGE_AGAIN - 5_657) == {"/small", "/a", "/b", "/large"}
    assert let_in_again(crowded, LARGE_AGAIN - 5_656) == {"/small", "/a", "/b"}
    assert let_in_again([], 0) == frozenset()
