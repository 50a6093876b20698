"""What leaves the process as spans, by OpenTelemetry's SDK. Imported only while traces are told (`runtime.tracing`)."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from typing import Final

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBasedTraceIdRatio, TraceIdRatioBased

from contracts.topics import TOPICS
from runtime.tracing import Kind

_QUEUE: Final = 2_048
"""Spans that wait, some 5 MB; past it the oldest are dropped."""
_TOGETHER: Final = 512
_EVERY_MS: Final = 2_000
_PATIENCE_SECONDS: Final = 5.0
_NANOSECONDS: Final = 1_000_000_000
_PARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)

_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "other")
_ROUTE: Final = r"none|(?:/(?:v\d+|[A-Za-z_.-]+|\{[a-z_]+\})?)+"
"""Patterns of routes: ids and names stand in braces. What holds a digit, an @ or a % is none."""
_EVENTS: Final = frozenset({*(event.__name__ for topic in TOPICS for event in topic.events), "Tombstone"})
_REQUESTS: Final = frozenset({"entry", "home", "report", "write"})
_RESULTS: Final = frozenset(
    {"done", "failed", "cancelled", "broken", "lease_lost", "none", *(f"{family}xx" for family in range(1, 6))}
)
_WRONG: Final = frozenset({"failed", "cancelled", "broken", "lease_lost", "none", "5xx"})
_OUR_FAULT: Final = range(500, 600)
_NAMES: Final = re.compile(
    rf"pass|(?:{'|'.join(sorted(_EVENTS))})|icloud (?:{'|'.join(sorted(_REQUESTS))})"
    rf"|(?:{'|'.join(_METHODS)}) (?:{_ROUTE})",
    re.ASCII,
)
_NAMELESS: Final = "unnamed"


def _one_of(*values: str) -> Callable[[str | int], bool]:
    allowed = frozenset(values)
    return lambda value: value in allowed


def _number(value: str | int) -> bool:
    return type(value) is int


_FACTS: Final[Mapping[str, tuple[str, Callable[[str | int], bool]]]] = {
    "method": ("http.request.method", _one_of(*_METHODS)),
    "route": ("http.route", lambda value: isinstance(value, str) and bool(re.fullmatch(_ROUTE, value, re.ASCII))),
    "status": ("http.response.status_code", _number),
    "topic": ("messaging.destination.name", _one_of(*(topic.name for topic in TOPICS))),
    "event": ("cloudevents.event_type", _one_of(*_EVENTS)),
    "count": ("messaging.batch.message_count", _number),
    "kind": ("calsync.kind", _one_of("erasure", "import", "look")),
    "result": ("calsync.result", _one_of(*_RESULTS)),
}
"""All that a span may say: the word in our code, the attribute, and the values it may have. No id, nothing that a
person, a server or an error has said."""
_ATTRIBUTES: Final = dict(_FACTS.values())


class Spans:
    """Draws, gathers and sends spans. A collector that is slow or away costs the spans that do not fit any more."""

    def __init__(self, url: str, ratio: float, service: str) -> None:
        # One line for each batch that is lost, none for each try.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        exporter = OTLPSpanExporter(url, timeout=_PATIENCE_SECONDS, compression=Compression.GZIP)
        self._processor = BatchSpanProcessor(
            Cleared(exporter), max_queue_size=_QUEUE, schedule_delay_millis=_EVERY_MS, max_export_batch_size=_TOGETHER
        )
        # It is nobody's global provider: what libraries would tell of themselves holds paths and messages of errors.
        self._draw = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(ratio),
            resource=Resource({"service.name": service}),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attributes=len(_FACTS), max_events=0, max_links=0),
        )
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("calsync")

    def begin(self, name: str, kind: Kind, parent: str | None, *, ago: float = 0.0) -> "TracedSpan | None":
        """A span that goes on with `parent`, or begins a trace where that is None or none; None where it is not drawn.

        It began so many seconds ago. Whether a request is told is never its caller's choice alone: it is drawn here
        too, by the trace's id, so that all our services draw alike.
        """
        context = _context(parent)
        if kind is Kind.SERVER and context and not self._is_drawn(context):
            return None
        span = self._tracer.start_span(
            name,
            context,
            api.SpanKind[kind.name],
            start_time=time_ns() - round(ago * _NANOSECONDS),
            record_exception=False,
            set_status_on_exception=False,
        )
        return TracedSpan(span) if span.is_recording() else None

    def _is_drawn(self, context: Context) -> bool:
        trace_id = api.get_current_span(context).get_span_context().trace_id
        return self._draw.should_sample(None, trace_id, "").decision is Decision.RECORD_AND_SAMPLE

    def close(self) -> None:
        """Send what waits; may take as long as the collector does."""
        self._provider.shutdown()


class TracedSpan:
    """A span that is told."""

    def __init__(self, span: api.Span) -> None:
        self._span = span

    @property
    def trace(self) -> str:
        """As the header `traceparent` has it; what is told is sampled."""
        at = self._span.get_span_context()
        return f"00-{at.trace_id:032x}-{at.span_id:016x}-01"

    def rename(self, name: str, /) -> None:
        """Call it otherwise."""
        self._span.update_name(name)

    def tell(self, **facts: str | int) -> None:
        """Keep what is allowed."""
        for word, value in facts.items():
            attribute, allowed = _FACTS.get(word, ("", _one_of()))
            if allowed(value):
                self._span.set_attribute(attribute, value)
        if facts.get("result") in _WRONG or facts.get("status") in _OUR_FAULT:
            self._span.set_status(api.StatusCode.ERROR)

    def end(self, result: str | None = None) -> None:
        """It is over; `result` where it went wrong."""
        if result is not None:
            self.tell(result=result)
        self._span.end()


class Cleared(SpanExporter):
    """Hands on what is allowed, and nothing else, whoever has written what into a span."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them. It never raises."""
        return self._exporter.export([_cleared(span) for span in spans])

    def shutdown(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()


def _cleared(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        span.name if _NAMES.fullmatch(span.name) else _NAMELESS,
        context=_bare(span.context),
        parent=_bare(span.parent),
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if _is_allowed(name, value)},
        kind=span.kind,
        status=api.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _is_allowed(name: str, value: object) -> bool:
    allowed = _ATTRIBUTES.get(name)
    return allowed is not None and isinstance(value, str | int) and allowed(value)


def _bare(at: api.SpanContext | None) -> api.SpanContext | None:
    """Without what a caller may have written into its trace state."""
    return None if at is None else api.SpanContext(at.trace_id, at.span_id, at.is_remote, at.trace_flags)


def _context(parent: str | None) -> Context:
    found = _PARENT.fullmatch(parent) if parent else None
    if found is None:
        return Context()
    flags = api.TraceFlags(int(found[3], 16) & api.TraceFlags.SAMPLED)
    at = api.SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)
    return api.set_span_in_context(api.NonRecordingSpan(at), Context())
