from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.domain.connection import Progress, Reading, State
from connector.inbound.kafka import SyncWords
from connector_examples import CALENDARS, LATER, MARIE, NOW, SECRET, WORK, connection
from connector_fakes import FakeConnections
from contracts import facts
from contracts.events import (
    CalendarAge,
    CalendarsChanged,
    CalendarState,
    CompletedSync,
    CredentialsRejected,
    EventsQuarantined,
    SyncCompleted,
    SyncProgress,
)
from contracts.wire import AnyEvent
from runtime.kafka import Delivery

MARIES: dict[str, Any] = {"account_id": MARIE.account_id, "user_id": MARIE.user_id, "connection_id": "c-1", "epoch": 1}


def deliveries(*events: AnyEvent) -> Sequence[Delivery]:
    return [Delivery(event, "icloud.sync.v1", 0, number, 0) for number, event in enumerate(events)]


async def listening() -> tuple[SyncWords, FakeConnections]:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    return SyncWords(RecordReports(store), RecordCalendars(store, lambda: LATER, lambda: None)), store


def completed(revision: int, at: int) -> SyncCompleted:
    return SyncCompleted(connections=(CompletedSync(**MARIES, revision=revision, as_of=at),))


async def test_a_completed_sync_tells_up_to_when_everything_is_read() -> None:
    words, store = await listening()

    await words(deliveries(completed(1_001, int(NOW.timestamp()))))

    found = await store.of(MARIE)
    assert found
    assert found.reading == Reading(NOW)


@pytest.mark.parametrize(("age", "reading"), [(0, Reading(None)), (3_600, Reading(NOW - timedelta(hours=1)))])
async def test_a_connection_is_as_old_as_its_oldest_calendar(age: int, reading: Reading) -> None:
    words, store = await listening()
    now = int(NOW.timestamp())
    failing = CalendarAge(id="cal-1", as_of=now - age if age else 0, state=CalendarState.FAILED)

    said = CompletedSync(**MARIES, revision=1_001, as_of=now, calendars=(failing,))
    await words(deliveries(SyncCompleted(connections=(said,))))

    found = await store.of(MARIE)
    assert found
    assert found.reading == reading


async def test_progress_is_followed_until_the_first_import_is_complete() -> None:
    words, store = await listening()

    await words(deliveries(SyncProgress(**MARIES, revision=1_001, imported=50, total=80)))
    under_way = await store.of(MARIE)
    await words(deliveries(completed(1_002, int(NOW.timestamp()))))
    complete = await store.of(MARIE)

    assert under_way
    assert complete
    assert (under_way.reading, complete.reading) == (Reading(None, Progress(50, 80)), Reading(NOW))


async def test_a_credential_that_apple_refuses_for_good_needs_a_reconnect() -> None:
    words, store = await listening()

    await words(deliveries(CredentialsRejected(**MARIES, revision=2_001, since=0)))

    found = await store.of(MARIE)
    assert found
    assert found.state is State.NEEDS_RECONNECT


async def test_calendars_that_appeared_are_taken_in() -> None:
    words, store = await listening()
    told = tuple(
        facts.Calendar(
            id=c.id,
            name=c.name,
            color=c.color,
            writable=c.writable,
            supported=c.supported,
            reason=c.reason,
            shared=c.shared,
        )
        for c in (*CALENDARS, WORK)
    )

    await words(deliveries(CalendarsChanged(**MARIES, revision=2_001, calendars=told)))

    found = await store.of(MARIE)
    assert found
    assert found.terms.calendars == (*CALENDARS, WORK)


async def test_other_events_of_the_topic_are_passed_over() -> None:
    words, store = await listening()

    await words(deliveries(EventsQuarantined(**MARIES, revision=2_001, calendar_id="cal-private", objects=())))

    assert await store.of(MARIE) == connection("c-1", MARIE)
