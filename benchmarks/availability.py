"""What availability costs: applying imported events, and answering questions about a user with 10,000 of them.

    python benchmarks/availability.py [--events 30000] [--questions 240]

It starts a MongoDB, a Kafka and the service of its own, and stops them. Rates depend on the machine, which also
carries the servers and the asking; compare with the baseline in the same table, and look at the CPU columns.
What one process could answer with a core of its own is a thousand by the CPU ms of a question.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import aiohttp
import psutil
from motor.motor_asyncio import AsyncIOMotorClient
from rich.console import Console
from rich.table import Table

from availability.application.record_events import RecordEvents
from availability.outbound.mongo import COLLECTION, MongoTimeline
from contracts.events import CalendarConnected, ICloudEventImported
from contracts.facts import Access, Calendar, ConflictCalendar, OccurrenceFacts, OccurrenceGroup, Setup
from contracts.wire import WireRecord, decode, encode
from local_stack.ports import HOST, free_ports
from local_stack.servers import KafkaServer, MongoServer
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys
from local_stack.topics import make_topics
from runtime.clock import system_clock
from runtime.kafka import Publisher
from runtime.mongo import connect
from runtime.settings import KafkaSettings, MongoSettings, load

ACCOUNT, BUSY_USER = "bench", "user-0"
EVENTS_OF_A_USER = 10_000
DAY = 24 * 3600
TODAY = int(datetime.now(UTC).timestamp()) // DAY * DAY
HORIZON_DAYS = 400
CHANCE = Random(20260302)  # noqa: S311 - the same events in every run
WINDOWS = (1, 7, 31, 92)
AT_ONCE = 16


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


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


async def apply(record: RecordEvents, wire: Sequence[WireRecord], batch: int) -> tuple[float, float]:
    """Events per second, and our own CPU microseconds for each: decoding, translating, writing."""
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(wire), batch):
        part = wire[first : first + batch]
        news: list[Any] = [decode(one.topic, one.key.encode(), one.headers, one.value) for one in part]
        await record(news)
    return len(wire) / (time.perf_counter() - began), 1e6 * (time.process_time() - cpu) / len(wire)


async def measure_applying(url: str, table: Table) -> None:
    client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": url}), "benchmark")
    timeline = MongoTimeline(client, system_clock, "benchmark")
    await timeline.prepare()
    record = RecordEvents(timeline)
    news = [event(number) for number in range(10_000)]
    wire, newer = records(news), records([one.model_copy(update={"revision": 2}) for one in news])
    await apply(record, wire[:200], batch=1)  # connections are made, the collection is there
    baseline = 0.0
    for name, some, batch in (
        ("first import, one write at a time (baseline)", wire[200:1_000], 1),
        ("first import, batches of 1,000", wire[1_000:], 1_000),
        ("changed, batches of 1,000", newer, 1_000),
        ("redelivered, batches of 1,000", newer, 1_000),
    ):
        rate, cpu = await apply(record, some, batch)
        baseline = baseline or rate
        table.add_row(name, f"{rate:,.0f}", f"{rate / baseline:.1f} times", f"{cpu:.0f}")
    await client.drop_database("benchmark")
    client.close()


@contextlib.asynccontextmanager
async def service(mongodb: str, kafka: str, keys: TokenKeys, ports: Sequence[int]) -> AsyncIterator[psutil.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "availability"),
        env={
            "PATH": os.environ["PATH"],
            "CALSYNC_MONGODB_URL": mongodb,
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "CALSYNC_AUTH_ISSUER": ISSUER,
            "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
            "CALSYNC_AUTH_JWKS": str(keys.jwks_file),
            "CALSYNC_HTTP_HOST": HOST,
            "CALSYNC_HTTP_PORT": str(ports[0]),
            "CALSYNC_OPS_HOST": HOST,
            "CALSYNC_OPS_PORT": str(ports[1]),
            "CALSYNC_STALE_AFTER": "P1D",
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def cpu_of(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


async def consumed(
    client: AsyncIOMotorClient[dict[str, Any]], wanted: int, process: psutil.Process
) -> tuple[float, float]:
    """Events per second from the first to the last one seen, and the service's CPU microseconds for each."""
    timeline = client["availability"][COLLECTION]
    began, first, cpu = 0.0, 0, 0.0
    while True:
        count = await timeline.count_documents({"kind": "event"})
        if count and not first:
            began, first, cpu = time.perf_counter(), count, cpu_of(process)
        if count >= wanted:
            seen = max(wanted - first, 1)
            return seen / (time.perf_counter() - began), 1e6 * (cpu_of(process) - cpu) / seen
        await asyncio.sleep(0.05)


async def measure_consuming(mongodb: str, process: psutil.Process, wanted: int, table: Table) -> None:
    client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": mongodb}), "benchmark")
    rate, cpu = await consumed(client, wanted, process)
    table.add_row(f"{wanted:,} from Kafka by the service", f"{rate:,.0f}", "", f"{cpu:.0f}")
    client.close()


def question(days: int) -> dict[str, str]:
    start = datetime.fromtimestamp(TODAY, UTC) + timedelta(days=CHANCE.randrange(HORIZON_DAYS - days))
    return {"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()}


async def ask(session: aiohttp.ClientSession, url: str, days: int) -> tuple[float, int]:
    began = time.perf_counter()
    async with session.get(url, params=question(days)) as answer:
        answer.raise_for_status()
        spans = len((await answer.json())["busy"])
    return 1e3 * (time.perf_counter() - began), spans


async def measure_asking(url: str, token: str, process: psutil.Process, questions: int, table: Table) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for days in WINDOWS:
            tell(f"asking about {days} days")
            await asyncio.gather(*(ask(session, url, days) for _ in range(AT_ONCE)))
            cpu = cpu_of(process)
            alone = [await ask(session, url, days) for _ in range(questions)]
            cpu = 1e3 * (cpu_of(process) - cpu) / questions
            rate, cpu_at_once = await _at_once(session, url, days, process, questions // AT_ONCE)
            cuts = quantiles([took for took, _ in alone], n=100)
            spans = sum(count for _, count in alone) / questions
            row = (f"{spans:.0f}", f"{cpu:.2f}", f"{cuts[49]:.1f}", f"{cuts[98]:.1f}")
            table.add_row(f"{days} days", *row, f"{rate:,.0f}", f"{cpu_at_once:.2f}", f"{1e3 / cpu_at_once:,.0f}")


async def _at_once(
    session: aiohttp.ClientSession, url: str, days: int, process: psutil.Process, questions: int
) -> tuple[float, float]:
    """Questions per second while so many in each lane are asked, and the service's CPU milliseconds for each."""
    began, cpu = time.perf_counter(), cpu_of(process)
    asked = sum(await asyncio.gather(*(_lane(session, url, days, questions) for _ in range(AT_ONCE))))
    return asked / (time.perf_counter() - began), 1e3 * (cpu_of(process) - cpu) / asked


async def _lane(session: aiohttp.ClientSession, url: str, days: int, questions: int) -> int:
    for _ in range(questions):
        await ask(session, url, days)
    return questions


async def publish(kafka: str, events: int) -> None:
    publisher = Publisher(load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": kafka}), "benchmark")
    await publisher.start()
    await publisher.publish(records([connection(user) for user in range(-(-events // EVENTS_OF_A_USER))]))
    for first in range(0, events, 1_000):
        await publisher.publish(records([event(number) for number in range(first, min(first + 1_000, events))]))
    await publisher.stop()


async def measure(mongodb: str, kafka: str, folder: Path, arguments: argparse.Namespace) -> None:
    applying = Table("applying events", "events/s", "against one at a time", "CPU µs each", title="Writing")
    asking = Table("window", "busy spans", "CPU ms each", "p50 ms", "p99 ms")
    for column in ("questions/s", "CPU ms each", "questions/s on a core"):
        asking.add_column(f"{AT_ONCE} at once: {column}")
    asking.title = f"Questions over HTTP about a user with {EVENTS_OF_A_USER:,} events"
    tell("applying events")
    await measure_applying(mongodb, applying)
    tell("publishing events")
    await publish(kafka, arguments.events)
    keys, ports = TokenKeys(folder), free_ports(2)
    keys.make()
    claims = {"sub": BUSY_USER, "account_id": ACCOUNT, "scope": "availability:read"}
    async with service(mongodb, kafka, keys, ports) as process:
        tell("consuming events")
        await measure_consuming(mongodb, process, arguments.events, applying)
        url = f"http://{HOST}:{ports[0]}/v1/users/{BUSY_USER}/busy"
        await measure_asking(url, keys.token(claims, timedelta(hours=1)), process, arguments.questions, asking)
    console = Console(width=120)
    console.print(applying)
    console.print(asking)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=3 * EVENTS_OF_A_USER)
    parser.add_argument("--questions", type=int, default=240)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        folder = Path(name)
        mongodb, kafka = MongoServer(folder / "mongodb"), KafkaServer(folder / "kafka")
        try:
            tell("starting MongoDB and Kafka")
            mongodb.start()
            kafka.start()
            make_topics(kafka.bootstrap_servers)
            asyncio.run(measure(mongodb.url, kafka.bootstrap_servers, folder, arguments))
        finally:
            kafka.stop()
            mongodb.stop()


if __name__ == "__main__":
    main()
