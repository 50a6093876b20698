"""What every store promises of the age of knowledge, told through the stories that use it."""

from datetime import timedelta

from services.availability.tests.examples import (
    HOME,
    NOW,
    USER,
    WORK,
    ago,
    completed,
    connected,
    imported,
    reconnected,
    rejected,
    span,
)
from services.availability.tests.stories import ask, connections, events, syncs

from availability.application.timeline import Timeline
from availability.domain.freshness import State


async def test_a_completed_pass_makes_the_knowledge_fresh(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME, WORK]))
    await syncs(timeline, completed(ago(minutes=5), {WORK: ago(hours=2)}))

    known = (await ask(timeline)).freshness

    assert (known.state, known.as_of) == (State.STALE, NOW - timedelta(hours=2))
    assert [(calendar.id, calendar.state) for calendar in known.calendars] == [(HOME, "fresh"), (WORK, "stale")]


async def test_a_calendar_that_was_never_read_is_still_importing(timeline: Timeline) -> None:
    await connections(timeline, connected([HOME, WORK]))
    await syncs(timeline, completed(ago(minutes=5), {WORK: 0}))

    known = (await ask(timeline)).freshness

    assert (known.state, known.as_of) == (State.IMPORTING, None)
    assert [(calendar.as_of, calendar.state) for calendar in known.calendars] == [
        (NOW - timedelta(minutes=5), State.FRESH),
        (None, State.IMPORTING),
    ]


async def test_a_pass_that_is_known_before_its_connection_is_not_lost(timeline: Timeline) -> None:
    await syncs(timeline, completed(ago(minutes=5)))
    before = (await ask(timeline)).freshness
    await connections(timeline, connected())
    after = (await ask(timeline)).freshness

    assert before.state is State.NOT_CONNECTED
    assert (after.state, after.as_of) == (State.FRESH, NOW - timedelta(minutes=5))


async def test_knowledge_never_gets_older_by_late_news(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await syncs(timeline, completed(ago(minutes=5), revision=2_000))
    await syncs(timeline, completed(ago(minutes=20), {HOME: ago(hours=2)}, revision=1_000))

    known = (await ask(timeline)).freshness

    assert (known.state, known.as_of) == (State.FRESH, NOW - timedelta(minutes=5))


async def test_a_refused_credential_shows_until_a_reconnect_and_blocks_stay(timeline: Timeline) -> None:
    await connections(timeline, connected())
    await events(timeline, imported("event-1", span(9, 10)))
    await syncs(timeline, completed(ago(minutes=40), revision=1_000), rejected(ago(minutes=35), revision=2_000))
    refused = await ask(timeline)
    await connections(timeline, reconnected(epoch=2))
    again = await ask(timeline)

    assert (refused.spans, refused.freshness.state) == ((span(9, 10),), State.NEEDS_RECONNECT)
    assert refused.freshness.as_of == NOW - timedelta(minutes=35)
    assert (again.spans, again.freshness.state) == ((span(9, 10),), State.STALE)


async def test_many_connections_may_come_in_one_message(timeline: Timeline) -> None:
    first, second = completed(), completed(connection="other", user="user-2")
    together = first.model_copy(update={"connections": first.connections + second.connections})
    await connections(timeline, connected(), connected(connection="other", user="user-2"))
    await syncs(timeline, together)

    states = [(await ask(timeline, user=user)).freshness.state for user in (USER, "user-2")]

    assert states == [State.FRESH, State.FRESH]
