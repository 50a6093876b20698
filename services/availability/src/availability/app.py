"""Availability, put together."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

from availability.application.answer import AnswerBusy
from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.application.record_syncs import RecordSyncs
from availability.inbound.http import SCOPE, application
from availability.inbound.kafka import subscriptions
from availability.outbound.mongo import MongoTimeline
from availability.settings import Settings
from runtime import mongo, ops
from runtime.auth import TokenChecker
from runtime.clock import system_clock
from runtime.http import caller_of
from runtime.kafka import Broker, Publisher, broker, subscribe
from runtime.logs import configure
from runtime.process import Process, run
from runtime.settings import SettingsInvalid, load

NAME: Final = "availability"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the process; nothing of it has touched the network yet."""

    client: AsyncIOMotorClient[dict[str, Any]]
    timeline: MongoTimeline
    publisher: Publisher
    consumers: Broker
    http: FastAPI


def put_together(settings: Settings) -> Parts:
    """All parts, none of them started."""
    client = mongo.connect(settings.mongo, NAME)
    timeline = MongoTimeline(client, system_clock)
    publisher = Publisher(settings.kafka, NAME)
    consumers = broker(settings.kafka, NAME, publisher)
    subscribe(consumers, *subscriptions(RecordConnections(timeline), RecordEvents(timeline), RecordSyncs(timeline)))
    answer = AnswerBusy(timeline, system_clock, settings.freshness.stale_after)
    return Parts(
        client=client,
        timeline=timeline,
        publisher=publisher,
        consumers=consumers,
        http=application(answer, caller_of(TokenChecker(settings.auth), SCOPE)),
    )


async def serve(settings: Settings, process: Process) -> None:
    """Start everything; questions are answered last of all, and their end comes first."""
    parts = put_together(settings)
    ready: dict[str, ops.Check] = {
        "process": process.draining,
        "mongodb": partial(mongo.unreachable, parts.client),
        "indexes": parts.timeline.unprepared,
        "consumers": parts.consumers.unready,
    }
    await process.listen(
        "ops", ops.application(ready, {"consumers": parts.consumers.unwell}), settings.ops.host, settings.ops.port
    )
    process.on_stop("mongodb", partial(asyncio.to_thread, parts.client.close))
    await parts.timeline.prepare()
    await parts.publisher.start()
    process.on_stop("publisher", parts.publisher.stop)
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
