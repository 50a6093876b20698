"""The HTTP interface on fakes, and callers who need no token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import httpx
from fastapi import FastAPI, Request

from connector.application.connect import Apple, Circumstances, Connect
from connector.application.disconnect import Disconnect
from connector.application.look_up import ListConnections, ShowConnection
from connector.domain.connection import Owner
from connector.inbound.http import Stories, application
from connector.outbound.mongo import MongoConnections
from connector_examples import APP_PASSWORD, APPLE_ID, NOW
from connector_fakes import FakeApple, FakeConnections
from runtime.auth import Caller, Unauthenticated

WISH = {"apple_id": APPLE_ID, "app_password": APP_PASSWORD, "access": "read_only", "time_zone": "Europe/Paris"}


def as_(owner: Owner) -> dict[str, str]:
    """Headers of a request of that person, or of the service whose name stands in the user's place."""
    return {"Authorization": f"{owner.account_id} {owner.user_id}"}


def interface(connections: FakeConnections | MongoConnections, apple: FakeApple | Apple) -> FastAPI:
    """The application with stories on these neighbours; ids are c-1, c-2 …"""
    numbers = count(1)

    def silence() -> None:
        """Nobody listens."""

    there = Circumstances(lambda: NOW, lambda: f"c-{next(numbers)}", silence)
    stories = Stories(
        connect=Connect(apple, connections, there),
        disconnect=Disconnect(connections, lambda: NOW, silence),
        show=ShowConnection(connections),
        list=ListConnections(connections),
        clock=lambda: NOW,
        stale_after=timedelta(minutes=30),
    )
    return application(stories, _caller)


async def _caller(request: Request) -> Caller:
    account_id, _, user_id = request.headers.get("authorization", "").partition(" ")
    if not user_id:
        raise Unauthenticated
    return Caller(account_id, user_id, frozenset({"calendar:manage"}), user_id.startswith("service:"))


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Without a network."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://connector") as client:
        yield client


@dataclass
class Interface:
    """An interface with what stands behind it."""

    http: httpx.AsyncClient
    store: FakeConnections
    apple: FakeApple
