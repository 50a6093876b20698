import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from contracts.events import CalendarAge, CalendarState, CompletedSync, LastEvent, SyncCompleted
from contracts.topics import SYNC
from contracts.wire import encode
from runtime.kafka import PublishFailed, RecordTooLarge
from runtime.kafka.publisher import LARGEST_RECORD, key_hash
from sync_worker.application.publish_states import Said
from sync_worker.outbound.kafka import KafkaCompletions
from worker_examples import new_id
from worker_fakes import FakeEvents


def completed(connection_id: str, revision: int = 1000) -> CompletedSync:
    return CompletedSync(
        account_id="acc-1", user_id="usr-1", connection_id=connection_id, epoch=1, revision=revision, as_of=7
    )


def partition(one: str) -> int:
    return key_hash(one) % SYNC.partitions


def same_partition(count: int) -> set[str]:
    """So many connections that share a partition."""
    found: set[str] = set()
    while len(found) < count:
        one = new_id()
        if partition(one) == 0:
            found.add(one)
    return found


class Away(FakeEvents):
    """Kafka that can be away."""

    away = True

    async def publish(self, said: Sequence[Said]) -> None:
        if self.away:
            raise PublishFailed("away")
        await super().publish(said)


async def test_many_connections_share_a_message_of_their_own_partition() -> None:
    events, ids = FakeEvents(), {new_id() for _ in range(200)}
    completions = KafkaCompletions(events)
    for one in ids:
        completions.add(completed(one))

    await completions.flush()

    said = [one for one in events.said if isinstance(one, SyncCompleted)]
    assert len(said) <= SYNC.partitions
    assert {each.connection_id for one in said for each in one.connections} == ids
    for message in said:
        record = encode(message, source="test", time=datetime.now(UTC))
        assert {partition(each.connection_id) for each in message.connections} == {partition(record.partition_key)}


class Narrow(FakeEvents):
    """Kafka with its limit."""

    async def publish(self, said: Sequence[Said]) -> None:
        for one in said:
            assert isinstance(one, SyncCompleted)
            if len(encode(one, source="test", time=datetime.now(UTC)).value or b"") > LARGEST_RECORD:
                raise RecordTooLarge
        await super().publish(said)


def behind(connection_id: str, calendars: int) -> CompletedSync:
    ages = tuple(CalendarAge(id=f"{n:024x}", as_of=7, state=CalendarState.FAILED) for n in range(calendars))
    return completed(connection_id).model_copy(update={"calendars": ages})


async def test_connections_with_many_calendars_are_told_in_more_messages_none_too_large() -> None:
    events, ids = Narrow(), same_partition(300)
    completions = KafkaCompletions(events)
    for one in ids:
        completions.add(behind(one, 50))

    await completions.flush()

    assert [len(one.connections) for one in events.said if isinstance(one, SyncCompleted)] == [100] * 3
    assert {each.connection_id for each in events.completed()} == ids


async def test_what_kafka_would_never_take_keeps_nobody_elses_news() -> None:
    events, (one, odd, other) = Narrow(), same_partition(3)
    completions = KafkaCompletions(events)
    for whose, calendars in ((one, 1), (odd, 20_000), (other, 1)):
        completions.add(behind(whose, calendars))

    await completions.flush()
    await completions.flush()

    assert [each.connection_id for each in events.completed()] == [one, other]


async def test_while_kafka_is_away_the_newest_of_each_connection_is_kept() -> None:
    events, one = Away(), new_id()
    completions = KafkaCompletions(events)
    completions.add(completed(one, 1000))
    await completions.flush()
    completions.add(completed(one, 2000))
    await completions.flush()

    events.away = False
    await completions.flush()
    await completions.flush()

    assert [each.revision for each in events.completed()] == [2000]


async def test_what_was_being_said_when_the_process_is_stopped_is_said_at_the_end() -> None:
    class Hanging(FakeEvents):
        hangs = True

        async def publish(self, said: Sequence[Said]) -> None:
            if self.hangs:
                await asyncio.Event().wait()
            await super().publish(said)

    events, one = Hanging(), new_id()
    completions = KafkaCompletions(events)
    completions.add(completed(one))
    flushing = asyncio.create_task(completions.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushing

    events.hangs = False
    await completions.flush()

    assert [each.connection_id for each in events.completed()] == [one]


def said(event_id: str, epoch: int | None = None) -> LastEvent:
    return LastEvent(event_id=event_id, revision=3, epoch=epoch)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param((1000, said("a")), (2000, None), said("a", 1), id="the newer pass said nothing"),
        pytest.param((2000, None), (1000, said("a")), said("a", 1), id="the older one comes again"),
        pytest.param((1000, said("a")), (2000, said("b")), said("b"), id="both said something"),
        pytest.param((2000, said("b")), (1000, said("a")), said("b"), id="both, and the older one comes again"),
        pytest.param((1000, None), (2000, None), None, id="none did"),
    ],
)
async def test_of_two_passes_that_are_told_together_the_last_event_is_kept(
    first: tuple[int, LastEvent | None], second: tuple[int, LastEvent | None], kept: LastEvent | None
) -> None:
    events, one = FakeEvents(), new_id()
    completions = KafkaCompletions(events)

    for revision, last in (first, second):
        completions.add(completed(one, revision).model_copy(update={"last_event": last}))
    await completions.flush()

    assert [(each.revision, each.last_event) for each in events.completed()] == [(2000, kept)]
