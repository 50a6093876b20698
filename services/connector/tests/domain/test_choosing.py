from dataclasses import replace

import pytest

from connector.domain.calendars import AllDayRule, Choice, ConflictCalendar, Setup, WhenStale
from connector.domain.choosing import (
    AccessReadOnly,
    CalendarNotWritable,
    CalendarUnsupported,
    ChoiceOutdated,
    UnknownCalendar,
    UnknownTimeZone,
    chosen,
)
from connector.domain.connection import Access, Connection, News, recalendared
from connector.domain.offers import offer
from connector_examples import CALENDARS, LATER, PRIVATE, READ_ONLY, REMINDERS, SHARED, SUBSCRIBED, WORK, connection

NONE = Choice(None, (), titles=False, when_stale=WhenStale.KEEP)
AS_IT_IS = replace(NONE, conflict_calendars=(ConflictCalendar(PRIVATE.id), ConflictCalendar(READ_ONLY.id)))


def with_full_access() -> Connection:
    made = connection()
    return replace(made, terms=replace(made.terms, access=Access.FULL))


def test_a_choice_takes_the_place_of_the_whole_setup() -> None:
    rules = (ConflictCalendar(SHARED.id, AllDayRule.ALWAYS_BLOCK), ConflictCalendar(PRIVATE.id))
    choice = Choice(PRIVATE.id, rules, titles=True, when_stale=WhenStale.WARN, alarm_minutes=5, time_zone="UTC")

    changed = chosen(with_full_access(), choice, at=LATER)

    assert (changed.revision, changed.news, changed.changed_at, changed.chosen) == (2, News.SETUP_CHANGED, LATER, True)
    assert changed.terms.time_zone == "UTC"
    assert changed.terms.setup == Setup(
        (ConflictCalendar(PRIVATE.id), ConflictCalendar(SHARED.id, AllDayRule.ALWAYS_BLOCK)),
        PRIVATE.id,
        titles=True,
        when_stale=WhenStale.WARN,
        alarm_minutes=5,
    )


def test_only_calendars_that_join_are_to_be_read_anew() -> None:
    before = chosen(with_full_access(), replace(AS_IT_IS, linked_calendar_id=PRIVATE.id), at=LATER)
    more = (*AS_IT_IS.conflict_calendars, ConflictCalendar(SHARED.id, AllDayRule.ALWAYS_BLOCK))

    changed = chosen(before, replace(AS_IT_IS, conflict_calendars=more, titles=True), at=LATER)

    assert since(changed) == {**since(before), SHARED.id: changed.revision}


def test_in_another_time_zone_all_calendars_are_to_be_read_anew() -> None:
    before = chosen(with_full_access(), AS_IT_IS, at=LATER)

    changed = chosen(before, replace(AS_IT_IS, time_zone="UTC"), at=LATER)

    assert before.terms.time_zone != "UTC"
    assert since(changed) == dict.fromkeys((PRIVATE.id, READ_ONLY.id), before.revision + 1)


def since(one: Connection) -> dict[str, int]:
    return {calendar.id: calendar.since for calendar in one.terms.setup.conflict_calendars}


def test_the_linked_calendar_is_a_conflict_calendar_by_itself() -> None:
    changed = chosen(with_full_access(), replace(NONE, linked_calendar_id=SHARED.id), at=LATER)

    assert changed.terms.setup.conflict_calendars == (ConflictCalendar(SHARED.id),)


def test_the_linked_calendar_keeps_its_rule_where_none_is_named() -> None:
    rule = ConflictCalendar(PRIVATE.id, AllDayRule.NEVER_BLOCK)
    before = chosen(with_full_access(), replace(NONE, conflict_calendars=(rule,)), at=LATER)

    changed = chosen(before, replace(NONE, linked_calendar_id=PRIVATE.id), at=LATER)

    assert changed.terms.setup.conflict_calendars == (rule,)


@pytest.mark.parametrize(
    "choice",
    [
        AS_IT_IS,
        replace(AS_IT_IS, time_zone="Europe/Paris"),
        replace(AS_IT_IS, conflict_calendars=AS_IT_IS.conflict_calendars[::-1]),
    ],
    ids=["the same", "the same zone", "another order"],
)
def test_choosing_what_is_so_already_is_no_news_but_a_choice(choice: Choice) -> None:
    old = connection()

    decided = chosen(old, choice, at=LATER)

    assert decided == replace(old, chosen_from=frozenset(c.id for c in CALENDARS))
    assert chosen(decided, choice, at=LATER) == decided


@pytest.mark.parametrize(
    ("choice", "refusal"),
    [
        (replace(NONE, linked_calendar_id=READ_ONLY.id), CalendarNotWritable),
        (replace(NONE, linked_calendar_id=SUBSCRIBED.id), CalendarUnsupported),
        (replace(NONE, linked_calendar_id="nobody's"), UnknownCalendar),
        (replace(NONE, conflict_calendars=(ConflictCalendar(REMINDERS.id),)), CalendarUnsupported),
        (replace(NONE, conflict_calendars=(ConflictCalendar("nobody's"),)), UnknownCalendar),
        (replace(NONE, time_zone="Paris"), UnknownTimeZone),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(choice: Choice, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        chosen(with_full_access(), choice, at=LATER)


def test_with_read_only_access_nothing_is_linked() -> None:
    with pytest.raises(AccessReadOnly):
        chosen(connection(), replace(NONE, linked_calendar_id=PRIVATE.id), at=LATER)


def test_an_unsupported_calendar_says_why() -> None:
    with pytest.raises(CalendarUnsupported) as refusal:
        chosen(connection(), replace(NONE, conflict_calendars=(ConflictCalendar(REMINDERS.id),)), at=LATER)

    assert refusal.value.reason == "reminders"


def test_a_calendar_that_vanished_from_the_listing_may_stay_and_not_come_in_again() -> None:
    linked = chosen(with_full_access(), replace(AS_IT_IS, linked_calendar_id=PRIVATE.id), at=LATER)
    vanished = recalendared(linked, (READ_ONLY,), told=1, at=LATER)
    without = chosen(vanished, replace(NONE, conflict_calendars=(ConflictCalendar(READ_ONLY.id),)), at=LATER)

    kept = chosen(vanished, replace(AS_IT_IS, linked_calendar_id=PRIVATE.id, titles=True), at=LATER)

    assert kept.terms.setup.linked_calendar_id == PRIVATE.id
    assert PRIVATE.id in kept.terms.setup.conflict_ids
    with pytest.raises(UnknownCalendar):
        chosen(without, AS_IT_IS, at=LATER)


def test_a_vanished_conflict_calendar_cannot_become_the_linked_one() -> None:
    vanished = recalendared(with_full_access(), (READ_ONLY,), told=1, at=LATER)

    with pytest.raises(UnknownCalendar):
        chosen(vanished, replace(AS_IT_IS, linked_calendar_id=PRIVATE.id), at=LATER)


def test_after_a_choice_new_calendars_wait_for_the_next_one() -> None:
    decided = chosen(connection(), AS_IT_IS, at=LATER)

    listed = recalendared(decided, (*CALENDARS, WORK, replace(REMINDERS, id="cal-more-to-do")), told=1, at=LATER)
    seen = chosen(listed, AS_IT_IS, at=LATER)

    assert listed.terms.setup == decided.terms.setup
    assert (decided.newcomers, listed.newcomers, seen.newcomers) == ((), (WORK,), ())


def test_before_a_choice_there_are_no_newcomers_because_they_block_at_once() -> None:
    listed = recalendared(connection(), (*CALENDARS, WORK), told=1, at=LATER)

    assert (listed.chosen, listed.newcomers) == (False, ())
    assert WORK.id in listed.terms.setup.conflict_ids


@pytest.mark.parametrize("chosen_before", [False, True])
def test_a_choice_that_was_made_before_a_calendar_came_is_not_taken(
    chosen_before: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    shown = chosen(connection(), AS_IT_IS, at=LATER) if chosen_before else connection()
    choice = replace(AS_IT_IS, titles=True, made_from=frozenset({offer(shown.terms)}))
    listed = recalendared(shown, (*CALENDARS, WORK), told=1, at=LATER)

    with pytest.raises(ChoiceOutdated):
        chosen(listed, choice, at=LATER)

    assert chosen(shown, choice, at=LATER).terms.setup.titles
    assert chosen(listed, replace(choice, made_from=None), at=LATER).terms.setup.titles


def test_a_choice_says_that_it_is_outdated_before_it_says_what_else_is_wrong_with_it() -> None:
    choice = replace(
        AS_IT_IS, linked_calendar_id=WORK.id, time_zone="Paris", made_from=frozenset({offer(connection().terms)})
    )
    fewer = recalendared(connection(), (PRIVATE,), told=1, at=LATER)

    with pytest.raises(ChoiceOutdated):
        chosen(fewer, choice, at=LATER)


def test_the_same_choice_sent_twice_is_taken_and_says_nothing_of_what_came_meanwhile() -> None:
    choice = replace(AS_IT_IS, titles=True, made_from=frozenset({offer(connection().terms)}))
    once = chosen(connection(), choice, at=LATER)
    listed = recalendared(once, (*CALENDARS, WORK), told=1, at=LATER)

    assert chosen(once, choice, at=LATER) == once
    assert chosen(listed, choice, at=LATER).newcomers == (WORK,)


@pytest.mark.parametrize("minutes", [-1, 40_321])
def test_an_alarm_rings_within_four_weeks(minutes: int) -> None:
    with pytest.raises(ValueError, match="alarm"):
        Setup((), alarm_minutes=minutes)


def test_a_calendar_is_in_a_setup_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Setup((ConflictCalendar("a"), ConflictCalendar("a", AllDayRule.NEVER_BLOCK)))
