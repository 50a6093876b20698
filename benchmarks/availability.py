"""What availability costs: applying imported events, taking in a full topic, answering about a user with 10,000 events.

    python -P benchmarks/availability.py [--quick] [--bootstrap 100000] [--questions 240]

It starts a MongoDB, a Kafka and the service of its own, and stops them. Rates depend on the machine, which also
carries the servers and the asking; compare with the baseline in the same table, and look at the CPU columns.
What one process could answer with a core of its own is a thousand by the CPU ms of a question. The exit code is 1 where
the bootstrap takes longer than its goal, or a question is answered otherwise than by reading all of the user's events.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for benchmarks.lib

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from benchmarks.lib.availability_bootstrap import Bootstrap, consumed, merely_read
from benchmarks.lib.availability_events import ACCOUNT, BUSY_USER, EVENTS_OF_A_USER, event, publish, records
from benchmarks.lib.availability_process import service
from benchmarks.lib.availability_questions import AT_ONCE, Asked, measure_asking
from rich.console import Console
from rich.table import Table

from availability.application.record_events import RecordEvents
from availability.outbound.mongo import COLLECTION, MongoTimeline
from contracts.wire import WireRecord, decode
from local_stack.ports import HOST, free_ports
from local_stack.servers import KafkaServer, MongoServer
from local_stack.tokens import TokenKeys
from local_stack.topics import make_topics
from runtime.clock import system_clock
from runtime.mongo import connect
from runtime.settings import MongoSettings, load

BOOTSTRAP, QUICK_BOOTSTRAP = 100_000, 10_000
QUESTIONS, QUICK_QUESTIONS = 240, 48
GOAL_SECONDS, GOAL_EVENTS = 30, 100_000


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


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


def row(table: Table, name: str, took: Bootstrap) -> None:
    table.add_row(name, f"{took.seconds:.1f}", f"{took.rate:,.0f}", f"{took.cpu:.0f}")


async def measure(mongodb: str, kafka: str, folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Print the tables; what is not as it should be."""
    applying = Table("applying events", "events/s", "against one at a time", "CPU µs each", title="Writing")
    bootstrap = Table("", "seconds", "events/s after the first", "CPU µs each")
    bootstrap.title = f"{arguments.bootstrap:,} events that lie on Kafka already"
    bootstrap.caption = f"goals: {GOAL_EVENTS:,} within {GOAL_SECONDS} seconds of the start, ≥ 5,000 events/s"
    asking = Table("window", "busy spans", "CPU ms each", "p50 ms", "p99 ms")
    for column in ("questions/s", "CPU ms each", "questions/s on a core"):
        asking.add_column(f"{AT_ONCE} at once: {column}")
    asking.title = f"Questions over HTTP about a user with {min(arguments.bootstrap, EVENTS_OF_A_USER):,} events"
    tell("applying events")
    await measure_applying(mongodb, applying)
    tell(f"publishing {arguments.bootstrap:,} events")
    await publish(kafka, arguments.bootstrap)
    tell("reading them")
    row(bootstrap, "a consumer that only reads (baseline)", await merely_read(kafka, arguments.bootstrap))
    keys, ports = TokenKeys(folder), free_ports(2)
    keys.make()
    claims = {"sub": BUSY_USER, "account_id": ACCOUNT, "scope": "availability:read"}
    async with service(mongodb, kafka, keys, ports) as process:
        tell("consuming them")
        took = await consumed(mongodb, arguments.bootstrap, process)
        row(bootstrap, "a fresh process, from its start until all count", took)
        client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": mongodb}), "benchmark")
        url = f"http://{HOST}:{ports[0]}/v1/users/{BUSY_USER}/busy"
        asked = Asked(url, process, client["availability"][COLLECTION], arguments.questions)
        tell("asking")
        same = await measure_asking(asked, keys.token(claims, timedelta(hours=1)), asking)
        client.close()
    for table in (applying, bootstrap, asking):
        Console(width=140).print(table)
    goal = GOAL_SECONDS * max(1, arguments.bootstrap / GOAL_EVENTS)
    late = f"bootstrap of {arguments.bootstrap:,}: {took.seconds:.1f} s, the goal is at most {goal:g}"
    return [late] * (took.seconds > goal) + ["answers differ from what the user's events say"] * (not same)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer events and questions, within a minute")
    parser.add_argument(
        "--bootstrap", type=int, help=f"events on the topic; {BOOTSTRAP}, or {QUICK_BOOTSTRAP} if quick"
    )
    parser.add_argument("--questions", type=int, help=f"about each window; {QUESTIONS}, or {QUICK_QUESTIONS} if quick")
    arguments = parser.parse_args()
    arguments.bootstrap = arguments.bootstrap or (QUICK_BOOTSTRAP if arguments.quick else BOOTSTRAP)
    arguments.questions = arguments.questions or (QUICK_QUESTIONS if arguments.quick else QUESTIONS)
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        folder = Path(name)
        mongodb, kafka = MongoServer(folder / "mongodb"), KafkaServer(folder / "kafka")
        try:
            tell("starting MongoDB and Kafka")
            mongodb.start()
            kafka.start()
            make_topics(kafka.bootstrap_servers)
            missed = asyncio.run(measure(mongodb.url, kafka.bootstrap_servers, folder, arguments))
        finally:
            kafka.stop()
            mongodb.stop()
    for one in missed:
        print(f"missed: {one}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
