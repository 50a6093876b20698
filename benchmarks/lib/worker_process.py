"""Worker processes, and what readers of Kafka hear of them."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import aiohttp
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from benchmarks.lib.worker_world import PATIENCE_SECONDS, TRUSTED, World

from contracts.topics import ICLOUD_EVENTS
from local_stack.ports import HOST, free_ports


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process."""

    process: psutil.Process
    ops: str

    def cpu(self) -> float:
        # Linux's clock of another process, in nanoseconds: what /proc tells goes by hundredths of a second, which is a
        # twentieth of what a hundred polls cost.
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def memory(self) -> tuple[float, float]:
        """Megabytes that are resident, and the most that ever were."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmHWM", "VmRSS"))}
        return found["VmRSS"] / 1024, found["VmHWM"] / 1024

    async def metric(self, session: aiohttp.ClientSession, name: str) -> float:
        async with session.get(f"{self.ops}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@contextlib.asynccontextmanager
async def worker(world: World, told: Mapping[str, str] | None = None) -> AsyncIterator[Worker]:
    """A fresh process that looks at a connection when it is woken, and seldom else, unless it is told otherwise."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "sync_worker"),
        env={
            "PATH": os.environ["PATH"],
            "CALSYNC_MONGODB_URL": world.servers.mongodb_url,
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": world.servers.bootstrap_servers,
            "CALSYNC_ICLOUD_URL": world.servers.apple_url,
            "CALSYNC_ICLOUD_TRUSTED_HOSTS": ",".join(TRUSTED),
            "CALSYNC_ICLOUD_REQUESTS_PER_SECOND": "10000",
            "CALSYNC_ICLOUD_REQUESTS_PER_ACCOUNT_PER_MINUTE": "10000",
            "CALSYNC_VAULT_PRIVATE_KEYS_DIR": str(world.servers.keys.private_keys_dir),
            "CALSYNC_POLL_INTERVAL": "PT2H",
            "CALSYNC_POLL_MIN": "PT2H",
            "CALSYNC_POLL_MAX": "PT2H",
            "CALSYNC_OPS_HOST": HOST,
            "CALSYNC_OPS_PORT": str(port),
            "CALSYNC_LOG_LEVEL": "WARNING",
            **(told or {}),
        },
    )
    try:
        running = Worker(psutil.Process(process.pid), f"http://{HOST}:{port}")
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_SECONDS):
            while not await _ready(session, f"{running.ops}/readyz"):
                assert process.returncode is None, "the worker ended at once"
                await asyncio.sleep(0.05)
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


@dataclass(slots=True)
class Heard:
    """When events were first seen on Kafka, by connection: moment of hearing, first start."""

    events: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    async def listen(self, bootstrap_servers: str, ready: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(ICLOUD_EVENTS.name, n) for n in range(ICLOUD_EVENTS.partitions)])
            await consumer.seek_to_end()
            ready.set()
            async for record in consumer:
                said = json.loads(record.value or b"{}")
                starts = [start for group in said.get("occurrences", ()) for start, _ in group["spans"]]
                if starts:
                    self.events.setdefault(said["connection_id"], []).append((perf_counter(), min(starts)))
        finally:
            await consumer.stop()

    def last(self, one: str, until: int) -> float:
        """When the last of those was heard that begin before `until`, epoch seconds."""
        return max(at for at, start in self.events[one] if start < until)

    def count(self, one: str) -> int:
        return len(self.events.get(one, ()))

    async def until(self, one: str, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.count(one) < count:  # noqa: ASYNC110 - a deadline is all that is needed
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def listening(world: World) -> AsyncIterator[Heard]:
    heard, ready = Heard(), asyncio.Event()
    task = asyncio.create_task(heard.listen(world.servers.bootstrap_servers, ready))
    try:
        await ready.wait()
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])
