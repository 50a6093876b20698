"""What the client costs others: each request that went over the wire, told once to whoever counts."""

from dataclasses import dataclass
from typing import Protocol

import aiohttp

from icloud.wire.requests import Request, RequestClass

_VERSION = len("HTTP/1.1")
_LINE = len("\r\n")
_HEADER = len(": ") + _LINE


@dataclass(frozen=True, slots=True)
class Crossing:
    """One request over the wire; a redirect and a repetition are one each.

    Bytes are those of HTTP/1.1 as it is usually written, heads included: no TLS, no chunk sizes, no gzip undone.
    """

    kind: RequestClass
    status: int | None
    """None: no connection came about, or no answer in time; of what was sent the body alone counts."""
    bytes_out: int
    bytes_in: int


class RequestCounter(Protocol):
    """Is called on the event loop after each request, whether or not it went well. Must be quick and raise nothing."""

    def __call__(self, crossing: Crossing, /) -> None: ...


def crossing(request: Request, response: aiohttp.ClientResponse | None) -> Crossing:
    """Sum up a request; what was read of the answer's body until now counts."""
    if response is None:
        return Crossing(request.kind, None, len(request.body), 0)
    asked = response.request_info
    first = len(f"{asked.method} {asked.url.raw_path_qs} ") + _VERSION + _LINE
    sent = sum(len(name) + len(value) + _HEADER for name, value in asked.headers.items())
    status = _VERSION + len(f" {response.status} {response.reason or ''}") + _LINE
    got = sum(len(name) + len(value) + _HEADER for name, value in response.raw_headers)
    return Crossing(
        request.kind,
        response.status,
        bytes_out=first + sent + _LINE + len(request.body),
        bytes_in=status + got + _LINE + response.content.total_bytes,
    )
