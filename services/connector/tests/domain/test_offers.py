from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.domain.calendars import AllDayRule, ConflictCalendar, Setup, WhenStale
from connector.domain.connection import Access, Terms
from connector.domain.offers import Part, changed, offer
from connector_examples import PRIVATE, SHARED, WORK

TERMS = Terms(
    Access.FULL, "Europe/Paris", (PRIVATE, SHARED), Setup((ConflictCalendar(PRIVATE.id), ConflictCalendar(SHARED.id)))
)


def with_setup(**changes: object) -> Terms:
    return replace(TERMS, setup=replace(TERMS.setup, **changes))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("now", "parts"),
    [
        (replace(TERMS, calendars=(PRIVATE, SHARED, WORK)), {Part.CALENDARS}),
        (replace(TERMS, calendars=(PRIVATE, replace(SHARED, writable=False))), {Part.CALENDARS}),
        (replace(TERMS, access=Access.READ_ONLY), {Part.CALENDARS}),
        (with_setup(linked_calendar_id=PRIVATE.id), {Part.LINKED}),
        (with_setup(conflict_calendars=(ConflictCalendar(PRIVATE.id),)), {Part.BLOCKING}),
        (
            with_setup(
                conflict_calendars=(ConflictCalendar(PRIVATE.id), ConflictCalendar(SHARED.id, AllDayRule.NEVER_BLOCK))
            ),
            {Part.BLOCKING},
        ),
        (with_setup(when_stale=WhenStale.CLOSE), {Part.WHEN_STALE}),
        (with_setup(titles=True, alarm_minutes=0), {Part.TITLES, Part.ALARM}),
        (replace(TERMS, time_zone="UTC"), {Part.TIME_ZONE}),
    ],
)
def test_what_has_changed_is_told_part_by_part(now: Terms, parts: set[Part]) -> None:
    assert changed(offer(TERMS), now) == parts


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda: replace(TERMS, calendars=(SHARED, PRIVATE)),
        lambda: replace(TERMS, calendars=(replace(PRIVATE, name="Autre nom", color="#000000"), SHARED)),
        lambda: with_setup(conflict_calendars=(ConflictCalendar(SHARED.id, since=7), ConflictCalendar(PRIVATE.id))),
    ],
    ids=["another order", "another name", "the same calendars"],
)
def test_what_bears_on_no_choice_is_no_change(rewritten: Callable[[], Terms]) -> None:
    assert changed(offer(TERMS), rewritten()) == set()


@pytest.mark.parametrize("word", ["", "x", "-" * 6, "-" * 600, offer(TERMS)[:-1]])
def test_a_word_that_is_none_of_ours_says_that_something_changed(word: str) -> None:
    assert changed(word, TERMS)
