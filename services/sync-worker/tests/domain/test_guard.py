import pytest

from sync_worker.domain.guard import Confirm, Doubt, Hold, judge, judge_named, matters


@pytest.mark.parametrize(
    ("known", "removed", "verdict"),
    [
        (0, 0, Confirm()),
        (1, 0, Confirm()),
        (2, 1, Confirm()),
        (11, 10, Confirm()),
        (12, 11, Hold(Doubt.SHRUNKEN)),
        (22, 11, Confirm()),
        (21, 11, Hold(Doubt.SHRUNKEN)),
        (1000, 500, Confirm()),
        (1000, 501, Hold(Doubt.SHRUNKEN)),
        (1, 1, Hold(Doubt.EMPTIED)),
        (10, 10, Hold(Doubt.EMPTIED)),
        (1000, 1000, Hold(Doubt.EMPTIED)),
    ],
)
def test_more_than_ten_and_more_than_half_is_not_believed_at_once(
    known: int, removed: int, verdict: Confirm | Hold
) -> None:
    assert judge(known=known, removed=removed) == verdict


def test_an_incomplete_listing_removes_nothing() -> None:
    assert judge(known=1000, removed=1, complete=False) == Hold(Doubt.INCOMPLETE)


def test_an_incomplete_listing_that_misses_nothing_needs_no_second_look() -> None:
    assert judge(known=1000, removed=0, complete=False) == Confirm()


@pytest.mark.parametrize(
    ("known", "removed", "verdict"),
    [
        (1, 1, Confirm()),
        (2, 2, Confirm()),
        (3, 3, Hold(Doubt.EMPTIED)),
        (3, 2, Confirm()),
        (11, 10, Confirm()),
        (12, 11, Hold(Doubt.SHRUNKEN)),
        (1000, 500, Confirm()),
        (1000, 501, Hold(Doubt.SHRUNKEN)),
    ],
)
def test_removals_that_the_server_names_are_believed_unless_they_empty_a_calendar_or_most_of_it(
    known: int, removed: int, verdict: Confirm | Hold
) -> None:
    assert judge_named(known=known, removed=removed) == verdict


def test_the_size_of_a_calendar_is_asked_only_where_it_could_matter() -> None:
    assert [matters(removed) for removed in (0, 1, 2, 3)] == [False, False, False, True]
