from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from connector.application.publish import Unpublished
from connector.application.refusals import NobodyToAsk
from connector.application.request_sync import Request
from connector.domain.calendars import MOST_CALENDARS, name_shown
from connector.domain.connection import ended, recalendared, reconnected
from connector.outbound.kafka import KafkaAnnouncer, KafkaWorkers, event_of, requested
from connector_examples import CALENDARS, LATER, MARIE, NOW, WORK, connection
from connector_kafka import heard_of, kafka_settings
from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    HeldSince,
    RequestReason,
    SyncRequested,
)
from contracts.wire import Tombstone, encode
from runtime.kafka import Publisher


def test_the_largest_announcement_fits_into_a_record() -> None:
    longest = name_shown("\N{CALENDAR}" * 1_000)
    calendars = tuple(replace(WORK, id=f"{number:024x}", name=longest) for number in range(MOST_CALENDARS))
    largest = recalendared(connection("c" * 32, MARIE), calendars, told=1, at=LATER)

    record = encode(event_of(largest.announcement()), source="connector", time=LATER)

    assert record.value
    assert len(record.value) < 900_000


def test_an_announcement_tells_since_when_each_calendar_is_read() -> None:
    found = recalendared(connection(), (*CALENDARS, replace(WORK, id="cal-new")), told=1, at=LATER)

    event = event_of(found.announcement())

    assert isinstance(event, CalendarSetupChanged)
    assert {one.id: one.since for one in event.setup.conflict_calendars}["cal-new"] == 2
    assert {one.since for one in event.setup.conflict_calendars} == {0, 2}


async def test_when_nobody_can_be_reached_the_caller_hears_of_it() -> None:
    announcer = KafkaAnnouncer(Publisher(kafka_settings("127.0.0.1:1"), "connector-tests"))

    with pytest.raises(Unpublished):
        await announcer.announce([connection().announcement()])


def test_a_request_names_the_epoch_and_what_was_decided() -> None:
    renewed = reconnected(connection("c-1", MARIE), connection().apple, CALENDARS, at=LATER)

    event = requested(Request(renewed, LATER, ("cal-private",), ("cal-club",), {"cal-private": NOW}))

    at = int(LATER.timestamp())
    assert event == SyncRequested(
        account_id=MARIE.account_id,
        user_id=MARIE.user_id,
        connection_id="c-1",
        epoch=2,
        revision=at * 1000,
        reason=RequestReason.USER,
        requested_at=at,
        confirm_removals=("cal-private",),
        keep_removals=("cal-club",),
        held_since=(HeldSince(calendar_id="cal-private", since=int(NOW.timestamp())),),
    )


async def test_who_asks_while_kafka_is_away_hears_of_it_soon() -> None:
    publisher = Publisher(kafka_settings("127.0.0.1:1"), "connector-tests")
    await publisher.start()

    with pytest.raises(NobodyToAsk):
        await KafkaWorkers(publisher, patience=timedelta(seconds=0.2)).ask(Request(connection(), LATER))

    await publisher.stop()


@pytest.fixture
async def announcer(kafka_bootstrap_servers: str) -> AsyncIterator[KafkaAnnouncer]:
    publisher = Publisher(kafka_settings(kafka_bootstrap_servers), "connector-tests")
    await publisher.start()
    yield KafkaAnnouncer(publisher)
    await publisher.stop()


@pytest.mark.servers
async def test_a_connections_life_lies_on_its_topic_in_order(
    announcer: KafkaAnnouncer, kafka_bootstrap_servers: str
) -> None:
    first = connection(uuid4().hex, MARIE)
    second = recalendared(first, (*CALENDARS, WORK), told=1, at=LATER)
    third = reconnected(second, second.apple, CALENDARS, at=LATER)
    grave = ended(third, at=LATER)

    await announcer.announce([one.announcement() for one in (first, second, third, grave)])
    await announcer.forget([grave.announcement()])

    heard = await heard_of({first.id}, 5, kafka_bootstrap_servers)
    connected, changed, again, disconnected, gone = [one.event for one in heard]
    assert isinstance(connected, CalendarConnected)
    assert (connected.access, connected.time_zone, connected.epoch, connected.revision) == (
        "read_only",
        "Europe/Paris",
        1,
        1,
    )
    assert [c.id for c in connected.calendars] == [c.id for c in CALENDARS]
    assert [c.id for c in connected.setup.conflict_calendars] == ["cal-private", "cal-club"]
    assert isinstance(changed, CalendarSetupChanged)
    assert isinstance(again, CalendarReconnected)
    assert (again.epoch, again.setup.conflict_calendars) == (2, changed.setup.conflict_calendars)
    assert disconnected == CalendarDisconnected(
        account_id=MARIE.account_id, user_id=MARIE.user_id, connection_id=first.id, epoch=2, revision=4
    )
    assert gone == Tombstone(first.id, 2, 4)
    assert [one.headers["ce_id"].decode() for one in heard] == [
        f"{first.id}:{n}" for n in ("1:1", "1:2", "2:3", "2:4", "2:4")
    ]
    assert not any(b"icloud.com" in one.raw or first.apple.fingerprint.encode() in one.raw for one in heard)
