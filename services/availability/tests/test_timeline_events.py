"""What every store promises of imported events, told through the stories that use it."""

import pytest
from services.availability.tests.examples import (
    DAY,
    HOME,
    TODAY,
    connected,
    imported,
    removed,
    span,
    tombstone,
)
from services.availability.tests.stories import ask, connections, events

from availability.application.record_events import EventNews
from availability.application.timeline import Timeline
from availability.domain.blocking import AllDayRule
from contracts.facts import OccurrenceFacts


async def test_an_imported_event_blocks_its_user(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 10), span(9, 10, day=1)), imported("event-2", span(9.5, 11)))

    answer = await ask(timeline)

    assert answer.spans == (span(9, 11), span(9, 10, day=1))


async def test_an_event_that_moved_blocks_its_new_time_only(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 10), revision=1))
    await events(timeline, imported("event-1", span(15, 16), revision=2))

    answer = await ask(timeline)

    assert answer.spans == (span(15, 16),)


async def test_an_older_revision_is_dropped_whatever_way_it_comes(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(15, 16), revision=2), imported("event-1", span(9, 10), revision=1))
    await events(timeline, imported("event-1", span(9, 10), revision=1))
    await events(timeline, removed("event-1", revision=1))

    answer = await ask(timeline)

    assert answer.spans == (span(15, 16),)


async def test_a_new_epoch_is_newer_than_any_revision_of_the_old(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 10), epoch=2, revision=1))
    await events(timeline, imported("event-1", span(15, 16), epoch=1, revision=99))

    answer = await ask(timeline)

    assert answer.spans == (span(9, 10),)


@pytest.mark.parametrize("end", [removed("event-1", revision=2), tombstone("event-1", revision=2)])
async def test_a_removed_event_never_comes_back(timeline: Timeline, end: EventNews) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", revision=1))
    await events(timeline, end)
    await events(timeline, imported("event-1", revision=1), imported("event-1", revision=2))

    answer = await ask(timeline)

    assert answer.spans == ()


async def test_an_event_whose_removal_came_first_never_appears(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, tombstone("event-1", revision=2))
    await events(timeline, imported("event-1", revision=1))

    answer = await ask(timeline)

    assert answer.spans == ()


async def test_a_replayed_tombstone_leaves_a_newer_event_alone(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 10), revision=3))
    await events(timeline, tombstone("event-1", revision=2))

    answer = await ask(timeline)

    assert answer.spans == (span(9, 10),)


async def test_a_removed_event_may_be_imported_anew(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", revision=1), removed("event-1", revision=2))
    await events(timeline, imported("event-1", span(15, 16), revision=3))

    answer = await ask(timeline)

    assert answer.spans == (span(15, 16),)


async def test_the_facts_of_each_occurrence_decide_by_themselves(timeline: Timeline) -> None:
    all_day = OccurrenceFacts(all_day=True, transparent=True)
    event = imported("event-1", span(9, 10))
    cancelled = imported("event-2", span(12, 13), facts=OccurrenceFacts(cancelled=True))
    both = event.model_copy(update={"occurrences": (*event.occurrences, *cancelled.occurrences)})
    await connections(timeline, connected([HOME], AllDayRule.ALWAYS_BLOCK))
    await events(timeline, both, imported("event-3", span(0, 24, day=1), facts=all_day))

    answer = await ask(timeline)

    assert answer.spans == (span(9, 10), span(0, 24, day=1))


async def test_a_span_without_length_blocks_nothing(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 9)))

    answer = await ask(timeline)

    assert answer.spans == ()


async def test_an_event_without_occurrences_is_kept_and_blocks_nothing(timeline: Timeline) -> None:
    event = imported("event-1", span(9, 10), revision=1)
    await connections(timeline, connected())
    await events(timeline, event.model_copy(update={"occurrences": (), "revision": 2}))
    await events(timeline, event)

    answer = await ask(timeline)

    assert answer.spans == ()


@pytest.mark.parametrize("days", [1, 17, 18, 300, 5_000])
async def test_an_event_of_any_length_blocks_all_of_its_days(timeline: Timeline, days: int) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", (TODAY - days * DAY, TODAY + days * DAY)))

    answer = await ask(timeline, days=1)

    assert answer.spans == ((TODAY, TODAY + DAY),)
