"""What every store promises of connections, told through the stories that use it."""

import pytest
from services.availability.tests.examples import (
    CONNECTION,
    HOME,
    WORK,
    completed,
    connected,
    disconnected,
    imported,
    reconnected,
    setup_changed,
    span,
    tombstone,
)
from services.availability.tests.stories import ask, connections, events, syncs

from availability.application.record_connections import ConnectionEvent
from availability.application.timeline import Timeline
from availability.domain.freshness import State


async def test_events_that_come_before_their_connection_count_as_soon_as_it_comes(timeline: Timeline) -> None:
    await events(timeline, imported("event-1", span(9, 10)))
    before = await ask(timeline)
    await connections(timeline, connected())
    after = await ask(timeline)

    assert (before.spans, before.freshness.state) == ((), State.NOT_CONNECTED)
    assert (after.spans, after.freshness.state) == ((span(9, 10),), State.IMPORTING)


async def test_events_of_a_calendar_count_from_when_it_is_chosen(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME]))
    await events(timeline, imported("event-1", span(9, 10), calendar=WORK))
    before = await ask(timeline)
    await connections(timeline, setup_changed([HOME, WORK], revision=2))
    after = await ask(timeline)

    assert before.spans == ()
    assert after.spans == (span(9, 10),)


async def test_a_setup_that_comes_late_changes_nothing(timeline: Timeline) -> None:
    await connections(timeline, setup_changed([HOME], revision=3))
    await connections(timeline, setup_changed([WORK], revision=2), connected([WORK], revision=1))
    await events(timeline, imported("event-1", span(9, 10), calendar=HOME))

    answer = await ask(timeline)

    assert answer.spans == (span(9, 10),)


async def test_after_a_disconnect_nothing_of_the_connection_is_left(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await syncs(timeline, completed())
    await events(timeline, imported("event-1"), imported("event-2"))
    await connections(timeline, disconnected(revision=2))

    answer = await ask(timeline)

    assert answer.spans == ()
    assert answer.freshness.state is State.NOT_CONNECTED


@pytest.mark.parametrize("end", [disconnected(revision=5), tombstone(CONNECTION, revision=5)])
async def test_nothing_that_comes_late_brings_an_ended_connection_back(
    timeline: Timeline, end: ConnectionEvent
) -> None:
    await connections(timeline, connected(), end)
    await events(timeline, imported("event-1"))
    await syncs(timeline, completed(epoch=2, revision=7_000))
    await connections(timeline, setup_changed([HOME], revision=4), reconnected([HOME], epoch=2))

    answer = await ask(timeline)
    ended = await timeline.ended([CONNECTION, "another"])

    assert answer.spans == ()
    assert answer.freshness.state is State.NOT_CONNECTED
    assert ended == {CONNECTION}


async def test_another_connection_of_the_user_is_untouched_by_a_disconnect(timeline: Timeline) -> None:
    await connections(timeline, connected(connection="old"), connected([WORK], connection="new"))
    await events(timeline, imported("event-1", connection="old"))
    await events(timeline, imported("event-2", span(15, 16), calendar=WORK, connection="new"))
    await connections(timeline, disconnected(connection="old", revision=2))

    answer = await ask(timeline)

    assert answer.spans == (span(15, 16),)


async def test_one_users_events_say_nothing_about_another(timeline: Timeline) -> None:
    await connections(timeline, connected(), connected(connection="other", user="user-2"))
    await events(timeline, imported("event-1", connection="other", user="user-2"))

    mine, elsewhere = await ask(timeline), await ask(timeline, account="account-2")

    assert mine.spans == ()
    assert elsewhere.freshness.state is State.NOT_CONNECTED
    assert (await ask(timeline, user="user-2")).spans == (span(9, 10),)
