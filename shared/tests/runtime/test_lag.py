"""How far behind a consumer is, in seconds."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY
from shared.tests.runtime.world import Kafka, eventually, good

from runtime.kafka import Delivery, Publisher, Subscription, TryLater
from runtime.kafka.consumer import Group, Hold

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
FIRST, SECOND = TopicPartition("topic", 0), TopicPartition("topic", 1)


@dataclass
class At:
    """A record, as far as its age counts."""

    timestamp: int
    topic: str = "topic"
    partition: int = 0
    offset: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def before(seconds: float) -> At:
    return At(int((NOON.timestamp() - seconds) * 1000))


def group() -> Group:
    return Group("tests", {}, clock=lambda: NOON)


def test_the_oldest_record_in_hand_tells_the_lag() -> None:
    mine = group()

    mine.in_hand({FIRST: [before(5), before(1)], SECOND: [before(30)]})

    assert (mine.lag("topic"), mine.lag("other")) == (30, 0)


def test_a_new_poll_says_that_all_before_it_is_done() -> None:
    mine = group()
    mine.in_hand({FIRST: [before(5)]})

    mine.in_hand({})

    assert mine.lag("topic") == 0


def test_polls_that_kafka_does_not_answer_leave_a_silence() -> None:
    mine = group()
    mine.hear(7, spoke=False)
    mine.polled_at, mine.heard_at = time.monotonic(), time.monotonic() - 90

    mine.hear(7, spoke=False)

    assert mine.silence >= 90
    assert (mine.poll_age or 0) < 60


@pytest.mark.parametrize(("newest", "spoke"), [(8, False), (7, True), (None, False)])
def test_an_answer_records_and_nothing_to_ask_for_end_the_silence(newest: int | None, *, spoke: bool) -> None:
    mine = group()
    mine.hear(7, spoke=False)
    mine.polled_at, mine.heard_at = time.monotonic(), time.monotonic() - 90

    mine.hear(newest, spoke=spoke)

    assert mine.silence < 60


def test_a_loop_that_does_not_come_by_is_silent_whatever_kafka_says() -> None:
    mine = group()
    mine.polled_at = time.monotonic() - 90

    mine.hear(8, spoke=False)

    assert mine.silence >= 90


def test_what_is_held_back_stays_undone() -> None:
    mine = group()
    mine.in_hand({FIRST: [before(60)], SECOND: [before(5)]})
    mine.holds[FIRST] = Hold(attempt=1, due=0.0)

    mine.in_hand({SECOND: [before(1)]})

    assert mine.lag("topic") == 60


def test_a_clock_ahead_of_ours_makes_nothing_negative() -> None:
    mine = group()

    mine.in_hand({FIRST: [before(-5)]})

    assert mine.lag("topic") == 0


@pytest.mark.servers
async def test_a_record_that_must_wait_is_told_until_it_is_done(kafka: Kafka, publisher: Publisher) -> None:
    topic, name, refused = await kafka.make_topic(), f"tests-{uuid.uuid4().hex}", True

    async def handler(_: Sequence[Delivery]) -> None:
        if refused:
            raise TryLater("not now")

    def told(metric: str) -> float:
        return REGISTRY.get_sample_value(metric, {"group": name, "topic": topic}) or 0

    await publisher.publish_raw([good(topic, "stuck")])
    async with kafka.consuming(publisher, Subscription(topic, name, handler)):
        await eventually(lambda: told("calsync_kafka_consumer_lag_seconds") > 1)
        refused = False
        await eventually(lambda: told("calsync_kafka_delivery_seconds_count") == 1)
        await eventually(lambda: told("calsync_kafka_consumer_lag_seconds") == 0)
