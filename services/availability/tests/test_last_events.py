"""What a pass read is believed once everything that it found is applied, for events come over another topic."""

from datetime import timedelta

import pytest
from services.availability.tests.examples import (
    HOME,
    NOW,
    WORK,
    ago,
    completed,
    connected,
    disconnected,
    imported,
    rejected,
    removed,
    setup_changed,
    tombstone,
)
from services.availability.tests.stories import ask, connections, events, syncs, up_to

from availability.application.record_events import EventNews
from availability.application.record_syncs import HELD_BACK, EventsMissing, Reach, RecordSyncs, SaidAt
from availability.application.timeline import Timeline
from availability.domain.freshness import State
from contracts.events import LastEvent, SyncCompleted

LAST = LastEvent(event_id="event-1", revision=2)
LATE = NOW - HELD_BACK


async def test_a_pass_whose_last_event_is_missing_is_not_believed_yet(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", revision=1))

    with pytest.raises(EventsMissing):
        await syncs(timeline, completed(last=LAST))

    assert (await ask(timeline)).freshness.state is State.IMPORTING


@pytest.mark.parametrize(
    "last",
    [
        [imported("event-1", revision=2)],
        [imported("event-1", revision=3)],
        [imported("event-1", epoch=2, revision=1)],
        [removed("event-1", revision=2)],
        [tombstone("event-1", revision=2)],
    ],
    ids=["it", "newer", "newer epoch", "removed", "tombstone"],
)
async def test_it_is_believed_once_the_event_or_a_newer_word_on_it_is_there(
    timeline: Timeline, last: list[EventNews]
) -> None:
    await connections(timeline, connected())
    await events(timeline, *last)

    await syncs(timeline, completed(last=LAST))

    assert (await ask(timeline)).freshness.state is State.FRESH


async def test_one_connection_that_waits_holds_up_no_other(timeline: Timeline) -> None:
    await connections(timeline, connected(), connected(connection="another", user="user-2"))
    together = SyncCompleted(
        connections=(*completed(last=LAST).connections, *completed(connection="another", user="user-2").connections)
    )

    with pytest.raises(EventsMissing):
        await syncs(timeline, together)

    assert (await ask(timeline, user="user-2")).freshness.state is State.FRESH
    assert (await ask(timeline)).freshness.state is State.IMPORTING


async def test_however_late_it_is_an_event_that_can_still_come_is_waited_for(timeline: Timeline) -> None:
    await connections(timeline, connected())
    record, said = RecordSyncs(timeline, lambda: NOW, up_to(7, 9, 10)), SaidAt(completed(last=LAST), LATE, 3, 0)

    for _ in range(2):
        with pytest.raises(EventsMissing):
            await record([said])
    between = (await ask(timeline)).freshness.state
    await record([said])

    assert (between, (await ask(timeline)).freshness.state) == (State.IMPORTING, State.FRESH)


async def test_what_is_written_after_an_event_was_missed_is_not_waited_for(timeline: Timeline) -> None:
    await connections(timeline, connected())
    reaches = iter([Reach(9, 10), Reach(10, 12)])

    async def reach(_partition: int) -> Reach:
        return next(reaches)

    record, said = RecordSyncs(timeline, lambda: NOW, reach), SaidAt(completed(last=LAST), LATE, 3, 0)
    with pytest.raises(EventsMissing):
        await record([said])
    await record([said])

    assert (await ask(timeline)).freshness.state is State.FRESH


async def test_a_later_pass_is_not_believed_before_an_earlier_one_whose_events_are_missing(timeline: Timeline) -> None:
    await connections(timeline, connected())
    record = RecordSyncs(timeline, lambda: NOW, up_to(9))

    with pytest.raises(EventsMissing):
        await record([SaidAt(completed(last=LAST), LATE, 3, 0), SaidAt(completed(revision=2), LATE, 3, 1)])

    assert (await ask(timeline)).freshness.state is State.IMPORTING


async def test_a_first_pass_without_events_is_believed_once_all_is_applied_that_was_there_when_it_came(
    timeline: Timeline,
) -> None:
    await connections(timeline, connected())
    record, said = RecordSyncs(timeline, lambda: NOW, up_to(0, 9, 10)), SaidAt(completed(), NOW, 3, 0)

    for _ in range(2):
        with pytest.raises(EventsMissing):
            await record([said])
    between = (await ask(timeline)).freshness.state
    await record([said])

    assert (between, (await ask(timeline)).freshness.state) == (State.IMPORTING, State.FRESH)


async def test_a_neighbour_of_the_same_moment_does_not_move_what_is_waited_for(timeline: Timeline) -> None:
    await connections(timeline, connected())
    reaches = iter([Reach(8, 10), Reach(10, 12)])

    async def busy_reach(_partition: int) -> Reach:
        return next(reaches)

    record = RecordSyncs(timeline, lambda: NOW, busy_reach)
    news = [SaidAt(completed(), NOW, 3, 0), SaidAt(rejected(revision=1), NOW, 3, 1)]
    with pytest.raises(EventsMissing):
        await record(news)
    await record(news)

    assert (await ask(timeline)).freshness.state is State.FRESH


async def test_kafka_is_asked_once_for_all_that_begin_in_a_partition(timeline: Timeline) -> None:
    asked: list[int] = []

    async def reach(partition: int) -> Reach:
        asked.append(partition)
        return Reach(10, 10)

    await RecordSyncs(timeline, lambda: NOW, reach)(
        [SaidAt(completed(connection=f"c{n}", user=f"u{n}"), NOW, n % 2, n) for n in range(20)]
    )

    assert sorted(asked) == [0, 1]


async def test_once_a_pass_is_kept_those_without_events_are_believed_at_once(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await syncs(timeline, completed(ago(minutes=20)))

    await RecordSyncs(timeline, lambda: NOW, up_to(0))([SaidAt(completed(ago(minutes=1), revision=2_000), NOW, 3, 0)])

    assert (await ask(timeline)).freshness.as_of == NOW - timedelta(minutes=1)


async def test_a_refusal_does_not_make_younger_what_a_pass_is_waited_for(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await syncs(timeline, completed(ago(minutes=20), revision=1))
    record = RecordSyncs(timeline, lambda: NOW, up_to(9))

    with pytest.raises(EventsMissing):
        await record([SaidAt(completed(last=LAST, revision=2), LATE, 3, 0), SaidAt(rejected(revision=3), LATE, 3, 1)])
    known = (await ask(timeline)).freshness

    assert (known.state, known.as_of) == (State.NEEDS_RECONNECT, NOW - timedelta(minutes=20))


async def test_nobody_waits_for_events_of_a_connection_that_has_ended(timeline: Timeline) -> None:
    await connections(timeline, connected(), disconnected(revision=2))

    await syncs(timeline, completed(last=LAST))

    assert (await ask(timeline)).freshness.state is State.NOT_CONNECTED


async def test_calendars_of_a_newer_setup_have_no_age_until_a_pass_went_by_it(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME], revision=1))
    await syncs(timeline, completed(ago(minutes=1), revision=1, setup=1))
    await connections(timeline, setup_changed([HOME, WORK], revision=2))
    between = (await ask(timeline)).freshness

    await syncs(timeline, completed(ago(minutes=1), revision=2, setup=2))
    after = (await ask(timeline)).freshness

    assert (between.state, between.as_of) == (State.IMPORTING, None)
    assert [calendar.as_of for calendar in between.calendars] == [None, None]
    assert (after.state, after.as_of) == (State.FRESH, NOW - timedelta(minutes=1))


async def test_a_pass_by_a_setup_that_is_not_known_yet_makes_nothing_fresh(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME], revision=1))
    await syncs(timeline, completed(ago(minutes=1), setup=2))

    before = (await ask(timeline)).freshness
    await connections(timeline, setup_changed([HOME, WORK], revision=2))

    assert (before.state, before.as_of) == (State.IMPORTING, None)
    assert (await ask(timeline)).freshness.as_of == NOW - timedelta(minutes=1)


async def test_a_pass_that_does_not_tell_its_setup_is_believed_as_before(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME], revision=1), setup_changed([HOME, WORK], revision=2))

    await syncs(timeline, completed(ago(minutes=1)))

    assert (await ask(timeline)).freshness.state is State.FRESH
