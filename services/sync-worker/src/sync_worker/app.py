"""The sync-worker, put together."""

import asyncio
import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from socket import gethostname
from typing import Any, Final, Protocol

from motor.motor_asyncio import AsyncIOMotorClient

from icloud import ICloud
from icloud.credentials import Opener, Signers
from runtime import metrics, mongo, ops
from runtime.clock import system_clock
from runtime.kafka import Broker, Publisher, Subscription, broker, subscribe
from runtime.logs import configure, get_logger
from runtime.measuring import Measure, Measuring, pending
from runtime.process import Process, run
from runtime.settings import SettingsInvalid, load
from runtime.tracing import Traces
from sync_worker.application import ask_calendar, import_objects, jobs, leave_calendars, track_appointments
from sync_worker.application.accounts import Accounts
from sync_worker.application.ask_calendar import AskCalendar
from sync_worker.application.endings import Passes
from sync_worker.application.erase_connection import EraseConnection, Remains
from sync_worker.application.export_appointments import ExportAppointments
from sync_worker.application.fleet import Fleet
from sync_worker.application.import_objects import ImportObjects
from sync_worker.application.leave_calendars import LeaveCalendars
from sync_worker.application.measure import MeasureFleet
from sync_worker.application.missed_calendars import MissedCalendars
from sync_worker.application.own_appointments import FollowAppointments, Tied
from sync_worker.application.publish_states import Events, Outbox, PublishStates
from sync_worker.application.read_calendar import ReadCalendar
from sync_worker.application.refuse import Refusals, Refuse
from sync_worker.application.remove_objects import RemoveObjects
from sync_worker.application.run_pass import RunPass
from sync_worker.application.sync_account import Doing, SyncAccount
from sync_worker.application.tell import Completions, Tell
from sync_worker.application.tell_calendars import TellCalendars
from sync_worker.application.track_appointments import TrackAppointments
from sync_worker.application.track_connection import Connections, RequestSync, TrackConnection
from sync_worker.application.turnstile import Gatehouse
from sync_worker.domain.hosts import Hosts
from sync_worker.domain.passes import Horizon
from sync_worker.inbound.kafka import Bookings, ConnectionNews, Requests, subscriptions
from sync_worker.inbound.schedule import Rhythm, Schedule
from sync_worker.outbound.icloud import ICloudAccounts
from sync_worker.outbound.kafka import KafkaCompletions, KafkaEvents
from sync_worker.outbound.memory import resident
from sync_worker.outbound.mongo import (
    MongoAppointments,
    MongoConnections,
    MongoFleet,
    MongoGrants,
    MongoLeases,
    MongoObjects,
    MongoPasses,
    MongoRefusals,
    MongoShares,
    WatchedOutbox,
    forget_plain_homes,
    make_indexes,
)
from sync_worker.outbound.mongo.collections import DATABASE
from sync_worker.outbound.vault import Vault
from sync_worker.settings import BudgetSettings, Settings, SyncSettings, VaultSettings

NAME: Final = "sync-worker"
_PREPARE_AGAIN_SECONDS: Final = 2.0

_log = get_logger("sync_worker")


class Objects(import_objects.Objects, ask_calendar.Objects, leave_calendars.Objects, Tied, Outbox, Remains, Protocol):
    """The kept objects with all that passes want of them."""


class Appointments(jobs.Jobs, track_appointments.Appointments, Protocol):
    """The appointments with all that passes want of them."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What passes lean on."""

    accounts: Accounts
    objects: Objects
    appointments: Appointments
    passes: Passes
    refusals: Refusals
    events: Events
    completions: Completions


def passes_over(with_: Neighbours, settings: SyncSettings) -> RunPass:
    """All that is done with a claimed connection."""
    tell = Tell(with_.events, with_.completions)
    publish = PublishStates(with_.objects, with_.events)
    remove = RemoveObjects(with_.objects, publish)
    ask, bring = AskCalendar(with_.objects, with_.appointments), ImportObjects(with_.objects, publish)
    read = ReadCalendar(ask, bring, with_.objects, with_.passes, tell)
    leave = LeaveCalendars(with_.objects, remove, publish, with_.passes, tell)
    doing = Doing(
        TellCalendars(tell, with_.passes),
        ExportAppointments(with_.appointments, tell, FollowAppointments(with_.objects, with_.appointments, publish)),
        read,
        remove,
        leave,
        MissedCalendars(with_.objects, leave, with_.passes, tell),
        publish,
        with_.passes,
        tell,
        with_.appointments,
    )
    sync = SyncAccount(with_.accounts, doing, Horizon(past=settings.horizon_past, future=settings.horizon_future))
    erase = EraseConnection(with_.objects, with_.appointments, with_.events, with_.passes)
    refuse = Refuse(tell, with_.refusals, settings.bounds.longest)
    return RunPass(sync, erase, refuse, with_.passes, settings.bounds)


def gatehouse_over(
    client: AsyncIOMotorClient[dict[str, Any]], budget: BudgetSettings, database: str = DATABASE
) -> Gatehouse:
    """What every request to Apple passes."""
    grants = MongoGrants(client, budget.per_second, database)
    shares = MongoShares(client, budget.per_account_per_minute, database)
    return Gatehouse(Fleet(grants, budget.per_second), shares, Hosts(budget.per_second, random.random))


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the process; nothing of it has touched the network yet."""

    client: AsyncIOMotorClient[dict[str, Any]]
    icloud: ICloud
    publisher: Publisher
    completions: KafkaCompletions
    consumers: Broker
    schedule: Schedule
    measuring: Measuring


def put_together(settings: Settings) -> Parts:
    """All parts, none of them started."""
    client = mongo.connect(settings.mongo, NAME)
    icloud = ICloud(settings.icloud.endpoint())
    gatehouse = gatehouse_over(client, settings.budget)
    publisher = Publisher(settings.kafka, NAME)
    events = KafkaEvents(publisher, system_clock)
    completions = KafkaCompletions(events)
    neighbours = Neighbours(
        accounts=ICloudAccounts(icloud, _vault(client, settings.vault), gatehouse),
        objects=MongoObjects(client),
        appointments=MongoAppointments(client),
        passes=MongoPasses(client, per_minute=settings.budget.per_account_per_minute),
        refusals=MongoRefusals(client),
        events=events,
        completions=completions,
    )
    consumers = broker(settings.kafka, NAME, publisher)
    subscribe(consumers, *_heard(MongoConnections(client), neighbours.appointments))
    leases = MongoLeases(client, owner=f"{gethostname()}:{os.getpid()}", length=settings.sync.lease)
    rhythm = Rhythm(settings.sync.at_once, settings.sync.lease, partial(_memory_short, settings.sync.memory_bytes))
    schedule = Schedule(leases, passes_over(neighbours, settings.sync), rhythm)
    return Parts(client, icloud, publisher, completions, consumers, schedule, _measuring(client))


def _measuring(client: AsyncIOMotorClient[dict[str, Any]]) -> Measuring:
    fleet = MeasureFleet(MongoFleet(client))
    return Measuring(
        Measure("overdue", fleet.OVERDUE, fleet.overdue),
        Measure("freshness", fleet.STANDINGS, fleet.standings),
        Measure("quarantined", fleet.QUARANTINED, fleet.quarantined),
        pending(NAME, WatchedOutbox(client)),
    )


def _heard(connections: Connections, appointments: track_appointments.Appointments) -> tuple[Subscription, ...]:
    """What is followed on Kafka."""
    return subscriptions(
        ConnectionNews(TrackConnection(connections)),
        Requests(RequestSync(connections)),
        Bookings(TrackAppointments(appointments, system_clock)),
    )


def _vault(client: AsyncIOMotorClient[dict[str, Any]], settings: VaultSettings) -> Vault:
    signers_dir = settings.signers_dir
    if signers_dir is None:
        _log.warning("credentials_unchecked", missing="CALSYNC_VAULT_SIGNERS_DIR")
    return Vault(client, Opener(settings.private_keys_dir), None if signers_dir is None else Signers(signers_dir))


async def serve(settings: Settings, process: Process) -> None:
    """Start everything; whoever is asked last starts last, and stops first."""
    metrics.tell_build(NAME, "calsync-sync-worker")
    await process.enter("traces", Traces(settings.traces, NAME))
    parts = put_together(settings)
    ready: dict[str, ops.Check] = {
        "process": process.draining,
        "mongodb": partial(mongo.unreachable, parts.client),
        "kafka": parts.publisher.unready,
        "consumers": parts.consumers.unready,
    }
    live: dict[str, ops.Check] = {"schedule": parts.schedule.unwell, "consumers": parts.consumers.unwell}
    await process.listen("ops", ops.application(ready, live), settings.ops.host, settings.ops.port)
    process.on_stop("mongodb", partial(asyncio.to_thread, parts.client.close))
    await _prepared(parts.client)
    await process.enter("icloud", parts.icloud)
    await parts.publisher.start()
    process.on_stop("publisher", parts.publisher.stop)
    process.on_stop("completions", parts.completions.stop)
    process.supervise("completions", parts.completions.run())
    await parts.consumers.start()
    process.on_stop("consumers", parts.consumers.stop)
    process.supervise("measuring", parts.measuring.run())
    process.supervise("schedule", parts.schedule.run())


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run until told to stop; the exit code."""
    try:
        settings = load(Settings, environ)
    except SettingsInvalid as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    configure(settings.log.level, settings.log.format)
    return run(partial(serve, settings))


def _memory_short(limit: int) -> bool:
    return resident() > limit


async def _prepared(client: AsyncIOMotorClient[dict[str, Any]]) -> None:
    """Without the indexes every claim would look at every connection, so nothing begins before."""
    while True:
        try:
            await make_indexes(client)
            return await forget_plain_homes(client)
        except mongo.INFRASTRUCTURE as error:
            _log.warning("mongodb_unreachable", reason=type(error).__name__)
        await asyncio.sleep(_PREPARE_AGAIN_SECONDS)
