"""How fresh busy time is: from iCloud to availability, change by change, and while Kafka stands still.

    python -P benchmarks/freshness.py [--quick] [--seed 20261124]

It starts a MongoDB, a Kafka, an iCloud simulator, a sync-worker and an availability of its own. Random events of random
accounts are changed all the time; accounts are looked at every few seconds. Of each change is told when it was made,
when iCloud handed it out, when a consumer that does nothing but read had it, which is the baseline, and when it was
part of availability's timeline. When it was handed out and when it became visible is told by the servers afterwards,
at no cost to what is measured: by the simulator's log of requests, and by MongoDB's change streams, exact to a
millisecond. A record's own stamp would be when it was sent, not when Kafka had it; `as_of` is whole seconds.

Then Kafka is frozen while the changes go on, and one account changes more events at once than may be pending of it. The
exit code is 1 where a goal is missed or a change never arrives.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for benchmarks.lib

import argparse
import asyncio
import signal
import tempfile
import time
from dataclasses import dataclass
from random import Random

import aiohttp
import psutil
import uvloop
from benchmarks.lib.availability_process import cpu_of, service
from benchmarks.lib.freshness_history import Reader, fetches, history, moment, reading
from benchmarks.lib.freshness_people import Change, People, newest
from benchmarks.lib.freshness_stages import Course, courses, most_at_once, oldest, quantile
from benchmarks.lib.worker_process import Worker, worker
from benchmarks.lib.worker_results import Results, shown, tell
from benchmarks.lib.worker_servers import Servers, servers
from benchmarks.lib.worker_world import PATIENCE_SECONDS, World, world
from rich.console import Console

from availability.outbound.mongo import COLLECTION
from local_stack.ports import free_ports
from local_stack.tokens import TokenKeys

SEED = 20261124
POLL = {"CALSYNC_POLL_INTERVAL": "PT4S", "CALSYNC_POLL_MIN": "PT3S", "CALSYNC_POLL_MAX": "PT5S"}
TO_KAFKA_SECONDS, TO_AVAILABILITY_SECONDS, OLDEST_PENDING_SECONDS = 2.0, 5.0, 5.0
PENDING_OF_A_CONNECTION = 500
LOOK_TO_KAFKA, PENDING_OLDEST = "calsync_sync_look_to_kafka_seconds", "calsync_pending_oldest_seconds"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    accounts: int
    rate: int
    """Changes a second."""
    seconds: float
    frozen_seconds: float
    crowd: int
    """Events of one account that all change when Kafka is frozen: more than may be pending."""


WHOLE = Plan(200, 50, 60, 20, 2_000)
QUICK = Plan(40, 10, 10, 5, 1_000)


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs."""

    world: World
    worker: Worker
    availability: psutil.Process
    people: People
    reader: Reader


async def until_visible(stack: Stack, changes: list[Change]) -> None:
    """All of it is on Kafka, and availability has what is there."""
    await stack.reader.until(newest(changes))
    wanted = {one.event_id: one.version for one in stack.reader.heard()}
    timeline = stack.world.client["availability"][COLLECTION]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while wanted:
            found = timeline.find({"_id": {"$in": list(wanted)}}, {"epoch": True, "revision": True})
            for one in await found.to_list(None):
                if (one["epoch"], one["revision"]) >= wanted[one["_id"]]:
                    del wanted[one["_id"]]
            await asyncio.sleep(0.5)


async def until_imported(stack: Stack) -> None:
    await stack.world.until_read([person.connection_id for person in stack.people.all])
    timeline, wanted = stack.world.client["availability"][COLLECTION], stack.people.events
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await timeline.count_documents({"kind": "event"}) < wanted:  # noqa: ASYNC110 - MongoDB tells nobody
            await asyncio.sleep(0.2)


async def gauge(stack: Stack, session: aiohttp.ClientSession, seconds: float) -> list[float]:
    """What the worker tells of the oldest pending event, each second."""
    found = []
    for _ in range(int(seconds)):
        found.append(await stack.worker.metric(session, f"{PENDING_OLDEST}{{"))
        await asyncio.sleep(1)
    return found


async def looks(stack: Stack, session: aiohttp.ClientSession) -> tuple[float, float]:
    """Events that were on Kafka within the goal's time after the start of the look, and all."""
    within, count = (
        f'{LOOK_TO_KAFKA}_bucket{{kind="look",le="{TO_KAFKA_SECONDS}"',
        f'{LOOK_TO_KAFKA}_count{{kind="look"',
    )
    return await stack.worker.metric(session, within), await stack.worker.metric(session, count)


async def measure_flow(stack: Stack, plan: Plan, results: Results) -> None:
    tell(f"{plan.rate} changes a second for {plan.seconds:g} seconds")
    since, began = await moment(stack.world), time.time()
    stack.world.admin.forget_requests()
    spent = (stack.worker.cpu(), cpu_of(stack.availability))
    psutil.cpu_percent()
    async with aiohttp.ClientSession() as session:
        before = await looks(stack, session)
        gauged, changes = await asyncio.gather(
            gauge(stack, session, plan.seconds), asyncio.to_thread(stack.people.change, plan.rate, plan.seconds)
        )
        ended, busy = time.time(), psutil.cpu_percent()
        spent = (stack.worker.cpu() - spent[0], cpu_of(stack.availability) - spent[1])
        await until_visible(stack, changes)
        within, count = (after - earlier for after, earlier in zip(await looks(stack, session), before, strict=True))
    found = await history(stack.world, since)
    arrived, lost = courses(changes, stack.reader.heard(), fetches(stack.world), found)
    rate = (len(changes) - 1) / (changes[-1].made - changes[0].made)
    worker_cpu, availability_cpu = (each / (ended - began) for each in spent)
    title = (
        f"{len(changes):,} changes of {plan.accounts} accounts, {rate:.1f} a second; the machine was {busy:.0f} % busy"
    )
    title += f", worker {worker_cpu:.0%} of a core, availability {availability_cpu:.0%}"
    show_stages(results, arrived, title)
    results.hold("changes that never arrived", lost, 0)
    results.hold("changes a second that could not be made", plan.rate - rate, plan.rate / 20)
    waiting = results.table(
        "The oldest pending event of the worker, seconds", f"p99 ≤ {OLDEST_PENDING_SECONDS:g}", "", "p50", "p99", "most"
    )
    ages = oldest(found.waits, began, ended)
    waiting.add_row("each tenth of a second, by MongoDB's history", *three(ages))
    waiting.add_row(f"each second, {PENDING_OLDEST}, which is measured every fifteen", *three(gauged))
    waiting.add_row("how long each event waited", *three([one.until - one.since for one in found.waits]))
    results.hold("oldest pending event, p99 s", quantile(ages, 0.99), OLDEST_PENDING_SECONDS)
    share = within / count
    waiting.caption = (
        f"{waiting.caption}; {LOOK_TO_KAFKA}: {share:.2%} of {count:,.0f} events within {TO_KAFKA_SECONDS:g} s"
    )
    results.hold("events that took longer from the look's start to Kafka, %", 100 * (1 - share), 1)


def three(values: list[float]) -> tuple[str, str, str]:
    return f"{quantile(values, 0.5):.2f}", f"{quantile(values, 0.99):.2f}", f"{max(values, default=0):.2f}"


def show_stages(results: Results, arrived: list[Course], title: str) -> None:
    goals = f"fetched → Kafka p99 ≤ {TO_KAFKA_SECONDS:g} s, fetched → visible p99 ≤ {TO_AVAILABILITY_SECONDS:g} s"
    table = results.table(title, goals, "seconds", "p50", "p99", "most")
    to_kafka = [one.on_kafka - one.fetched for one in arrived]
    to_timeline = [one.visible - one.fetched for one in arrived]
    table.add_row("made in iCloud → fetched: the interval's", *three([one.fetched - one.made for one in arrived]))
    table.add_row("fetched → a consumer that only reads has it (baseline)", *three(to_kafka))
    table.add_row("fetched → visible in availability", *three(to_timeline))
    table.add_row("made in iCloud → visible in availability", *three([one.visible - one.made for one in arrived]))
    results.hold("fetched → Kafka, p99 s", quantile(to_kafka, 0.99), TO_KAFKA_SECONDS)
    results.hold("fetched → visible, p99 s", quantile(to_timeline, 0.99), TO_AVAILABILITY_SECONDS)


async def measure_frozen(stack: Stack, plan: Plan, results: Results) -> None:
    tell(f"the same with Kafka frozen for {plan.frozen_seconds:g} seconds, of which all who use it complain")
    await stack.people.connect(1, plan.crowd)
    await until_imported(stack)
    since, memory, kafka = await moment(stack.world), stack.worker.memory()[0], stack.world.servers.kafka
    stack.world.admin.forget_requests()
    kafka.signal(signal.SIGSTOP)
    try:
        at_once = await asyncio.to_thread(stack.people.change_all, stack.people.all[-1])
        steady = await asyncio.to_thread(stack.people.change, plan.rate, plan.frozen_seconds)
        grown = stack.worker.memory()[0] - memory
    finally:
        kafka.signal(signal.SIGCONT)
    thawed, changes = time.time(), at_once + steady
    await until_visible(stack, changes)
    found = await history(stack.world, since)
    arrived, lost = courses(changes, stack.reader.heard(), fetches(stack.world), found)
    most, of_one = most_at_once(found.waits, stack.people.connections)
    table = results.table(
        f"Kafka frozen for {plan.frozen_seconds:g} s: {plan.rate} changes a second, and {plan.crowd:,} of one account",
        f"at most {PENDING_OF_A_CONNECTION} pending of a connection, no change lost",
        *("changes", "lost", "most pending", "of one connection", "longest wait, s", "worker grew by, MB"),
        *("visible after it: half, s", "99 of 100", "all"),
    )
    longest = max((one.until - one.since for one in found.waits), default=0.0)
    counts = (f"{len(changes):,}", str(lost), f"{most:,}", f"{of_one:,}", f"{longest:.1f}", shown(max(0.0, grown)))
    table.add_row(*counts, *three([max(0.0, one.visible - thawed) for one in arrived]))
    results.hold("pending of one connection with Kafka frozen", of_one, PENDING_OF_A_CONNECTION)
    results.hold("changes lost with Kafka frozen", lost, 0)


async def measure(running: Servers, plan: Plan, seed: int, results: Results) -> None:
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        keys, ports = TokenKeys(Path(name)), free_ports(2)
        keys.make()
        kafka = running.bootstrap_servers
        async with (
            world(running) as here,
            service(running.mongodb_url, kafka, keys, ports) as availability,
            worker(here, POLL) as mine,
            reading(here) as reader,
        ):
            people = People(here, Random(seed))  # noqa: S311 - the same changes in every run
            stack = Stack(here, mine, availability, people, reader)
            tell(f"importing {plan.accounts} accounts")
            await people.connect(plan.accounts)
            await until_imported(stack)
            await measure_flow(stack, plan, results)
            await measure_frozen(stack, plan, results)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer accounts and changes, within a minute")
    parser.add_argument("--seed", type=int, default=SEED)
    said = parser.parse_args()
    results = Results()
    tell(f"seed {said.seed}; starting MongoDB, Kafka and a simulator")
    with servers() as running, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(running, QUICK if said.quick else WHOLE, said.seed, results))
    console = Console(width=140)
    for table in results.tables:
        console.print(table)
    for missed in results.missed:
        print(f"missed: {missed}")
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
