from sync_worker.domain.changes import EDGE, Diff, Known, changes, expected_in
from sync_worker.domain.values import Span

WINDOW = Span(100 * EDGE, 500 * EDGE)


def test_new_changed_and_vanished_objects_are_told_apart() -> None:
    known = {"/a": Known("1"), "/b": Known("1"), "/c": Known("1")}

    diff = changes(known, {"/a": "1", "/b": "2", "/d": "1"})

    assert diff == Diff(added_or_changed=("/b", "/d"), removed=("/c",))


def test_what_is_to_be_read_comes_in_the_order_of_the_listing() -> None:
    known = {"/b": Known("1"), "/z": Known("1"), "/y": Known("1")}

    diff = changes(known, {"/c": "1", "/b": "2", "/a": "1"})

    assert diff == Diff(added_or_changed=("/c", "/b", "/a"), removed=("/y", "/z"))


def test_what_is_listed_without_an_etag_may_have_changed() -> None:
    assert changes({"/a": Known("")}, {"/a": ""}).added_or_changed == ("/a",)


def test_what_a_limited_listing_cannot_name_is_not_removed_by_it() -> None:
    known = {"/last-year": Known("1", expected=False), "/today": Known("1", expected=True)}

    assert changes(known, {}) == Diff(added_or_changed=(), removed=("/today",))


def test_what_was_outside_and_is_listed_with_another_etag_is_read_again() -> None:
    known = {"/moved": Known("1", expected=False), "/same": Known("1", expected=False)}

    assert changes(known, {"/moved": "2", "/same": "1"}).added_or_changed == ("/moved",)


def test_a_listing_must_name_what_lies_safely_inside_its_window() -> None:
    inside = (200 * EDGE, 200 * EDGE + 3600)

    assert expected_in(WINDOW, [(0, 10), inside])


def test_a_listing_may_miss_what_lies_outside_or_at_its_edges() -> None:
    early = (WINDOW.start - 3600, WINDOW.start + 3600)
    late = (WINDOW.end - EDGE, WINDOW.end)

    assert not expected_in(WINDOW, [(0, 10), early, late])
    assert not expected_in(WINDOW, [])


def test_a_window_of_edges_proves_nothing() -> None:
    assert not expected_in(Span(0, 2 * EDGE), [(0, 2 * EDGE)])
