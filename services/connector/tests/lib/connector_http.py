"""The HTTP interface on fakes, and callers who need no token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import httpx
from fastapi import FastAPI, Request

from connector.application.change_setup import ChangeSetup
from connector.application.connect import Circumstances, Connect
from connector.application.disconnect import Disconnect
from connector.application.look_up import FindOwner, ListConnections, ShowConnection
from connector.application.prove import Apple, Prove
from connector.application.reconnect import Reconnect
from connector.application.request_sync import RequestSync
from connector.domain.attempts import DEFAULT_LIMITS
from connector.domain.connection import Owner
from connector.inbound.http import Stories, application
from connector.inbound.http.networks import Networks, present_network
from connector.outbound.mongo import MongoAttempts, MongoConnections
from connector_examples import APP_PASSWORD, APPLE_ID, NOW
from connector_fakes import FakeApple, FakeAppleIds, FakeAttempts, FakeConnections, FakeWorkers
from runtime.auth import Caller, Unauthenticated

WISH = {"apple_id": APPLE_ID, "app_password": APP_PASSWORD, "access": "read_only", "time_zone": "Europe/Paris"}


def as_(owner: Owner) -> dict[str, str]:
    """Headers of a request of that person, or of the service whose name stands in the user's place."""
    return {"Authorization": f"{owner.account_id} {owner.user_id}"}


def stories_of(
    connections: FakeConnections | MongoConnections,
    apple: FakeApple | Apple,
    workers: FakeWorkers | None = None,
    attempts: FakeAttempts | MongoAttempts | None = None,
) -> Stories:
    """Stories on these neighbours; ids are c-1, c-2 …"""
    numbers, remembered = count(1), FakeAppleIds()
    prove = Prove(apple, attempts or FakeAttempts(), DEFAULT_LIMITS, present_network)

    def silence() -> None:
        """Nobody listens."""

    def clock() -> datetime:
        return NOW

    return Stories(
        connect=Connect(prove, connections, remembered, Circumstances(clock, lambda: f"c-{next(numbers)}", silence)),
        disconnect=Disconnect(connections, clock, silence),
        show=ShowConnection(connections),
        list=ListConnections(connections),
        owner_of=FindOwner(connections),
        change_setup=ChangeSetup(connections, clock, silence),
        reconnect=Reconnect(prove, connections, remembered, clock=clock, wake_relay=silence),
        request_sync=RequestSync(connections, workers or FakeWorkers(), clock),
        clock=clock,
        stale_after=timedelta(minutes=30),
    )


def interface(
    connections: FakeConnections | MongoConnections,
    apple: FakeApple | Apple,
    workers: FakeWorkers | None = None,
    attempts: FakeAttempts | MongoAttempts | None = None,
) -> FastAPI:
    """The application with stories on these neighbours; ids are c-1, c-2 …"""
    app = application(stories_of(connections, apple, workers, attempts), _caller)
    app.add_middleware(Networks)
    return app


async def _caller(request: Request) -> Caller:
    account_id, _, user_id = request.headers.get("authorization", "").partition(" ")
    if not user_id:
        raise Unauthenticated
    return Caller(account_id, user_id, frozenset({"calendar:manage"}), user_id.startswith("service:"))


@asynccontextmanager
async def client_of(app: FastAPI, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """Without a network; the requests seem to come from `address`."""
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://connector") as client:
        yield client


@dataclass
class Interface:
    """An interface with what stands behind it."""

    http: httpx.AsyncClient
    store: FakeConnections
    apple: FakeApple
    workers: FakeWorkers
    attempts: FakeAttempts
