"""The three services in this process, on a real MongoDB, a real Kafka and the simulator."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from availability import app as availability_app
from availability.application.fresh_look import LookFirst
from availability.application.publish import PublishPending as PublishAppointments
from availability.application.record_exports import RecordExports
from availability.application.record_syncs import RecordSyncs
from availability.inbound.http import application
from availability.inbound.kafka import reach_of, subscriptions
from availability.outbound.kafka import KafkaAnnouncer as AppointmentAnnouncer
from availability.outbound.kafka import KafkaWorkers
from availability.outbound.mongo import MongoBookings, MongoClock, MongoExports, MongoTimeline
from availability.outbound.mongo import MongoOutbox as AppointmentOutbox
from availability.settings import Settings
from connector.application.connect import Circumstances, Connect
from connector.application.prove import Prove
from connector.application.publish import PublishPending as PublishConnections
from connector.application.request_sync import RequestSync
from connector.domain.attempts import DEFAULT_LIMITS
from connector.domain.connection import Owner
from connector.inbound.http.networks import present_network
from connector.outbound.apple import ICloudAccounts
from connector.outbound.kafka import KafkaAnnouncer as ConnectionAnnouncer
from connector.outbound.kafka import KafkaWorkers as RequestedWorkers
from connector.outbound.mongo import MongoConnections
from connector.outbound.mongo import MongoOutbox as ConnectionOutbox
from connector.outbound.vault import Vault
from connector_fakes import FakeAppleIds, FakeAttempts
from connector_http import as_, client_of, interface
from icloud import Endpoint, ICloud
from icloud.credentials import Sealer, new_key_pair
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.simulator import running
from local_stack.tokens import AUDIENCE, EVERY_SCOPE, ISSUER, TokenKeys
from runtime.auth import TokenChecker
from runtime.clock import system_clock
from runtime.kafka import broker, subscribe
from runtime.settings import load
from worker_edges import Edges, edges
from worker_stores import database

SOON: Final = (datetime.now(UTC) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
HOUR: Final = timedelta(hours=1)
TITLE: Final = "Coupe de Mme Canari"

Json = Any
Relay = Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Services:
    """One user's view of them. What waits to be told is told at once."""

    worker: Edges
    admin: SimulatorAdmin
    owner: Owner
    connector: httpx.AsyncClient
    tell_connections: Relay
    availability: httpx.AsyncClient
    tell_appointments: Relay

    async def connect(self, apple: SimulatedAccount) -> Json:
        wish = {"apple_id": apple.apple_id, "app_password": apple.app_password}
        made = await self.connector.post("/v1/connections", json=wish | {"access": "full", "time_zone": "Europe/Paris"})
        await self.tell_connections()
        return made.raise_for_status().json()

    async def link(self, connection: Json) -> None:
        ids = [one["id"] for one in connection["calendars"] if one["writable"] and one["supported"]]
        setup = {"linked_calendar_id": ids[0], "conflict_calendars": [{"id": one} for one in ids]}
        setup |= {"titles": False, "when_stale": "keep"}
        (await self.connector.put(f"/v1/connections/{connection['id']}/setup", json=setup)).raise_for_status()
        await self.tell_connections()

    async def ask_for_a_look(self, connection: Json) -> None:
        (await self.connector.post(f"/v1/connections/{connection['id']}/sync")).raise_for_status()

    async def book(self) -> None:
        when = {"start": (SOON + 3 * HOUR).isoformat(), "end": (SOON + 4 * HOUR).isoformat()}
        wish = {**when, "user_id": self.owner.user_id, "title": TITLE}
        booked = await self.availability.post("/v1/appointments", json=wish, headers={"Idempotency-Key": uuid4().hex})
        booked.raise_for_status()
        await self.tell_appointments()

    async def connection(self) -> Json:
        """As the worker keeps it."""
        mine = self.worker.mine
        return await mine.client[mine.name]["connections"].find_one({"account_id": self.owner.account_id})


@asynccontextmanager
async def traced_services(mongodb_url: str, bootstrap_servers: str, folder: Path) -> AsyncIterator[Services]:
    """Databases and consumer groups are nobody else's, and gone at the end."""
    owner = Owner(f"acc-{uuid4().hex}", f"usr-{uuid4().hex}")
    async with AsyncExitStack() as stack:
        simulator = stack.enter_context(running())
        endpoint = Endpoint(simulator.url, ("127.0.0.1", "localhost"))
        mine = await stack.enter_async_context(database(mongodb_url))
        worker = await stack.enter_async_context(edges(mine, bootstrap_servers, endpoint, new_key_pair(folder)))
        admin = stack.enter_context(SimulatorAdmin(simulator.admin_url))
        connections = await _connector(stack, worker, owner)
        yield Services(worker, admin, owner, *connections, *await _availability(stack, worker, owner, folder))


async def _connector(stack: AsyncExitStack, worker: Edges, owner: Owner) -> tuple[httpx.AsyncClient, Relay]:
    client, name = worker.mine.client, f"connector_{uuid4().hex[:12]}"
    stack.push_async_callback(client.drop_database, name)
    vault = Vault(client, Sealer(worker.keys.public_key_file), database=worker.mine.name)
    connections = MongoConnections(client, vault, database=name)
    await connections.prepare()
    apple = ICloudAccounts(await stack.enter_async_context(ICloud(worker.endpoint)), worker.endpoint)
    app = interface(connections, apple)
    world = Circumstances(system_clock, lambda: uuid4().hex, lambda: None)
    prove = Prove(apple, FakeAttempts(), DEFAULT_LIMITS, present_network)
    app.state.stories = replace(
        app.state.stories,
        connect=Connect(prove, connections, FakeAppleIds(), world),
        request_sync=RequestSync(connections, RequestedWorkers(worker.publisher), system_clock),
    )
    http = await stack.enter_async_context(client_of(app))
    http.headers.update(as_(owner))
    outbox = ConnectionOutbox(client, database=name)
    return http, PublishConnections(outbox, ConnectionAnnouncer(worker.publisher), system_clock)


async def _availability(
    stack: AsyncExitStack, worker: Edges, owner: Owner, folder: Path
) -> tuple[httpx.AsyncClient, Relay]:
    client, name = worker.mine.client, f"availability_{uuid4().hex[:12]}"
    stack.push_async_callback(client.drop_database, name)
    timeline = MongoTimeline(client, system_clock, name)
    await timeline.prepare()
    consumers = broker(worker.kafka, "availability-tests", worker.publisher)
    ours = availability_app._records(client, timeline, consumers)
    syncs = RecordSyncs(timeline, system_clock, reach_of(consumers, name))
    records = replace(ours, exports=RecordExports(MongoExports(client, name)), syncs=syncs)
    subscribe(consumers, *(replace(one, group=name) for one in subscriptions(records)))
    await consumers.start()
    stack.push_async_callback(consumers.stop)
    tokens = TokenKeys(folder / "platform")
    tokens.make()
    told = {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "here:1",
        "CALSYNC_MONGODB_URL": "mongodb://here/",
        "CALSYNC_AUTH_ISSUER": ISSUER,
        "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
        "CALSYNC_AUTH_JWKS": str(tokens.jwks_file),
    }
    settings = load(Settings, told)
    stories = availability_app._stories(
        settings,
        timeline,
        MongoBookings(client, system_clock, name),
        LookFirst(timeline, KafkaWorkers(worker.publisher), MongoClock(client)),
        lambda: None,
    )
    http = await stack.enter_async_context(client_of(application(stories, TokenChecker(settings.auth))))
    claims = {"sub": owner.user_id, "account_id": owner.account_id, "scope": EVERY_SCOPE}
    http.headers["Authorization"] = f"Bearer {tokens.token(claims, HOUR)}"
    outbox = AppointmentOutbox(client, name)
    return http, PublishAppointments(outbox, AppointmentAnnouncer(worker.publisher), system_clock)
