"""A fresh availability process takes in a topic that is full already."""

import asyncio
import time
from dataclasses import dataclass

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from benchmarks.lib.availability_events import users
from benchmarks.lib.availability_process import cpu_of

from availability.outbound.mongo import COLLECTION
from contracts.topics import ICLOUD_EVENTS
from runtime.mongo import connect
from runtime.settings import MongoSettings, load

PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What it took."""

    seconds: float
    """Since the process was started."""
    rate: float
    """Events a second, once the first one was there."""
    cpu: float
    """Of all the process did, microseconds an event."""


async def consumed(mongodb: str, events: int, process: psutil.Process) -> Bootstrap:
    """Wait until all of them are part of the timeline, which holds nothing but them and their connections."""
    client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": mongodb}), "benchmark")
    timeline, others = client["availability"][COLLECTION], users(events)
    first, seen = 0.0, 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        # Not counted but looked up: counting 100,000 documents all the time would slow down what is measured.
        while (there := await timeline.estimated_document_count()) < events + others:
            if there > others and not first:
                first, seen = time.perf_counter(), there - others
            await asyncio.sleep(0.05)
    ended, seconds = time.perf_counter(), time.time() - process.create_time()
    assert await timeline.count_documents({"kind": "event"}) == events
    client.close()
    return Bootstrap(seconds, (events - seen) / max(ended - first, 0.05), 1e6 * cpu_of(process) / events)


async def merely_read(kafka: str, events: int) -> Bootstrap:
    """The baseline: a consumer in this process that reads the topic and leaves it at that."""
    began, cpu = time.perf_counter(), time.process_time()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(ICLOUD_EVENTS.name, n) for n in range(ICLOUD_EVENTS.partitions)])
    await consumer.seek_to_beginning()
    count = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while count < events:
            count += sum(map(len, (await consumer.getmany(timeout_ms=1_000)).values()))
    await consumer.stop()
    seconds = time.perf_counter() - began
    return Bootstrap(seconds, events / seconds, 1e6 * (time.process_time() - cpu) / events)
