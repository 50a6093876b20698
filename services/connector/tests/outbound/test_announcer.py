from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from connector.application.publish import Unpublished
from connector.domain.calendars import MOST_CALENDARS, name_shown
from connector.domain.connection import ended, recalendared
from connector.outbound.kafka import KafkaAnnouncer, event_of
from connector_examples import CALENDARS, LATER, MARIE, WORK, connection
from connector_kafka import heard_of, kafka_settings
from contracts.events import CalendarConnected, CalendarDisconnected, CalendarSetupChanged
from contracts.wire import Tombstone, encode
from runtime.kafka import Publisher


def test_the_largest_announcement_fits_into_a_record() -> None:
    longest = name_shown("\N{CALENDAR}" * 1_000)
    calendars = tuple(replace(WORK, id=f"{number:024x}", name=longest) for number in range(MOST_CALENDARS))
    largest = recalendared(connection("c" * 32, MARIE), calendars, told=1, at=LATER)

    record = encode(event_of(largest.announcement()), source="connector", time=LATER)

    assert record.value
    assert len(record.value) < 900_000


async def test_when_nobody_can_be_reached_the_caller_hears_of_it() -> None:
    announcer = KafkaAnnouncer(Publisher(kafka_settings("127.0.0.1:1"), "connector-tests"))

    with pytest.raises(Unpublished):
        await announcer.announce([connection().announcement()])


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
    grave = ended(second, at=LATER)

    await announcer.announce([one.announcement() for one in (first, second, grave)])
    await announcer.forget([grave.announcement()])

    heard = await heard_of({first.id}, 4, kafka_bootstrap_servers)
    connected, changed, disconnected, gone = [one.event for one in heard]
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
    assert disconnected == CalendarDisconnected(
        account_id=MARIE.account_id, user_id=MARIE.user_id, connection_id=first.id, epoch=1, revision=3
    )
    assert gone == Tombstone(first.id, 1, 3)
    assert [one.headers["ce_id"].decode() for one in heard] == [f"{first.id}:1:{n}" for n in (1, 2, 3, 3)]
    assert not any(b"icloud.com" in one.raw or first.apple.fingerprint.encode() in one.raw for one in heard)
