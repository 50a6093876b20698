"""What was asked and answered: counts, bytes, causes. Never a password, a body or a header."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

# Some 20 MB at the very most, whatever clients send.
_ENTRIES_KEPT = 20_000
_LONGEST_PATH, _LONGEST_HOST = 500, 100
_METHODS = frozenset(
    "COPY DELETE GET HEAD MKCALENDAR MKCOL MOVE OPTIONS POST PROPFIND PROPPATCH PUT REPORT".split()  # noqa: SIM905 - one line
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `account` is the Apple ID that was tried, if there is such an account; `kind` the report's name.

    Long paths and hosts are cut, strange methods are OTHER.
    """

    number: int
    at: float
    account: str | None
    host: str
    method: str
    kind: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int
    fault: str | None


@dataclass(slots=True)
class Total:
    """Sums over requests."""

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def add(self, entry: Entry) -> None:
        """Count one more."""
        self.requests += 1
        self.bytes_in += entry.bytes_in
        self.bytes_out += entry.bytes_out


@dataclass(slots=True)
class RequestLog:
    """The newest requests, and sums over all of them. Lives in memory: a restart forgets it."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=_ENTRIES_KEPT))
    number: int = 0
    totals: dict[tuple[str | None, str, int], Total] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take in a request."""
        entry = _bounded(entry)
        self.number = entry.number
        self.entries.append(entry)
        self.totals.setdefault((entry.account, entry.kind or entry.method, entry.status), Total()).add(entry)

    def since(self, number: int, account: str | None) -> Iterator[Entry]:
        """Yield kept requests after a number, of one account or of all, oldest first."""
        first = self.entries[0].number if self.entries else 0
        later = islice(self.entries, max(0, number + 1 - first), None)
        return (entry for entry in later if account is None or entry.account == account)

    def clear(self) -> None:
        """Forget requests and sums; numbers go on."""
        self.entries.clear()
        self.totals.clear()


def _bounded(entry: Entry) -> Entry:
    if len(entry.path) <= _LONGEST_PATH and len(entry.host) <= _LONGEST_HOST and entry.method in _METHODS:
        return entry
    method = entry.method if entry.method in _METHODS else "OTHER"
    return replace(entry, path=entry.path[:_LONGEST_PATH], host=entry.host[:_LONGEST_HOST], method=method)
