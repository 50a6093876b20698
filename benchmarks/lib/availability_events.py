"""What availability is told: connections and imported events of users with 10,000 of them each."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

from contracts.events import CalendarConnected, ICloudEventImported
from contracts.facts import Access, Calendar, ConflictCalendar, OccurrenceFacts, OccurrenceGroup, Setup
from contracts.wire import WireRecord, encode
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings, load

ACCOUNT, BUSY_USER = "bench", "user-0"
EVENTS_OF_A_USER = 10_000
DAY = 24 * 3600
TODAY = int(datetime.now(UTC).timestamp()) // DAY * DAY
HORIZON_DAYS = 400
CHANCE = Random(20260302)  # noqa: S311 - the same events in every run


def event(number: int, revision: int = 1) -> ICloudEventImported:
    """One in fifty is a weekly series of a year, one in ten is free, all others are single meetings."""
    user = number // EVENTS_OF_A_USER
    start = TODAY + CHANCE.randrange(HORIZON_DAYS * 24 * 4) * 900
    length = CHANCE.choice((900, 1800, 3600, 7200))
    weeks = range(52 if number % 50 == 0 else 1)
    facts = OccurrenceFacts(transparent=number % 10 == 0)
    spans = tuple((start + week * 7 * DAY, start + week * 7 * DAY + length) for week in weeks)
    return ICloudEventImported(
        account_id=ACCOUNT,
        user_id=f"user-{user}",
        connection_id=f"connection-{user}",
        epoch=1,
        revision=revision,
        event_id=f"{number:024x}",
        calendar_id=f"calendar-{user}-{number % 4}",
        uid_hash=f"{number:024x}",
        as_of=TODAY,
        horizon=(TODAY - DAY, TODAY + HORIZON_DAYS * DAY),
        all_day=False,
        occurrences=(OccurrenceGroup(facts=facts, spans=spans),),
    )


def users(events: int) -> int:
    """How many have so many between them."""
    return -(-events // EVENTS_OF_A_USER)


def connection(user: int) -> CalendarConnected:
    calendars = [f"calendar-{user}-{number}" for number in range(4)]
    return CalendarConnected(
        account_id=ACCOUNT,
        user_id=f"user-{user}",
        connection_id=f"connection-{user}",
        epoch=1,
        revision=1,
        access=Access.READ_ONLY,
        time_zone="Europe/Paris",
        calendars=tuple(Calendar(id=one, name=one, writable=True, supported=True) for one in calendars),
        setup=Setup(conflict_calendars=tuple(ConflictCalendar(id=one) for one in calendars)),
    )


def records(news: Sequence[ICloudEventImported | CalendarConnected]) -> list[WireRecord]:
    return [encode(one, source="benchmark", time=datetime.now(UTC)) for one in news]


async def publish(kafka: str, events: int) -> None:
    publisher = Publisher(load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": kafka}), "benchmark")
    await publisher.start()
    await publisher.publish(records([connection(user) for user in range(users(events))]))
    for first in range(0, events, 1_000):
        await publisher.publish(records([event(number) for number in range(first, min(first + 1_000, events))]))
    await publisher.stop()
