"""Which piece of work led to which, across processes. Off unless told where traces go (docs/tracing.md).

A trace begins where somebody asks for something (a request) or where we look by ourselves (a pass): there it is drawn
whether it is told at all. Everything else only goes on with what it was handed, as the text of a W3C `traceparent`. So
what was not drawn, or is off, costs nothing anywhere: no span, no header, no stored field.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from structlog.contextvars import bind_contextvars, reset_contextvars

from runtime.settings import TracesSettings

if TYPE_CHECKING:
    from runtime.spans import Spans, TracedSpan

FIELD: Final = "trace"
"""Where a document keeps the trace of its newest change."""
_STOP_SECONDS: Final = 3.0
"""For what is left to be sent; a collector that does not answer holds up nobody's end."""

_at_hand: ContextVar[str | None] = ContextVar("trace", default=None)
_spans: "Spans | None" = None


class Kind(Enum):
    """What a piece of work is to the others of its trace, in OpenTelemetry's words."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


class Span(Protocol):
    """A piece of work under way."""

    @property
    def trace(self) -> str | None:
        """What others go on with; None where nothing is told."""

    def rename(self, name: str, /) -> None:
        """Call it otherwise, now that it is known what it is."""

    def tell(self, **facts: str | int) -> None:
        """Say something about it. What `runtime.spans` does not allow stays in the process."""


def on() -> bool:
    """Whether anything is told at all."""
    return _spans is not None


def current() -> str | None:
    """The trace of what is being done here; None where there is none to be told."""
    return _at_hand.get()


def noted() -> Mapping[str, str]:
    """What a document keeps of the present trace: one field, or none."""
    trace = _at_hand.get()
    return {} if trace is None else {FIELD: trace}


def begin(name: str, kind: Kind, *, parent: str | None = None) -> AbstractContextManager[Span]:
    """Go on with `parent`, or else begin a trace, if one is drawn. What happens within belongs to it."""
    span = None if _spans is None else _spans.begin(name, kind, parent)
    return _NOTHING if span is None else _Present(span)


def beside(name: str, kind: Kind, parent: str) -> AbstractContextManager[Span]:
    """Go on with `parent` while other things are done that do not belong to it."""
    span = None if _spans is None else _spans.begin(name, kind, parent)
    return _NOTHING if span is None else _Piece(span)


def following(trace: str | None) -> AbstractContextManager[object]:
    """What happens within belongs to `trace`, of which somebody else tells the span."""
    return _NOTHING if trace is None or _spans is None else _Within(trace)


def took(name: str, kind: Kind, seconds: float, **facts: str | int) -> None:
    """Something has just been done within the present trace, and took so long."""
    trace = _at_hand.get()
    if trace is not None and _spans is not None and (span := _spans.begin(name, kind, trace, ago=seconds)):
        span.tell(**facts)
        span.end()


class Traces:
    """For as long as it is entered, and if the settings say so, traces are told; one at a time in a process."""

    def __init__(self, settings: TracesSettings, service: str) -> None:
        self._settings = settings
        self._service = service

    async def __aenter__(self) -> Self:
        """Return at once; the collector need not be there, now or later."""
        global _spans  # noqa: PLW0603 - as with logs and metrics, a process has one of it
        if self._settings.url is not None:
            # Imported only where it is wanted: it takes a tenth of a second and some megabytes.
            from runtime.spans import Spans  # noqa: PLC0415

            _spans = Spans(self._settings.url, self._settings.ratio, self._service)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Send what is left, within three seconds."""
        global _spans
        spans, _spans = _spans, None
        if spans is not None:
            last = threading.Thread(target=spans.close, name="last spans", daemon=True)
            last.start()
            await asyncio.to_thread(last.join, _STOP_SECONDS)


class _Within:
    """Makes a trace the present one, for logs as well."""

    def __init__(self, trace: str) -> None:
        self._trace = trace
        self._before: Token[str | None] | None = None
        self._logs: Mapping[str, Token[Any]] = {}

    def __enter__(self) -> object:
        self._before = _at_hand.set(self._trace)
        self._logs = bind_contextvars(trace_id=self._trace.split("-")[1])
        return self

    def __exit__(self, *_: object) -> None:
        reset_contextvars(**self._logs)
        if self._before is not None:
            _at_hand.reset(self._before)


class _Piece:
    """One span."""

    def __init__(self, span: "TracedSpan") -> None:
        self._span = span

    def __enter__(self) -> Span:
        return self._span

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        # An error is not named: its message may quote anything.
        self._span.end("failed" if isinstance(error, Exception) else "cancelled" if error else None)


class _Present(_Piece):
    """The present one, for as long as it lasts."""

    def __init__(self, span: "TracedSpan") -> None:
        super().__init__(span)
        self._within = _Within(span.trace)

    def __enter__(self) -> Span:
        self._within.__enter__()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._within.__exit__()
        super().__exit__(kind, error, at)


class _Nothing:
    """Stands for every span that is not told."""

    trace = None

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has begun."""

    def rename(self, _: str, /) -> None:
        """Nobody hears it."""

    def tell(self, **_: str | int) -> None:
        """Nobody hears it."""


_NOTHING: Final = _Nothing()
