"""A collector of traces on this machine, and what it was told."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from runtime.settings import TracesSettings
from runtime.tracing import Traces


@dataclass(frozen=True)
class Told:
    """One span as it arrived."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: int
    facts: Mapping[str, str | int]


@dataclass
class Collector:
    """Takes what is sent; answers with `status`."""

    url: str = ""
    status: int = 200
    bodies: list[str] = field(default_factory=list)

    @property
    def spans(self) -> Sequence[Told]:
        """In the order in which they began."""
        found = [(span["startTimeUnixNano"], told) for body in self.bodies for span, told in _spans(json.loads(body))]
        return [told for _, told in sorted(found, key=lambda one: int(one[0]))]

    def named(self, name: str) -> Told:
        """The one span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def telling(self, ratio: float = 1.0, service: str = "tests") -> Traces:
        """For as long as it is entered, traces come here; afterwards all of them are here."""
        return Traces(TracesSettings(url=self.url, ratio=ratio), service)

    async def take(self, request: web.Request) -> web.Response:
        """One request of an exporter."""
        self.bodies.append(await request.text())
        return web.Response(status=self.status)


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """On a port of its own."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
        yield collector
    finally:
        await runner.cleanup()
        # Who sends the last spans draws when to try again, from the process' own source: other tests hold on to that.
        for thread in threading.enumerate():
            if thread.name == "last spans":
                await asyncio.to_thread(thread.join)


def _spans(request: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Told]]:
    for resource in request["resourceSpans"]:
        service = str(_facts(resource["resource"])["service.name"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                parent = span.get("parentSpanId", "")
                known = (service, span["traceId"], span["spanId"], parent, span["name"], span["kind"])
                yield span, Told(*known, _facts(span))


def _facts(of: Mapping[str, Any]) -> dict[str, str | int]:
    facts: dict[str, str | int] = {}
    for one in of.get("attributes", ()):
        value = one["value"]
        facts[one["key"]] = int(value["intValue"]) if "intValue" in value else value["stringValue"]
    return facts
