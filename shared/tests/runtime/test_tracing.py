import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from structlog.contextvars import get_contextvars

from collecting import Collector, collecting
from contracts.events import CalendarDisconnected, RequestReason, SyncRequested
from contracts.wire import TRACEPARENT, WireRecord, encode, tombstone
from runtime import tracing
from runtime.http import install
from runtime.kafka import Delivery
from runtime.kafka.traces import TRACE_BYTES, carried, consuming, publishing, with_trace
from runtime.settings import SettingsInvalid, TracesSettings, load
from runtime.tracing import Kind

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CANARY = "marie@icloud.example"
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-1] + "0"
TRACE, PARENT = SAMPLED.split("-")[1:3]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as found:
        yield found


def ended(connection_id: str = "c-1", revision: int = 2) -> CalendarDisconnected:
    return CalendarDisconnected(account_id="a", user_id="u", connection_id=connection_id, epoch=1, revision=revision)


def wire(event: CalendarDisconnected | SyncRequested) -> WireRecord:
    return encode(event, source="tests", time=NOW)


def traced(record: WireRecord) -> str | None:
    return dict(record.headers).get(TRACEPARENT, b"").decode() or None


def interface() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item_id}")
    async def item(item_id: str) -> dict[str, str | None]:
        return {"item": item_id, "trace": tracing.current()}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(CANARY)

    install(app)
    return app


def asking(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests")


def careless() -> None:
    """What a library might do that finds a span."""
    with tracing.begin("pass", Kind.INTERNAL) as span:
        inner = span._span  # type: ignore[attr-defined]  # behind the Protocol
        inner.set_attribute("url.full", CANARY)
        inner.set_attribute("calsync.kind", CANARY)
        inner.add_event("exception", {"exception.message": CANARY})
        raise ValueError(CANARY)


def noted_in_a_pass() -> bool:
    with tracing.begin("pass", Kind.INTERNAL):
        return bool(tracing.noted())


async def test_without_an_address_nothing_is_told_kept_or_handed_on() -> None:
    record, delivery = wire(ended()), Delivery(ended(), "t", 0, 0, 0, trace=SAMPLED)

    async with tracing.Traces(TracesSettings(ratio=1), "tests"):
        with tracing.begin("pass", Kind.INTERNAL, parent=SAMPLED) as span, tracing.following(SAMPLED):
            span.rename("pass")
            span.tell(kind="look")
            tracing.took("icloud home", Kind.CLIENT, 1.0, result="2xx")
            with publishing([with_trace(record, SAMPLED)]) as out, consuming([delivery]) as heard:
                seen = (
                    tracing.current(),
                    dict(tracing.noted()),
                    span.trace,
                    carried(((TRACEPARENT, SAMPLED.encode()),)),
                )

    assert seen == (None, {}, None, None)
    assert (list(out), list(heard)) == ([record], [delivery])


async def test_what_happens_within_belongs_to_the_trace_and_to_its_logs(collector: Collector) -> None:
    async with collector.telling():
        with tracing.begin("pass", Kind.INTERNAL) as span:
            span.tell(kind="look", result="done")
            kept, logged = dict(tracing.noted()), get_contextvars()["trace_id"]
            tracing.took("icloud home", Kind.CLIENT, 0.5, result="2xx")
        after = (tracing.current(), get_contextvars().get("trace_id"))

    request, look = collector.spans
    assert (look.name, look.parent, look.facts) == ("pass", "", {"calsync.kind": "look", "calsync.result": "done"})
    assert (request.name, request.parent, request.trace) == ("icloud home", look.id, look.trace)
    assert (kept, logged) == ({"trace": f"00-{look.trace}-{look.id}-01"}, look.trace)
    assert after == (None, None)
    assert {span.service for span in collector.spans} == {"tests"}


@pytest.mark.parametrize(("parent", "told"), [(None, False), (UNSAMPLED, False), (SAMPLED, True), (CANARY, False)])
async def test_it_is_drawn_where_a_trace_begins_and_nowhere_else(
    collector: Collector,
    parent: str | None,
    told: bool,  # noqa: FBT001 - what is expected of a case
) -> None:
    async with collector.telling(ratio=0):
        with tracing.begin("pass", Kind.INTERNAL, parent=parent):
            kept = tracing.noted()

    assert [(span.trace, span.parent) for span in collector.spans] == ([(TRACE, PARENT)] if told else [])
    assert bool(kept) == told


async def test_a_request_goes_by_the_pattern_of_its_route(collector: Collector) -> None:
    async with collector.telling(), asking(interface()) as client:
        ours = (await client.get(f"/items/{CANARY}?q={CANARY}")).json()["trace"]
        theirs = (await client.get("/items/2", headers={"traceparent": SAMPLED, "tracestate": f"a={CANARY}"})).json()
        broken = await client.get("/broken")
        lost = await client.get(f"/{CANARY}")

    first, second, third, fourth = collector.spans
    assert (first.name, first.kind, first.facts) == (
        "GET /items/{item_id}",
        2,
        {"http.request.method": "GET", "http.route": "/items/{item_id}", "http.response.status_code": 200},
    )
    assert ours == f"00-{first.trace}-{first.id}-01"
    assert (second.trace, second.parent) == (TRACE, PARENT)
    assert theirs["trace"] == f"00-{TRACE}-{second.id}-01"
    assert (third.name, third.facts["http.response.status_code"], broken.status_code) == ("GET /broken", 500, 500)
    assert (fourth.name, lost.status_code) == ("GET none", 404)
    assert CANARY not in "".join(collector.bodies)


async def test_nothing_leaves_but_what_is_allowed(collector: Collector) -> None:
    basic = base64.b64encode(f"{CANARY}:abcd-efgh-ijkl-mnop".encode()).decode()

    async with collector.telling():
        with tracing.begin(f"GET /{CANARY}", Kind.SERVER) as span:
            span.tell(kind=CANARY, result=basic, route=f"/v1/{CANARY}", method=CANARY, event=CANARY, topic=CANARY)
            span.tell(apple_id=CANARY, connection_id="c-1", status="200", count=3)
        with pytest.raises(ValueError, match=CANARY):
            careless()

    first, second = collector.spans
    assert (first.name, first.facts) == ("unnamed", {"messaging.batch.message_count": 3})
    assert (second.name, second.facts) == ("pass", {"calsync.result": "failed"})
    assert not any(secret in body for body in collector.bodies for secret in (CANARY, basic, "c-1", "ValueError"))


async def test_records_go_on_with_the_trace_at_hand_or_with_their_own(collector: Collector) -> None:
    plain = [wire(ended()), wire(ended("c-2")), tombstone(ended(), source="tests", time=NOW)]

    async with collector.telling():
        with tracing.begin("pass", Kind.INTERNAL), publishing([*plain, with_trace(plain[0], SAMPLED)]) as out:
            written = [traced(record) for record in out]
        with publishing(plain) as alone:
            untraced = [traced(record) for record in alone]

    look, *several = collector.spans
    ours, ends, own = several
    assert [span.kind for span in several] == [4, 4, 4]
    assert [(span.name, span.facts["messaging.batch.message_count"]) for span in several] == [
        ("CalendarDisconnected", 2),
        ("Tombstone", 1),
        ("CalendarDisconnected", 1),
    ]
    assert {ours.parent, ends.parent} == {look.id}
    assert (own.trace, own.parent) == (TRACE, PARENT)
    assert written == [f"00-{span.trace}-{span.id}-01" for span in (ours, ours, ends, own)]
    assert untraced == [None, None, None]
    assert [len(TRACEPARENT + text) <= TRACE_BYTES for text in written if text] == [True] * 4


async def test_deliveries_go_on_with_what_they_carry(collector: Collector) -> None:
    record = with_trace
    asked = SyncRequested(
        account_id="a", user_id="u", connection_id="c-1", epoch=1, revision=1, reason=RequestReason.USER, requested_at=7
    )

    async with collector.telling():
        headers = record(wire(ended()), SAMPLED).headers
        deliveries = [
            Delivery(ended(), "calendar.connections.v1", 0, 0, 0, trace=carried(headers)),
            Delivery(ended("c-2"), "calendar.connections.v1", 0, 1, 0),
            Delivery(asked, "icloud.sync-requests.v1", 0, 2, 0, trace=carried(headers)),
        ]
        with contextlib.suppress(TimeoutError), consuming(deliveries) as heard:
            present = tracing.current()
            with tracing.following(heard[0].trace):
                kept = dict(tracing.noted())
            raise TimeoutError

    one, other = collector.spans
    assert [(one.name, one.kind, one.trace, one.parent), other.name] == [
        ("CalendarDisconnected", 5, TRACE, PARENT),
        "SyncRequested",
    ]
    assert one.facts == {
        "cloudevents.event_type": "CalendarDisconnected",
        "messaging.destination.name": "calendar.connections.v1",
        "messaging.batch.message_count": 1,
        "calsync.result": "failed",
    }
    assert [delivery.trace and delivery.trace.split("-")[2] for delivery in heard] == [one.id, None, other.id]
    assert (present, kept) == (None, {"trace": heard[0].trace})


@pytest.mark.parametrize(
    "header", [b"", b"\xff", UNSAMPLED.encode(), b"01-" + SAMPLED.encode()[3:], SAMPLED.encode() + b"-x", None]
)
async def test_a_header_that_is_none_is_passed_over(collector: Collector, header: bytes | None) -> None:
    async with collector.telling():
        assert carried(((TRACEPARENT, header),)) is None  # type: ignore[arg-type]  # Kafka's headers may have no value


async def test_a_caller_cannot_have_its_requests_told(collector: Collector) -> None:
    async with collector.telling(ratio=0), asking(interface()) as client:
        await client.get("/items/2", headers={"traceparent": SAMPLED})

    assert collector.spans == []


@pytest.mark.parametrize("status", [400, None])
async def test_a_collector_in_trouble_disturbs_nobody(collector: Collector, status: int | None) -> None:
    collector.status = status or 200
    if status is None:
        collector.url = "http://127.0.0.1:9/v1/traces"

    async with asyncio.timeout(30), collector.telling():
        kept = [noted_in_a_pass() for _ in range(5_000)]

    assert all(kept)
    assert tracing.current() is None
    assert not tracing.on()
    assert len(collector.spans) <= 5_000


@pytest.mark.parametrize(
    ("told", "mistake"),
    [
        ({"CALSYNC_TRACES_URL": f"http://{CANARY}/v1/traces"}, "CALSYNC_TRACES_URL"),
        ({"CALSYNC_TRACES_URL": "grpc://collector:4317"}, "CALSYNC_TRACES_URL"),
        ({"CALSYNC_TRACES_RATIO": "1.1"}, "CALSYNC_TRACES_RATIO"),
    ],
)
def test_wrong_settings_are_refused(told: dict[str, str], mistake: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        load(TracesSettings, told)

    assert [one.partition(":")[0] for one in raised.value.mistakes] == [mistake]


def test_the_defaults_are_off_and_one_in_a_hundred() -> None:
    settings = load(TracesSettings, {})

    assert (settings.url, settings.ratio) == (None, 0.01)
