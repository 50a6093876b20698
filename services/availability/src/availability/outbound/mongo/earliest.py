"""Of many occurrences those that begin first: a user may have a million, and an explanation tells a thousand."""

from collections.abc import Iterable, Iterator
from typing import Final

from availability.domain.busy import KnownEvent
from availability.domain.intervals import Span
from availability.domain.why import MOST

_KEPT: Final = MOST + 1
"""One more than is told, to tell that there are more."""
_AT_ONCE: Final = 8 * _KEPT


class Earliest:
    """Keeps the _KEPT of all spans that come first, and of each event one at least: it is known to be there."""

    def __init__(self) -> None:
        self._events: dict[KnownEvent, set[Span]] = {}
        self._last: Span | None = None
        self._count = 0
        self._most = _AT_ONCE

    def add(self, event: KnownEvent, spans: Iterable[Span]) -> None:
        """Several times for one event, if need be."""
        kept = self._events.setdefault(event, set())
        self._count -= len(kept)
        kept.update(spans)
        self._cut(kept)
        self._count += len(kept)
        if self._count > self._most:
            self._cut_all()

    def __iter__(self) -> Iterator[tuple[KnownEvent, list[Span]]]:
        """Each event with its spans, sorted."""
        self._cut_all()
        return ((event, sorted(spans)) for event, spans in self._events.items() if spans)

    def _cut_all(self) -> None:
        everything = sorted(span for spans in self._events.values() for span in spans)
        self._last = everything[:_KEPT][-1] if everything else None
        for spans in self._events.values():
            self._cut(spans)
        self._count = sum(map(len, self._events.values()))
        # Where there are many events, each with one: so that all are not looked at with each that comes.
        self._most = max(_AT_ONCE, 2 * self._count)

    def _cut(self, spans: set[Span]) -> None:
        if self._last is None or not spans:
            return
        last, first = self._last, min(spans)
        spans.intersection_update([span for span in spans if span <= last] or [first])
