"""One request and one answer, as values. No server in here."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

from icloud_simulator import xml_print
from icloud_simulator.faults import ActiveFaults
from icloud_simulator.properties import Looks
from icloud_simulator.state import Account, Mount
from icloud_simulator.world import World
from icloud_simulator.xml_print import Item

XML = ("content-type", xml_print.CONTENT_TYPE)
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What came in. `path` is as it came over the wire, without query; header names are lower case."""

    method: str
    path: str
    host: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer travels. `cut`: the connection ends in the middle; `reset`: there is no answer at all."""

    delay: float = 0.0
    reset: bool = False
    cut: bool = False
    bytes_per_second: int | None = None


@dataclass(slots=True)
class Answer:
    """What goes out. `items` are the responses of a multistatus, as long as they can still be told apart."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    items: tuple[Item, ...] | None = None
    token: str | None = None
    delivery: Delivery = field(default_factory=Delivery)
    fault: str | None = None
    _gzipped: bytes | None = field(default=None, init=False)

    def gzipped(self) -> bytes:
        """Return the body compressed; done once for an answer that is given many times."""
        if self._gzipped is None:
            self._gzipped = gzip.compress(self.body, compresslevel=4, mtime=0)
        return self._gzipped


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is let in."""

    world: World
    account: Account
    request: Request
    faults: ActiveFaults

    @property
    def base(self) -> str:
        return self.world.partition_base(self.account)

    def looks(self, *mounts: Mount) -> Looks:
        """Return how listings of these collections look: as late as the faults make them."""
        knobs = self.faults.knobs
        visible = {mount.collection.cid: self.listed(mount) for mount in mounts} if knobs.listing_lag_seconds else {}
        return Looks(
            self.account,
            self.base,
            visible,
            subscribed_as_calendar=knobs.subscribed_as_calendar,
            with_ctag=not knobs.missing_ctag,
        )

    def listed(self, mount: Mount) -> int:
        """Return the revision that listings show."""
        return self._seen(mount, self.faults.knobs.listing_lag_seconds)

    def readable(self, mount: Mount) -> int:
        """Return the revision that reads of objects show."""
        return self._seen(mount, self.faults.knobs.object_lag_seconds)

    def _seen(self, mount: Mount, lag: float) -> int:
        collection = mount.collection
        return collection.revision_at(self.world.clock.now() - lag) if lag else collection.revision


def multistatus(items: tuple[Item, ...], *, token: str | None = None) -> Answer:
    """Answer 207."""
    body = xml_print.multistatus(map(xml_print.response, items), token=token)
    return Answer(207, body, (XML,), items, token)


def empty(status: int, *headers: tuple[str, str]) -> Answer:
    """Answer without a body."""
    return Answer(status, b"", headers)


def page(status: int, title: str) -> Answer:
    """Answer with the kind of HTML that Apple's edge shows."""
    body = (
        f"<html>\n<head><title>{status} {title}</title></head>\n<body>\n<center><h1>{status} {title}</h1></center>\n"
        "<hr><center>AppleHttpServer/0123456789ab</center>\n</body>\n</html>\n"
    )
    return Answer(status, body.encode(), (("content-type", "text/html"),))


def refusal(status: int, precondition: str | None, *headers: tuple[str, str]) -> Answer:
    """Answer with a DAV:error body, or without one when there is no precondition to name."""
    if precondition is None:
        return page(400, "Bad Request") if status == 400 else empty(status, *headers)  # noqa: PLR2004 - the status itself
    return Answer(status, xml_print.error(precondition), (XML, *headers))
