from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.domain.connection import State
from connector.domain.reading import HeldRemovals, Progress, Reading, UnreadableEvent
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
    HoldState,
    QuarantinedObject,
    RemovalsHeld,
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
    assert found.reading == Reading(NOW, looked_at=NOW)


@pytest.mark.parametrize(("age", "as_of"), [(0, None), (3_600, NOW - timedelta(hours=1))])
async def test_a_connection_is_as_old_as_its_oldest_calendar(age: int, as_of: datetime | None) -> None:
    words, store = await listening()
    now = int(NOW.timestamp())
    failing = CalendarAge(id="cal-1", as_of=now - age if age else 0, state=CalendarState.FAILED)

    said = CompletedSync(**MARIES, revision=1_001, as_of=now, calendars=(failing,))
    await words(deliveries(SyncCompleted(connections=(said,))))

    found = await store.of(MARIE)
    assert found
    assert found.reading.as_of == as_of
    assert found.last_worked_at == NOW


async def test_progress_is_followed_until_the_first_import_is_complete() -> None:
    words, store = await listening()

    await words(deliveries(SyncProgress(**MARIES, revision=1_001, imported=50, total=80)))
    under_way = await store.of(MARIE)
    await words(deliveries(completed(1_002, int(NOW.timestamp()))))
    complete = await store.of(MARIE)

    assert under_way
    assert complete
    assert (under_way.reading, complete.reading) == (Reading(None, Progress(50, 80)), Reading(NOW, looked_at=NOW))


async def test_each_calendar_has_an_age_of_its_own() -> None:
    words, store = await listening()
    now = int(NOW.timestamp())
    held = CalendarAge(id="cal-club", as_of=now - 60, state=CalendarState.HELD)

    said = CompletedSync(**MARIES, revision=1_001, as_of=now, calendars=(held,), setup_revision=1)
    await words(deliveries(SyncCompleted(connections=(said,))))

    found = await store.of(MARIE)
    assert found
    assert [(age.calendar_id, age.as_of, age.state) for age in found.ages] == [
        ("cal-private", NOW, "read"),
        ("cal-club", NOW - timedelta(minutes=1), "held"),
    ]


async def test_a_credential_that_apple_refuses_for_good_needs_a_reconnect() -> None:
    words, store = await listening()
    now = int(NOW.timestamp())

    await words(deliveries(CredentialsRejected(**MARIES, revision=2_001, since=now, as_of=now - 60)))

    found = await store.of(MARIE)
    assert found
    assert found.state is State.NEEDS_RECONNECT
    assert (found.needs_reconnect_since, found.last_worked_at) == (NOW, NOW - timedelta(minutes=1))


def hold(revision: int, state: HoldState, calendar_id: str = "cal-private", **more: int) -> RemovalsHeld:
    since = int(NOW.timestamp())
    said = {"calendar_id": calendar_id, "state": state, "known": 40, "missing": 38, "since": since, "doubt": "shrunken"}
    return RemovalsHeld.model_validate(MARIES | {"revision": revision, **more} | said)


async def test_held_removals_are_kept_until_they_are_settled() -> None:
    words, store = await listening()

    await words(deliveries(hold(1_001, HoldState.HELD), hold(1_002, HoldState.HELD, "cal-club")))
    held = await store.of(MARIE)
    await words(deliveries(hold(2_001, HoldState.CONFIRMED), hold(2_002, HoldState.DROPPED, "cal-club")))
    settled = await store.of(MARIE)

    assert held
    assert settled
    assert held.held == tuple(HeldRemovals(one, NOW, 40, 38, "shrunken") for one in ("cal-private", "cal-club"))
    assert settled.held == ()


async def test_what_the_user_said_of_held_removals_is_kept_until_they_are_asked_again() -> None:
    words, store = await listening()
    tomorrow = NOW + timedelta(days=1)

    await words(deliveries(hold(1_001, HoldState.HELD)))
    await words(deliveries(hold(2_001, HoldState.HELD, kept_until=int(tomorrow.timestamp()))))
    kept = await store.of(MARIE)
    await words(deliveries(hold(3_001, HoldState.HELD)))
    asked_again = await store.of(MARIE)

    assert kept
    assert asked_again
    assert kept.held == (HeldRemovals("cal-private", NOW, 40, 38, "shrunken", tomorrow),)
    assert asked_again.held == (HeldRemovals("cal-private", NOW, 40, 38, "shrunken"),)


async def test_what_cannot_be_read_is_kept_by_calendar_bounded_and_cleared() -> None:
    words, store = await listening()
    start = int(NOW.timestamp())
    lost = [QuarantinedObject(event_id=f"e-{n}", reason="not_ical", span=(start, start + 60)) for n in range(30)]
    without = MARIES | {"calendar_id": "cal-private"}

    await words(deliveries(EventsQuarantined(**without, revision=1_001, objects=tuple(lost))))
    found = await store.of(MARIE)
    await words(deliveries(EventsQuarantined(**without, revision=2_001, objects=())))
    cleared = await store.of(MARIE)

    assert found
    assert cleared
    [quarantined] = found.quarantined
    assert (quarantined.calendar_id, quarantined.count, len(quarantined.objects)) == ("cal-private", 30, 20)
    assert quarantined.objects[0] == UnreadableEvent("e-0", "not_ical", NOW, NOW + timedelta(minutes=1))
    assert cleared.quarantined == ()


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


@pytest.mark.parametrize("calendar_id", ["cal.private", "$set", "a b"])
async def test_calendars_by_no_id_of_ours_are_passed_over(calendar_id: str) -> None:
    words, store = await listening()
    lost = EventsQuarantined(**MARIES, revision=2_001, calendar_id=calendar_id, objects=())

    await words(deliveries(lost, hold(2_002, HoldState.HELD, calendar_id)))

    assert await store.of(MARIE) == connection("c-1", MARIE)
