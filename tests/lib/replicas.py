"""More processes of a service beside the stack's own, and somebody who spreads requests over those that are ready."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, Self

import httpx

from local_stack.ports import HOST, free_ports
from local_stack.processes import inherited_environment, tail
from local_stack.services import answers_ok
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

_READY_SECONDS: Final = 60
_PROBE_EVERY_SECONDS: Final = 0.25
_ANSWER_SECONDS: Final = 20.0
_OF_WORKERS: Final = ("CALSYNC_VAULT_PRIVATE", "CALSYNC_VAULT_SIGNERS")


class Instance(Protocol):
    """A process of a service, whoever started it."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def ops(self) -> str: ...


@dataclass(frozen=True, slots=True)
class OfStack:
    """The stack's own."""

    name: str
    url: str
    ops: str


class Replica:
    """One more process of a service, on ports of its own; it starts at once."""

    def __init__(self, stack: LocalStack, service: Literal["connector", "availability"], number: int) -> None:
        listen, ops = free_ports(2)
        self.name = f"{service}-{number}"
        self.url, self.ops = (f"http://{HOST}:{port}" for port in (listen, ops))
        told = {k: v for k, v in stack.env.items() if k.startswith("CALSYNC_") and not k.startswith(_OF_WORKERS)}
        told |= {"CALSYNC_HTTP_HOST": HOST, "CALSYNC_HTTP_PORT": str(listen)}
        told |= {"CALSYNC_OPS_HOST": HOST, "CALSYNC_OPS_PORT": str(ops)}
        self._log = stack.log_files()[0].with_name(f"{self.name}.log")
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", service],
                env={**inherited_environment(os.environ), **told},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> Self:
        assert wait_until(answers_ok(f"{self.ops}/readyz"), seconds=_READY_SECONDS), tail(self._log)
        return self

    def stop(self, *, seconds: float) -> int:
        """SIGTERM, and the exit code. Raises subprocess.TimeoutExpired where it takes longer."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=seconds)

    def close(self) -> None:
        """Nothing of it stays, whatever went wrong."""
        self._process.kill()
        self._process.wait()


@dataclass
class Balancer:
    """A load balancer without mercy: it asks /readyz every quarter of a second, and a request that fails has failed."""

    instances: list[Instance]
    answered: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    _ready: list[Instance] = field(default_factory=list, init=False)
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict, init=False)
    _turn: int = field(default=0, init=False)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Self]:
        await self._look()
        looking = asyncio.create_task(self._look_for_ever())
        try:
            yield self
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            for client in self._clients.values():
                await client.aclose()

    async def ask(self, method: str, path: str, expected: Sequence[int], **request: object) -> httpx.Response | None:
        """One request to one replica; None, and a note in `failed`, unless the answer is an expected one."""
        if not self._ready:
            self.failed.append(f"{method}: nobody is ready")
            return None
        self._turn += 1
        one = self._ready[self._turn % len(self._ready)]
        try:
            answer = await self._client(one.url).request(method, path, **request)  # type: ignore[arg-type]  # httpx's own
        except httpx.TransportError as error:
            self.failed.append(f"{method} at {one.name}: {error!r}")
            return None
        if answer.status_code not in expected:
            self.failed.append(f"{method} at {one.name}: {answer.status_code} {answer.text[:200]}")
            return None
        self.answered[one.name] += 1
        return answer

    def _client(self, url: str) -> httpx.AsyncClient:
        """Keeps its connections, as proxies do."""
        if url not in self._clients:
            self._clients[url] = httpx.AsyncClient(base_url=url, timeout=_ANSWER_SECONDS, trust_env=False)
        return self._clients[url]

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_PROBE_EVERY_SECONDS)
            await self._look()

    async def _look(self) -> None:
        known = list(self.instances)
        ready = await asyncio.gather(*map(self._is_ready, known))
        self._ready = [one for one, is_ready in zip(known, ready, strict=True) if is_ready]

    async def _is_ready(self, one: Instance) -> bool:
        try:
            return (await self._client(one.ops).get("/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
