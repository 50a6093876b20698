from dataclasses import replace

import pytest

from sync_worker.domain.outbox import (
    END_OF_TIME,
    Content,
    Imported,
    Known,
    Origin,
    Quarantine,
    Refresh,
    blocking,
    content_of,
    judged,
    removal,
    unread,
)
from sync_worker.domain.values import FactGroup, Facts, ImportedObject, Span, Unreadable

CONTENT = Content("uid", None, all_day=False, groups=(FactGroup(Facts(), ((10, 20),)),))
READ = Imported(
    event_id="e",
    calendar_id="c",
    href="/c/e.ics",
    etag='"2"',
    basis="b",
    epoch=1,
    revision=0,
    digest="d2",
    as_of=7,
    horizon=Span(0, 100),
    content=CONTENT,
)
KNOWN = Known(
    event_id="e", calendar_id="c", href="/c/e.ics", etag='"2"', basis="b", revision=4, digest="d2", alive=True
)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(None, replace(READ, revision=1), id="new"),
        pytest.param(replace(KNOWN, digest="d1"), replace(READ, revision=5), id="says something else"),
        pytest.param(replace(KNOWN, alive=False), replace(READ, revision=5), id="comes back"),
        pytest.param(KNOWN, None, id="as known"),
        pytest.param(replace(KNOWN, etag='"1"'), Refresh("e", '"2"', "b", None), id="another ETag"),
        pytest.param(replace(KNOWN, basis="a"), Refresh("e", '"2"', "b", None), id="another basis"),
        pytest.param(
            replace(KNOWN, quarantine=Quarantine("x")), Refresh("e", '"2"', "b", None), id="can be read again"
        ),
    ],
)
def test_what_is_written_of_a_fresh_reading(known: Known | None, expected: Imported | Refresh | None) -> None:
    assert judged(known, READ) == expected


@pytest.mark.parametrize("known", [None, replace(KNOWN, alive=False, digest="")])
def test_what_has_no_time_and_is_not_kept_is_not_written(known: Known | None) -> None:
    assert judged(known, replace(READ, content=replace(CONTENT, groups=()))) is None


def test_what_has_no_time_any_more_is_a_revision_of_what_is_kept() -> None:
    written = judged(KNOWN, replace(READ, digest="d3", content=replace(CONTENT, groups=())))

    assert isinstance(written, Imported)
    assert written.revision == 5


def test_a_removal_is_the_next_revision_under_the_present_epoch() -> None:
    gone = removal(KNOWN, epoch=3, as_of=9, reason="deleted")

    assert (gone.revision, gone.epoch, gone.as_of, gone.reason) == (5, 3, 9, "deleted")


def test_a_title_leaves_only_where_it_may() -> None:
    read = ImportedObject(uid="u", title="Dentist", all_day=True, floating=True, groups=CONTENT.groups)

    assert content_of(read, "h", titles=True) == Content("h", "Dentist", all_day=True, groups=CONTENT.groups)
    assert content_of(read, "h", titles=False).title is None


@pytest.mark.parametrize(
    ("flaw", "groups"),
    [
        (Unreadable("x", Span(10, 20)), (FactGroup(Facts(), ((10, 20),)),)),
        (Unreadable("x", Span(10, 20), CONTENT.groups), CONTENT.groups),
    ],
)
def test_what_can_be_told_of_an_unreadable_object_blocks(flaw: Unreadable, groups: tuple[FactGroup, ...]) -> None:
    content = blocking(flaw, "h")

    assert content is not None
    assert content.groups == groups


def test_an_object_of_which_no_time_can_be_told_says_nothing() -> None:
    assert blocking(Unreadable("x"), "h") is None


def test_content_reaches_from_its_first_start_to_its_last_end() -> None:
    content = replace(CONTENT, groups=(FactGroup(Facts(), ((10, 20), (30, 40))), FactGroup(Facts(), ((5, 8),))))

    assert content.extent == Span(5, 40)
    assert replace(CONTENT, groups=()).extent is None


READ_BEFORE = replace(KNOWN, horizon=Span(0, 100), origin=Origin("t", 100))


@pytest.mark.parametrize(
    ("known", "horizon", "expected"),
    [
        pytest.param(READ_BEFORE, Span(0, 100), True, id="the same"),
        pytest.param(READ_BEFORE, Span(50, 100), True, id="later, no farther"),
        pytest.param(READ_BEFORE, Span(50, 150), False, id="farther"),
        pytest.param(replace(READ_BEFORE, origin=Origin("t", END_OF_TIME)), Span(50, 150), True, id="nothing beyond"),
        pytest.param(READ_BEFORE, Span(-50, 100), False, id="further back"),
        pytest.param(replace(READ_BEFORE, origin=Origin("another", 100)), Span(0, 100), False, id="another text"),
        pytest.param(replace(READ_BEFORE, basis="a"), Span(0, 100), False, id="another basis"),
        pytest.param(replace(READ_BEFORE, alive=False), Span(0, 100), False, id="gone"),
        pytest.param(replace(READ_BEFORE, origin=None), Span(0, 100), False, id="no text"),
    ],
)
def test_a_text_is_not_read_again_where_that_could_only_give_what_is_kept(
    known: Known, horizon: Span, *, expected: bool
) -> None:
    assert known.is_read_from("t", ("b", "b too"), horizon) is expected


def test_of_a_text_that_is_not_read_again_only_another_etag_is_noted() -> None:
    known = replace(READ_BEFORE, quarantine=Quarantine("x"))

    assert unread(known, known.etag) is None
    assert unread(known, '"3"') == Refresh("e", '"3"', "b", Quarantine("x"), Origin("t", 100))
