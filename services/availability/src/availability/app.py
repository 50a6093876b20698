"""Availability, put together."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

from availability.application.answer import Answers
from availability.application.block_slots import BlockSlots
from availability.application.book import Book, Circumstances
from availability.application.change_appointments import CancelAppointment, ChangeAppointment
from availability.application.check_conflicts import CheckConflicts
from availability.application.fresh_look import LookFirst
from availability.application.publish import PublishPending
from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.application.record_exports import RecordExports
from availability.application.record_syncs import RecordSyncs
from availability.application.show import ShowAppointments
from availability.inbound.http import Stories, application
from availability.inbound.kafka import Records, reach_of, subscriptions
from availability.inbound.relay import Bell, Relay, UserByUser
from availability.outbound.kafka import KafkaAnnouncer, KafkaWorkers
from availability.outbound.mongo import (
    MongoBookings,
    MongoClock,
    MongoConflicts,
    MongoExports,
    MongoOutbox,
    MongoTimeline,
)
from availability.settings import Settings
from runtime import metrics, mongo, ops
from runtime.auth import TokenChecker
from runtime.clock import system_clock
from runtime.kafka import Broker, Publisher, broker, subscribe
from runtime.logs import configure
from runtime.measuring import Measuring, pending
from runtime.process import Process, run
from runtime.settings import SettingsInvalid, load
from runtime.tracing import Traces

NAME: Final = "availability"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the process; nothing of it has touched the network yet."""

    client: AsyncIOMotorClient[dict[str, Any]]
    timeline: MongoTimeline
    publisher: Publisher
    consumers: Broker
    relays: Mapping[str, Relay]
    measuring: Measuring
    http: FastAPI


def put_together(settings: Settings) -> Parts:
    """All parts, none of them started."""
    client = mongo.connect(settings.mongo, NAME)
    timeline = MongoTimeline(client, system_clock)
    publisher = Publisher(settings.kafka, NAME)
    consumers = broker(settings.kafka, NAME, publisher)
    subscribe(consumers, *subscriptions(_records(client, timeline, consumers)))
    told, conflicts = Bell(), MongoConflicts(client)
    check = CheckConflicts(conflicts, system_clock, told.ring)
    return Parts(
        client=client,
        timeline=timeline,
        publisher=publisher,
        consumers=consumers,
        relays={
            # Nobody rings for conflicts: what comes after a booking is told with the next sweep.
            "conflicts": Relay("conflicts", UserByUser("conflicts", conflicts.unchecked, check), Bell()),
            "announcements": Relay(
                "announcements", PublishPending(MongoOutbox(client), KafkaAnnouncer(publisher), system_clock), told
            ),
        },
        measuring=Measuring(
            pending(NAME, MongoOutbox(client).measure), pending(f"{NAME}-conflicts", conflicts.measure)
        ),
        http=application(
            _stories(
                settings,
                timeline,
                MongoBookings(client, system_clock),
                LookFirst(timeline, KafkaWorkers(publisher), MongoClock(client)),
                told.ring,
            ),
            TokenChecker(settings.auth),
        ),
    )


async def serve(settings: Settings, process: Process) -> None:
    """Start everything; questions are answered last of all, and their end comes first."""
    metrics.tell_build(NAME, "calsync-availability")
    await process.enter("traces", Traces(settings.traces, NAME))
    parts = put_together(settings)
    ready: dict[str, ops.Check] = {
        "process": process.draining,
        "mongodb": partial(mongo.unreachable, parts.client),
        "indexes": parts.timeline.unprepared,
        "consumers": parts.consumers.not_polling,
    }
    await process.listen(
        "ops", ops.application(ready, {"consumers": parts.consumers.unwell}), settings.ops.host, settings.ops.port
    )
    process.on_stop("mongodb", partial(asyncio.to_thread, parts.client.close))
    await parts.timeline.prepare()
    await parts.publisher.start()
    process.on_stop("publisher", parts.publisher.stop)
    for name, relay in parts.relays.items():
        process.supervise(name, relay.run())
    process.supervise("measuring", parts.measuring.run())
    await parts.consumers.start()
    process.on_stop("consumers", parts.consumers.stop)
    await process.listen("http", parts.http, settings.http.host, settings.http.port)


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run until told to stop; the exit code."""
    try:
        settings = load(Settings, environ)
    except SettingsInvalid as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    configure(settings.log.level, settings.log.format)
    return run(partial(serve, settings))


def _records(client: AsyncIOMotorClient[dict[str, Any]], timeline: MongoTimeline, consumers: Broker) -> Records:
    return Records(
        connections=RecordConnections(timeline),
        events=RecordEvents(timeline),
        syncs=RecordSyncs(timeline, system_clock, reach_of(consumers)),
        exports=RecordExports(MongoExports(client)),
    )


def _stories(
    settings: Settings,
    timeline: MongoTimeline,
    bookings: MongoBookings,
    look_first: LookFirst,
    told: Callable[[], None],
) -> Stories:
    stale_after = settings.freshness.stale_after
    world = Circumstances(system_clock, lambda: uuid4().hex, stale_after, told)
    return Stories(
        answers=Answers(timeline, system_clock, stale_after),
        book=Book(bookings, look_first, world),
        change=ChangeAppointment(bookings, world),
        cancel=CancelAppointment(bookings, world),
        show=ShowAppointments(bookings, system_clock, stale_after),
        blocked_slots=BlockSlots(bookings, world),
        clock=system_clock,
    )
