"""How what a question about busy time finds is read: at once, or in pieces where it is far more than anybody looks at.

A repeated event may have thousands of occurrences on one sheet, and a user may have hundreds of such events: then no
more of it is kept than the time that they take together within the window.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from availability.domain.intervals import Span, Window, merged
from availability.outbound.mongo.documents import Document, packed, unpacked
from availability.outbound.mongo.indexes import QUESTIONS
from availability.outbound.mongo.questions import heaps, projection

ONE_BATCH: Final = 1_000_000
"""More documents than a user's quarter of a year holds: the answer comes in one piece (up to 16 MB of it)."""
_TOO_LARGE: Final = frozenset({146, 10334, 13548})
"""ExceededMemoryLimit, BSONObjectTooLarge, and what a buffer that cannot grow says: a heap is more than a document."""
_LARGE: Final = 256 * 1024
"""Bytes of a heap, 16,000 spans: the fullest of ordinary calendars has some thousands in a quarter of a year."""
_PIECE: Final = 16 * 1024
"""Spans that are looked at in one go: the loop waits for some milliseconds at most."""


def read(
    timeline: Collection[Document], asked: Document, window: Window, session: ClientSession | None = None
) -> list[Document]:
    """The heaps that a question finds, for a thread. Of large ones nothing is left but the time taken in the window."""
    try:
        found = timeline.aggregate(heaps(asked, window), hint=QUESTIONS, batchSize=ONE_BATCH, session=session)
        return [_condensed(heap, window) for heap in found]
    except OperationFailure as error:
        if error.code not in _TOO_LARGE:
            raise
    # One by one each of them fits.
    every = timeline.find(asked, projection(window), hint=QUESTIONS, batch_size=ONE_BATCH, session=session)
    return list(_heaped(every, window))


class TimeTaken:
    """The time within a window that spans take together; they come packed. Those that reach over its edge are whole."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._sheets: list[bytes] = []
        self._bytes = 0
        self._spans: list[Span] = []
        self._most = _PIECE

    def add(self, sheet: bytes) -> None:
        """Spans as they lie on a sheet."""
        self._sheets.append(sheet)
        self._bytes += len(sheet)
        if self._bytes > _LARGE:
            self._take()

    def spans(self) -> tuple[Span, ...]:
        """Merged and sorted."""
        self._take()
        return merged(self._spans)

    def _take(self) -> None:
        first, last = self._window.start, self._window.end
        self._spans += [(start, end) for start, end in unpacked(self._sheets) if start < last and end > first]
        self._sheets, self._bytes = [], 0
        if len(self._spans) > self._most:
            self._spans = [*merged(self._spans)]
            # Where little can be merged: so that all is not sorted with each piece that comes.
            self._most = max(_PIECE, 2 * len(self._spans))


def _condensed(heap: Document, window: Window) -> Document:
    alike, *sheets = heap.values()
    # Put together here, where that is to be done anyway, to see how much it is: to count sheet by sheet costs as much.
    everything = b"".join(chain.from_iterable(sheets))
    if len(everything) <= _LARGE:
        return {"_id": alike, "sheet": [everything]}
    taken = TimeTaken(window)
    for sheet in chain.from_iterable(sheets):
        taken.add(sheet)
    return _heap(alike, taken)


def _heaped(documents: Iterable[Mapping[str, Any]], window: Window) -> Iterator[Document]:
    """The same heaps, of documents that come one by one."""
    together: dict[tuple[str, ...], tuple[Document, TimeTaken]] = {}
    for document in documents:
        said = {name: value for name, value in document.items() if name != "groups"}
        if document["kind"] != "event":
            yield {"_id": said}
            continue
        for group in document["groups"]:
            facts = group.get("facts", [])
            key = (document["user_id"], document["calendar_id"], *facts)
            _, taken = together.setdefault(key, ({**said, "facts": facts}, TimeTaken(window)))
            for sheet in group["spans"].values():
                taken.add(sheet)
    for alike, taken in together.values():
        yield _heap(alike, taken)


def _heap(alike: Document, taken: TimeTaken) -> Document:
    return {"_id": alike, "sheet": [packed(taken.spans())]}
