"""A transport on its own, under tight budgets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from icloud import AppleCredential, Budget, Endpoint
from icloud.gate import Gate, Target
from icloud.transport import Answer, Transport
from icloud.wire import requests
from icloud.wire.requests import Request

CREDENTIAL = AppleCredential("jane.canary@icloud.com", "cana-rypa-sswo-rdxx")
BASIC = CREDENTIAL.basic()
LOOPBACK = ("127.0.0.1", "localhost")
TIGHT = Budget(connect_seconds=2, read_seconds=0.4, whole_seconds=1.2, body_bytes=50_000)


@asynccontextmanager
async def transport_to(origin: str, budget: Budget = TIGHT, ca_file: Path | None = None) -> AsyncIterator[Transport]:
    transport = Transport(Endpoint(origin, LOOPBACK, ca_file), Gate(LOOPBACK), budget)
    try:
        yield transport
    finally:
        await transport.close()


async def asked(origin: str, request: Request | None = None, *, path: str = "/", budget: Budget = TIGHT) -> Answer:
    async with transport_to(origin, budget) as transport:
        return await transport.ask(Target(origin, path), request or requests.principal(), CREDENTIAL)
