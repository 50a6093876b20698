"""What every store promises of details and doubts, told through the stories that use them."""

from datetime import timedelta

import pytest
from services.availability.tests.examples import (
    CONNECTION,
    HOME,
    NOW,
    THEY,
    TODAY,
    USER,
    WORK,
    connected,
    disconnected,
    held,
    imported,
    quarantined,
    seconds,
    span,
    tombstone,
)
from services.availability.tests.stories import ask, connections, events, syncs

from availability.application.answer import Answers
from availability.application.timeline import Timeline
from availability.domain.blocking import AllDayRule, Rule
from availability.domain.busy import KnownEvent
from availability.domain.changes import Version
from availability.domain.doubts import Held, Quarantined, UnreadableEvent
from availability.domain.intervals import Window
from contracts.events import HoldState, QuarantinedObject
from contracts.facts import OccurrenceFacts

WEEK = Window(*span(0, 7 * 24))
LOST = QuarantinedObject(event_id="event-1", reason="truncated", span=span(9, 10))
WORDLESS = QuarantinedObject(event_id="event-2", reason="too_large")
HOLIDAY = OccurrenceFacts(all_day=True, transparent=True)


def answers(timeline: Timeline) -> Answers:
    return Answers(timeline, lambda: NOW, timedelta(minutes=30))


async def test_doubts_are_kept_with_their_calendar_whatever_comes_first(timeline: Timeline) -> None:
    await syncs(timeline, held(), quarantined(LOST, WORDLESS, calendar=WORK, revision=2))
    await connections(timeline, connected([HOME, WORK]))

    known = await timeline.in_detail(*THEY, WEEK)

    assert {type(doubt): doubt for doubt in known.doubts} == {
        Held: Held(CONNECTION, HOME, Version(1, 1), NOW, known=20, missing=15, why="shrunken"),
        Quarantined: Quarantined(
            CONNECTION,
            WORK,
            Version(1, 2),
            (UnreadableEvent("event-1", "truncated", span(9, 10)), UnreadableEvent("event-2", "too_large")),
        ),
    }


async def test_what_the_user_wants_to_keep_is_told_as_held_all_the_same(timeline: Timeline) -> None:
    await connections(timeline, connected())
    kept = held(revision=2).model_copy(update={"kept_until": seconds(NOW + timedelta(days=1))})
    await syncs(timeline, held(), kept)

    found = await answers(timeline).why(THEY, WEEK, titles=False)

    assert [(reason.rule, reason.calendar_id, reason.why) for reason in found.ignored] == [
        (Rule.REMOVALS_HELD, HOME, "shrunken")
    ]


async def test_the_newest_word_on_a_doubt_counts_in_any_order(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await syncs(timeline, held(state=HoldState.DROPPED, revision=5), held(revision=4), quarantined(revision=7))
    await syncs(timeline, held(revision=3), quarantined(LOST, revision=6))

    found = await answers(timeline).why(THEY, WEEK, titles=False)

    assert (found.blocking, found.ignored) == ((), ())


async def test_doubts_of_other_calendars_do_not_show(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME]))
    await syncs(timeline, held(WORK), quarantined(LOST, calendar=WORK))

    assert (await timeline.in_detail(*THEY, WEEK)).doubts == ()


@pytest.mark.parametrize(
    "end", [disconnected(revision=9), tombstone(CONNECTION, revision=9)], ids=["told", "tombstone"]
)
async def test_with_its_connection_a_doubt_goes_and_does_not_come_back(timeline: Timeline, end: object) -> None:
    await connections(timeline, connected())
    await syncs(timeline, held(), quarantined(LOST))
    await connections(timeline, end)  # type: ignore[arg-type]  # both are connection events
    await syncs(timeline, held(revision=20), quarantined(LOST, revision=21))
    await connections(timeline, connected(revision=30))

    known = await timeline.in_detail(*THEY, WEEK)

    assert (known.connections, known.doubts) == ((), ())


async def test_each_event_is_told_by_itself_with_its_title_where_it_has_one(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 10), title="Dentist"), imported("event-2", span(9, 11)))

    known = await timeline.in_detail(*THEY, WEEK)

    assert {(one.event, *one.spans) for one in known.occurrences} == {
        (KnownEvent("event-1", "Dentist"), span(9, 10)),
        (KnownEvent("event-2"), span(9, 11)),
    }


async def test_a_title_that_is_taken_back_is_gone(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", title="Dentist"))
    await events(timeline, imported("event-1", revision=2))

    known = await timeline.in_detail(*THEY, WEEK)

    assert [one.event for one in known.occurrences] == [KnownEvent("event-1")]


async def test_an_occurrence_over_the_end_of_a_period_is_told_once(timeline: Timeline) -> None:
    long = span(9, 60 * 24)
    await connections(timeline, connected())
    await events(timeline, imported("event-1", long))

    found = await answers(timeline).why(THEY, Window(TODAY, TODAY + 90 * 24 * 3600), titles=False)

    assert [reason.span for reason in found.blocking] == [long]


async def test_many_users_are_asked_about_at_once_each_as_alone(timeline: Timeline) -> None:
    await connections(timeline, connected(), connected(connection="other", user="user-2"))
    await events(timeline, imported("event-1"), imported("event-2", span(11, 12), connection="other", user="user-2"))

    found = await answers(timeline).busy_of(THEY.account_id, [USER, "user-2", "nobody", USER], WEEK)

    assert {user: one.spans for user, one in found.items()} == {
        USER: (span(9, 10),),
        "user-2": (span(11, 12),),
        "nobody": (),
    }
    assert found[USER] == await ask(timeline)
    assert found["nobody"] == await ask(timeline, user="nobody")


async def test_a_preview_counts_the_all_day_events_ahead_that_are_marked_free(timeline: Timeline) -> None:
    past, ahead = span(-48, -24), span(0, 24, day=200)
    declined = HOLIDAY.model_copy(update={"declined": True})
    await connections(timeline, connected([HOME, WORK]))
    await events(
        timeline,
        imported("event-1", span(0, 24), ahead, facts=HOLIDAY),
        imported("event-2", past, facts=HOLIDAY),
        imported("event-3", ahead, facts=declined),
        imported("event-4", ahead, facts=OccurrenceFacts(all_day=True)),
        imported("event-5", ahead, facts=OccurrenceFacts(transparent=True)),
        imported("event-6", ahead, facts=HOLIDAY, calendar="other"),
    )
    choice = (
        (HOME, AllDayRule.ALWAYS_BLOCK),
        (WORK, AllDayRule.AS_MARKED),
        ("other", AllDayRule.AS_MARKED),
    )

    found = await answers(timeline).preview(THEY, WEEK, choice)

    assert [(one.freshness.id, one.known, one.all_day_marked_free) for one in found.calendars] == [
        (HOME, True, 1),
        (WORK, True, 0),
        ("other", False, None),
    ]
    assert [(reason.id, reason.rule) for reason in found.why.blocking] == [("event-1", "all_day_rule")]
