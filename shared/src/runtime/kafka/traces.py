"""Traces across Kafka: the header of a record, and the spans of those who write and read it.

One span for all records of a batch that have trace and type in common: ten thousand imported events are fifty spans.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

from contracts.wire import TRACEPARENT, Header, WireRecord
from runtime import tracing
from runtime.kafka.delivery import Delivery
from runtime.tracing import Kind, Span

TRACE_BYTES: Final = 80
"""What the header adds to a record, at most: no record is too large for being traced."""
_SAMPLED: Final = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
_TYPE: Final = re.compile(rb".*\.([A-Za-z]+)\.v\d+")


def carried(headers: Iterable[Header]) -> str | None:
    """The trace that a record belongs to; None where nothing is told."""
    if not tracing.on():
        return None
    said = next((content for name, content in headers if name == TRACEPARENT), b"")
    return said.decode() if _SAMPLED.fullmatch(said or b"") else None


def with_trace(record: WireRecord, trace: str | None) -> WireRecord:
    """The record as part of `trace`."""
    if trace is None or not tracing.on():
        return record
    others = tuple(header for header in record.headers if header[0] != TRACEPARENT)
    return replace(record, headers=(*others, (TRACEPARENT, trace.encode())))


@contextmanager
def publishing(records: Sequence[WireRecord]) -> Iterator[Sequence[WireRecord]]:
    """Spans for as long as it takes to publish, with which the records go on.

    A record's span goes on with its own trace if it has one, or else with the present one.
    """
    if not tracing.on():
        yield records
        return
    with ExitStack() as stack:
        batches: dict[tuple[str, str, str], list[int]] = {}
        for place, record in enumerate(records):
            if trace := carried(record.headers) or tracing.current():
                batches.setdefault((trace, record.topic, _type(record)), []).append(place)
        out = list(records)
        for (trace, topic, event), places in batches.items():
            span = _batch(stack, Kind.PRODUCER, trace, (topic, event, len(places)))
            for place in places:
                out[place] = with_trace(out[place], span.trace)
        yield out


@contextmanager
def consuming(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    """Spans for as long as the deliveries are in hand, which then go on with them."""
    if not tracing.on():
        yield deliveries
        return
    with ExitStack() as stack:
        batches: dict[tuple[str, str, str], list[int]] = {}
        for place, one in enumerate(deliveries):
            if one.trace:
                batches.setdefault((one.trace, one.topic, type(one.event).__name__), []).append(place)
        out = list(deliveries)
        for (trace, topic, event), places in batches.items():
            span = _batch(stack, Kind.CONSUMER, trace, (topic, event, len(places)))
            for place in places:
                out[place] = replace(out[place], trace=span.trace)
        yield out


def _batch(stack: ExitStack, kind: Kind, trace: str, what: tuple[str, str, int]) -> Span:
    topic, event, count = what
    span = stack.enter_context(tracing.beside(event, kind, trace))
    span.tell(topic=topic, event=event, count=count)
    return span


def _type(record: WireRecord) -> str:
    said = next((content for name, content in record.headers if name == "ce_type"), b"")
    found = _TYPE.fullmatch(said)
    return found[1].decode() if found else ""
