import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect
from shared.tests.runtime.world import Kafka, eventually, good, poison

from contracts.wire import Tombstone
from runtime.kafka import Delivery, Publisher, Subscription, TryLater
from runtime.kafka.publisher import RawRecord

pytestmark = pytest.mark.servers


class Notebook:
    """A handler that writes down the keys it is given, unless it is told to fail at one."""

    def __init__(self, **failures: Exception) -> None:
        self.keys: list[str] = []
        self.calls: list[tuple[str, ...]] = []
        self.failures = failures

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        keys = tuple(d.event.key for d in deliveries if isinstance(d.event, Tombstone))
        self.calls.append(keys)
        for key in keys:
            if key in self.failures:
                raise self.failures[key]
        self.keys += keys

    def follows(self, topic: str) -> Subscription:
        return Subscription(topic, f"tests-{uuid.uuid4().hex}", self)


async def test_records_of_a_key_arrive_in_order(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook()
    await publisher.publish_raw([good(topic, str(number), number % 3) for number in range(300)])

    async with kafka.consuming(publisher, notebook.follows(topic)):
        await eventually(lambda: len(notebook.keys) >= 300)

    assert sorted(notebook.keys, key=int) == [str(number) for number in range(300)]
    for partition in range(3):
        mine = [int(key) for key in notebook.keys if int(key) % 3 == partition]
        assert mine == sorted(mine)


async def test_what_was_done_does_not_come_again(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook()
    subscription = notebook.follows(topic)
    await publisher.publish_raw([good(topic, "first")])
    async with kafka.consuming(publisher, subscription):
        await eventually(lambda: notebook.keys)

    await publisher.publish_raw([good(topic, "second")])
    async with kafka.consuming(publisher, subscription):
        await eventually(lambda: len(notebook.keys) > 1)

    assert notebook.keys == ["first", "second"]


async def test_an_undecodable_record_is_buried_as_it_came_and_the_next_one_is_done(
    kafka: Kafka, publisher: Publisher
) -> None:
    topic, notebook = await kafka.make_topic(), Notebook()
    await publisher.publish_raw([good(topic, "a"), poison(topic, "p"), good(topic, "b")])

    async with kafka.consuming(publisher, notebook.follows(topic)) as consumers:
        await eventually(lambda: notebook.keys == ["a", "b"])
        await eventually(lambda: consumers.unready() is None)

    (dead,) = await kafka.read_all(f"{topic}.dead")
    headers = dict(dead.headers)
    assert (dead.key, dead.value, dead.partition) == (b"p", b"\xff\xfe not JSON", 0)
    assert (headers["ce_type"], headers["other"]) == (b"\xff", b"kept")
    assert (headers["dl-topic"], headers["dl-partition"], headers["dl-offset"]) == (topic.encode(), b"0", b"1")
    assert headers["dl-reason"] == b"Undecodable: header ce_type is not ASCII"
    assert headers["dl-consumer"].startswith(b"tests-")


async def test_an_event_type_of_the_future_is_passed_over(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook()
    strange = RawRecord(topic, b"new", b"{}", (("ce_type", b"com.crococlick.calendar.NotYet.v1"),), 0)
    await publisher.publish_raw([strange, good(topic, "known")])

    async with kafka.consuming(publisher, notebook.follows(topic)):
        await eventually(lambda: notebook.keys)

    assert notebook.keys == ["known"]
    assert await kafka.read_all(f"{topic}.dead") == []


async def test_a_refused_record_in_a_batch_costs_only_itself(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook(bad=KeyError("a title that must not be told"))
    names = ["a", "b", "bad", "c", "d"]
    await publisher.publish_raw([good(topic, name) for name in names])

    async with kafka.consuming(publisher, notebook.follows(topic)):
        await eventually(lambda: set("abcd") <= set(notebook.keys))

    (dead,) = await kafka.read_all(f"{topic}.dead")
    assert dead.key == b"bad"
    assert dict(dead.headers)["dl-reason"] == b"KeyError"


@pytest.mark.parametrize("error", [AutoReconnect("gone"), TryLater("not now"), TimeoutError(), ConnectionResetError()])
async def test_a_partition_whose_work_must_wait_comes_again_while_the_others_go_on(
    kafka: Kafka, publisher: Publisher, error: Exception
) -> None:
    topic, notebook = await kafka.make_topic(), Notebook(stuck=error)
    await publisher.publish_raw([good(topic, "stuck", 0), good(topic, "behind", 0)])
    await publisher.publish_raw([good(topic, f"other-{number}", 1) for number in range(5)])

    async with kafka.consuming(publisher, notebook.follows(topic)):
        await eventually(lambda: len(notebook.keys) == 5)
        await publisher.publish_raw([good(topic, "later", 2)])
        await eventually(lambda: "later" in notebook.keys)
        assert not {"stuck", "behind"} & set(notebook.keys)
        notebook.failures.clear()
        await eventually(lambda: "behind" in notebook.keys)

    assert notebook.keys.index("stuck") < notebook.keys.index("behind")
    assert await kafka.read_all(f"{topic}.dead") == []


async def test_tries_of_a_waiting_partition_are_spaced(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook(stuck=TryLater("not now"))
    await publisher.publish_raw([good(topic, "stuck")])
    loop = asyncio.get_running_loop()

    async with kafka.consuming(publisher, notebook.follows(topic)):
        await eventually(lambda: notebook.calls)
        began = loop.time()
        await eventually(lambda: len(notebook.calls) == 4)

    # 0.5 s, 1 s, 2 s
    assert loop.time() - began >= 3.5


async def test_try_later_names_the_least_wait(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook(stuck=TryLater("not now", after=timedelta(seconds=3)))
    await publisher.publish_raw([good(topic, "stuck")])
    loop = asyncio.get_running_loop()

    async with kafka.consuming(publisher, notebook.follows(topic)):
        await eventually(lambda: notebook.calls)
        began = loop.time()
        await eventually(lambda: len(notebook.calls) == 2)

    assert loop.time() - began >= 3


async def test_an_error_that_the_subscription_names_means_later(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook(stuck=LookupError())
    await publisher.publish_raw([good(topic, "stuck")])

    async with kafka.consuming(publisher, replace(notebook.follows(topic), later=(LookupError,))):
        await eventually(lambda: len(notebook.calls) == 2)
        notebook.failures.clear()
        await eventually(lambda: notebook.keys)

    assert await kafka.read_all(f"{topic}.dead") == []


async def test_twenty_dead_in_a_row_stop_the_consumption(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook()
    subscription = notebook.follows(topic)
    await publisher.publish_raw([poison(topic, f"p{number}") for number in range(25)])

    async with kafka.consuming(publisher, subscription) as consumers:
        await eventually(lambda: "too many dead letters" in (consumers.unready() or ""))
        await publisher.publish_raw([good(topic, "after", 1)])
        # Who answers over HTTP goes on answering with what is known.
        assert (consumers.not_polling(), consumers.unwell()) == (None, None)
    buried = await kafka.read_all(f"{topic}.dead")

    assert len(buried) == 20
    assert notebook.keys == []
    async with kafka.consuming(publisher, subscription):
        await eventually(lambda: "after" in notebook.keys)
    assert sorted(dead.key or b"" for dead in await kafka.read_all(f"{topic}.dead")) == sorted(
        f"p{number}".encode() for number in range(25)
    )


async def test_two_consumers_of_a_group_share_the_work_and_lose_nothing(kafka: Kafka, publisher: Publisher) -> None:
    topic, one, other = await kafka.make_topic(12), Notebook(), Notebook()
    group = f"tests-{uuid.uuid4().hex}"
    everything = {str(number) for number in range(600)}

    async with kafka.consuming(publisher, Subscription(topic, group, one)):
        await publisher.publish_raw([good(topic, str(number), number % 12) for number in range(300)])
        await eventually(lambda: one.keys)
        async with kafka.consuming(publisher, Subscription(topic, group, other)):
            await publisher.publish_raw([good(topic, str(number), number % 12) for number in range(300, 450)])
            await eventually(lambda: len(set(one.keys) | set(other.keys)) == 450)
        await publisher.publish_raw([good(topic, str(number), number % 12) for number in range(450, 600)])
        await eventually(lambda: set(one.keys) | set(other.keys) == everything)


async def test_topics_of_one_group_share_a_consumer_and_keep_their_handlers(kafka: Kafka, publisher: Publisher) -> None:
    first, second, one, other = await kafka.make_topic(), await kafka.make_topic(), Notebook(), Notebook()
    await publisher.publish_raw([good(first, "f"), good(second, "s")])

    async with kafka.consuming(
        publisher, Subscription(first, f"g-{first}", one), Subscription(second, f"g-{first}", other)
    ):
        await eventually(lambda: one.keys and other.keys)

    assert (one.keys, other.keys) == (["f"], ["s"])


async def test_a_call_gets_no_more_than_the_subscription_takes(kafka: Kafka, publisher: Publisher) -> None:
    topic, notebook = await kafka.make_topic(), Notebook()
    await publisher.publish_raw([good(topic, str(number)) for number in range(50)])

    async with kafka.consuming(publisher, replace(notebook.follows(topic), batch_max=7)):
        await eventually(lambda: len(notebook.keys) == 50)

    assert max(map(len, notebook.calls)) <= 7
