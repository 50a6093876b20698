"""The connector, put together."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

from connector.application.change_setup import ChangeSetup
from connector.application.connect import Circumstances, Connect, RememberedAppleIds
from connector.application.disconnect import Disconnect
from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.application.look_ahead import LookAhead, TrySetup
from connector.application.look_up import FindOwner, ListConnections, ShowConnection
from connector.application.prove import Prove
from connector.application.publish import PublishPending
from connector.application.reconnect import Reconnect
from connector.application.request_sync import RequestSync
from connector.inbound.http import Stories, application
from connector.inbound.http.networks import Networks, present_network
from connector.inbound.kafka import SyncWords
from connector.inbound.pages import PREFIX, Foresight, Sessions, pages
from connector.inbound.relay import Bell, Relay
from connector.outbound.apple import ICloudAccounts
from connector.outbound.apple_ids import EncryptedAppleIds, NoAppleIds
from connector.outbound.availability import HttpAvailability
from connector.outbound.kafka import KafkaAnnouncer, KafkaWorkers
from connector.outbound.mongo import MongoAttempts, MongoConnections, MongoOutbox
from connector.outbound.pseudonyms import Pseudonyms
from connector.outbound.vault import Vault
from connector.settings import Settings
from icloud import ICloud
from icloud.credentials import Sealer, Signer
from runtime import metrics, mongo, ops
from runtime.auth import TokenChecker
from runtime.clock import system_clock
from runtime.http import caller_of
from runtime.kafka import Broker, Publisher, broker, subscribe
from runtime.logs import configure, get_logger
from runtime.measuring import Measuring, pending
from runtime.process import Process, run
from runtime.settings import SettingsInvalid, load
from runtime.tracing import Traces

NAME: Final = "connector"
SCOPE: Final = "calendar:manage"
_PREPARE_AGAIN_SECONDS: Final = 2.0

_log = get_logger(NAME)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the process; nothing of it has touched the network yet."""

    client: AsyncIOMotorClient[dict[str, Any]]
    connections: MongoConnections
    attempts: MongoAttempts
    icloud: ICloud
    availability: HttpAvailability | None
    publisher: Publisher
    consumers: Broker
    relay: Relay
    measuring: Measuring
    http: FastAPI


def put_together(settings: Settings) -> Parts:
    """All parts, none of them started."""
    client = mongo.connect(settings.mongo, NAME)
    connections = MongoConnections(client, _vault(client, settings))
    attempts = MongoAttempts(client, Pseudonyms(settings.memory.key_file))
    endpoint = settings.icloud.endpoint()
    icloud = ICloud(endpoint)
    publisher = Publisher(settings.kafka, NAME)
    consumers = broker(settings.kafka, NAME, publisher)
    bell = Bell()
    words = SyncWords(RecordReports(connections), RecordCalendars(connections, system_clock, bell.ring))
    subscribe(consumers, words.subscription())
    prove = Prove(ICloudAccounts(icloud, endpoint), attempts, settings.attempts.limits, present_network)
    remembered = _remembered(settings)
    stories = Stories(
        connect=Connect(prove, connections, remembered, Circumstances(system_clock, lambda: uuid4().hex, bell.ring)),
        disconnect=Disconnect(connections, system_clock, bell.ring),
        show=ShowConnection(connections),
        list=ListConnections(connections),
        owner_of=FindOwner(connections),
        change_setup=ChangeSetup(connections, system_clock, bell.ring),
        reconnect=Reconnect(prove, connections, remembered, clock=system_clock, wake_relay=bell.ring),
        request_sync=RequestSync(connections, KafkaWorkers(publisher), system_clock),
        clock=system_clock,
        stale_after=settings.freshness.stale_after,
    )
    checker = TokenChecker(settings.auth)
    http = application(stories, caller_of(checker, SCOPE))
    http.add_middleware(Networks, trusted=settings.attempts.trusted_proxies)
    sign_in_url = settings.pages.sign_in_url
    availability = None if settings.availability.url is None else HttpAvailability(settings.availability.url)
    foresight = None if availability is None else Foresight(LookAhead(availability), TrySetup(availability))
    sessions = Sessions(checker.check, SCOPE, sign_in_url)
    http.mount(PREFIX, pages(stories, sessions, foresight=foresight, sign_in_url=sign_in_url))
    return Parts(
        client=client,
        connections=connections,
        attempts=attempts,
        icloud=icloud,
        availability=availability,
        publisher=publisher,
        consumers=consumers,
        relay=Relay(PublishPending(MongoOutbox(client), KafkaAnnouncer(publisher), system_clock), bell),
        measuring=Measuring(pending(NAME, MongoOutbox(client).measure)),
        http=http,
    )


def _vault(client: AsyncIOMotorClient[dict[str, Any]], settings: Settings) -> Vault:
    signing_key_file = settings.vault.signing_key_file
    if signing_key_file is None:
        _log.warning("credentials_unsigned", missing="CALSYNC_VAULT_SIGNING_KEY_FILE")
    return Vault(
        client, Sealer(settings.vault.public_key_file), None if signing_key_file is None else Signer(signing_key_file)
    )


def _remembered(settings: Settings) -> RememberedAppleIds:
    key_file = settings.memory.key_file
    return NoAppleIds() if key_file is None else EncryptedAppleIds(key_file)


async def serve(settings: Settings, process: Process) -> None:
    """Start everything; whoever is asked last starts last, and stops first."""
    metrics.tell_build(NAME, "calsync-connector")
    await process.enter("traces", Traces(settings.traces, NAME))
    parts = put_together(settings)
    ready: dict[str, ops.Check] = {
        "process": process.draining,
        "mongodb": partial(mongo.unreachable, parts.client),
        "consumers": parts.consumers.not_polling,
    }
    await process.listen(
        "ops", ops.application(ready, {"consumers": parts.consumers.unwell}), settings.ops.host, settings.ops.port
    )
    process.on_stop("mongodb", partial(asyncio.to_thread, parts.client.close))
    await _prepared(parts)
    await process.enter("icloud", parts.icloud)
    if parts.availability is not None:
        await process.enter("availability", parts.availability)
    await parts.publisher.start()
    process.on_stop("publisher", parts.publisher.stop)
    process.supervise("relay", parts.relay.run())
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


async def _prepared(parts: Parts) -> None:
    """Without its unique index the store would keep no promise, so nobody is served before."""
    while True:
        try:
            await parts.connections.prepare()
            return await parts.attempts.prepare()
        except mongo.INFRASTRUCTURE as error:
            _log.warning("mongodb_unreachable", error=type(error).__name__)
        await asyncio.sleep(_PREPARE_AGAIN_SECONDS)
