"""One trace leads from a request over Kafka, the worker and Kafka to availability, and tells nothing of anybody."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn, cast

import pytest

import availability.app
import connector.app
import sync_worker.app
from availability.inbound.http import application
from collecting import Collector, Told, collecting
from connector.inbound.pages.application import _routes
from connector_fakes import FakeApple, FakeConnections
from connector_http import interface
from runtime.process import Process
from runtime.settings import TracesSettings
from runtime.spans import _ROUTE
from runtime.tracing import Traces
from traced_services import HOUR, SOON, TITLE, Json, Services, traced_services
from worker_waiting import eventually

ROOT = Path(__file__).parents[1]
FROM_APPLE = "Zahnarzt Canary"
SYNC = "POST /v1/connections/{connection_id}/sync"
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5


class EndOfTest(Exception):
    """Enough was seen."""


def test_nothing_of_it_is_imported_before_it_is_wanted() -> None:
    """The SDK costs time at the start, and memory. What stands within a function is not imported at the start."""
    sources = {file: file.read_text() for place in ("shared/src", "services") for file in (ROOT / place).rglob("*.py")}

    at_the_start = {
        file.name: found
        for file, text in sources.items()
        if (found := re.findall(r"^(?:from|import) (opentelemetry|runtime\.spans)\b", text, re.MULTILINE))
        and "tests" not in file.parts
    }

    assert {name: {*found} for name, found in at_the_start.items()} == {"spans.py": {"opentelemetry"}}


@pytest.mark.parametrize("service", [connector.app, sync_worker.app, availability.app])
async def test_each_service_tells_from_its_start_to_its_end(service: ModuleType) -> None:
    entered: list[object] = []

    class FirstStep(Process):
        async def enter(self, name: str, part: object) -> NoReturn:
            entered.extend((name, type(part)))
            raise EndOfTest

    with pytest.raises(EndOfTest):
        await service.serve(SimpleNamespace(traces=TracesSettings()), FirstStep())

    assert entered == ["traces", Traces]


def test_every_route_of_ours_may_be_told() -> None:
    nobody = cast("Any", None)
    apis = (interface(FakeConnections(), FakeApple({})), application(nobody, nobody))

    patterns = [path for api in apis for path in api.openapi()["paths"]] + [route.path for route in _routes()]

    assert len(patterns) > 20
    assert [path for path in patterns if not re.fullmatch(_ROUTE, path)] == []


@pytest.mark.servers
async def test_one_trace_leads_from_a_request_to_what_comes_of_it(
    mongodb_url: str, kafka_bootstrap_servers: str, tmp_path: Path
) -> None:
    async with collecting() as collector, traced_services(mongodb_url, kafka_bootstrap_servers, tmp_path) as services:
        apple = services.admin.create_account()
        services.admin.add_event(apple.apple_id, "home", FROM_APPLE, (SOON, SOON + HOUR))
        async with collector.telling():
            await services.worker.worker()
            connection = await services.connect(apple)
            await eventually(partial(_have_come, collector, "ICloudEventImported"), within=60)
            await services.link(connection)
            await eventually(partial(_is_linked, services), within=60)
            await services.book()
            await eventually(partial(_have_come, collector, "AppointmentExported"), within=60)
            kept = await eventually(partial(_served, services), within=60)
            await services.ask_for_a_look(connection)
            await eventually(partial(_was_looked, collector), within=60)

    assert _way_to("ICloudEventImported", collector.spans, "POST /v1/connections") == [
        ("POST /v1/connections", SERVER),
        ("CalendarConnected", PRODUCER),
        ("CalendarConnected", CONSUMER),
        ("pass", INTERNAL),
        ("ICloudEventImported", PRODUCER),
        ("ICloudEventImported", CONSUMER),
    ]
    assert _way_to("AppointmentExported", collector.spans, "POST /v1/appointments") == [
        ("POST /v1/appointments", SERVER),
        ("AppointmentBooked", PRODUCER),
        ("AppointmentBooked", CONSUMER),
        ("pass", INTERNAL),
        ("AppointmentExported", PRODUCER),
        ("AppointmentExported", CONSUMER),
    ]
    assert _way_to("pass", collector.spans, SYNC) == [
        (SYNC, SERVER),
        ("SyncRequested", PRODUCER),
        ("SyncRequested", CONSUMER),
        ("pass", INTERNAL),
    ]
    assert {"icloud home", "icloud report", "icloud write"} <= {span.name for span in collector.spans}
    assert {span.name for span in collector.spans if span.kind == CLIENT} <= {
        f"icloud {kind}" for kind in ("entry", "home", "report", "write")
    }
    persons = [apple.apple_id, apple.app_password, apple.dsid, TITLE, FROM_APPLE, connection["id"], kept["account_id"]]
    told = "".join(collector.bodies)
    assert [one for one in (*persons, kept["user_id"], services.worker.endpoint.entry_url) if one in told] == []


async def _is_linked(services: Services) -> bool:
    """Nothing is under way any more that would take a booking with it."""
    kept = await services.connection()
    return bool(kept and kept.get("exports", {}).get("reviewed", 0) > 1 and "lease" not in kept)


async def _have_come(collector: Collector, *names: str) -> bool:
    """As far as availability."""
    return {*names} <= {span.name for span in collector.spans if span.kind == CONSUMER}


async def _served(services: Services) -> Json:
    """The worker's connection, once a pass has done what somebody asked for."""
    kept = await services.connection()
    return kept if "trace" not in kept else None


async def _was_looked(collector: Collector) -> bool:
    asked = {span.trace for span in collector.spans if span.name == SYNC}
    return any(span.name == "pass" and span.trace in asked for span in collector.spans)


def _way_to(name: str, spans: Sequence[Told], begin: str) -> list[tuple[str, int]]:
    """From the beginning of the trace of that name to the last span of this name in it."""
    known = {span.id: span for span in spans}
    (trace,) = [span.trace for span in spans if span.name == begin]
    at: Told | None = [span for span in spans if span.name == name and span.trace == trace][-1]
    way = []
    while at is not None:
        way.append((at.name, at.kind))
        at = known.get(at.parent)
    return way[::-1]
