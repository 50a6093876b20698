"""What a listing of a calendar says about the objects we know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync_worker.domain.values import Span

# The server decides with its own zone for floating and all-day times, and without travel time: what lies this near
# to the edge of a listing's window may be missing from it though it exists.
EDGE = 86_400


@dataclass(frozen=True, slots=True)
class Known:
    """An object as last read. `expected`: the listing must name it if it still exists (see `expected_in`)."""

    etag: str
    expected: bool = True


@dataclass(frozen=True, slots=True)
class Diff:
    """Hrefs: to be read (again), in the listing's order; and no longer there, sorted."""

    added_or_changed: tuple[str, ...]
    removed: tuple[str, ...]


def changes(known: Mapping[str, Known], listed: Mapping[str, str]) -> Diff:
    """Compare what is known with a complete listing of hrefs and ETags.

    A listing that is limited to a window proves nothing of objects outside: what is not expected is never removed.
    What is listed without an ETag may always have changed.
    """
    return Diff(
        added_or_changed=tuple(
            href for href, etag in listed.items() if not etag or href not in known or known[href].etag != etag
        ),
        removed=tuple(sorted(href for href, one in known.items() if one.expected and href not in listed)),
    )


def expected_in(window: Span, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a listing limited to `window` must name an object with these occurrences: one lies safely inside."""
    if window.end - window.start <= 2 * EDGE:
        return False
    inner = Span(window.start + EDGE, window.end - EDGE)
    return any(inner.touches(start, end) for start, end in spans)
