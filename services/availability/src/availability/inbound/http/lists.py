"""Lists of what may be many and long: one answer is bounded, and tells where it goes on."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Protocol, TypeVar

from fastapi import Query
from starlette.responses import Response

from availability.application.bookings import PAGE, Place
from availability.inbound.http.told import written

MOST: Final = 1_000
"""No answer holds more."""
MOST_BYTES: Final = 2_000_000
"""Nor more than this, unless it is a single one: a caller who reads two megabytes has read all of it."""

After = Annotated[
    str | None,
    Query(
        description="The `next` of the answer before, with everything else as it was asked then",
        pattern=r"^[0-9]{1,12}\.[0-9A-Za-z_-]{1,64}$",
        examples=["1772460000.6f1e2d3c4b5a49788796a5b4c3d2e1f0"],
    ),
]


class Listed(Protocol):
    """One of a list."""

    @property
    def place(self) -> Place: ...


T = TypeVar("T", bound=Listed)


async def listed(
    page: Callable[[Place | None], Awaitable[Sequence[T]]], tell: Callable[[T], dict[str, Any]], after: str | None
) -> Response:
    """An answer with those after a place, as many as fit. `page` finds the next PAGE, and fewer where they end.

    No more is read than the page that holds the first one that does not fit.
    """
    items: list[bytes] = []
    size, last = 0, None if after is None else _place(after)
    while True:
        found = await page(last)
        for one in found:
            item = written(tell(one))
            size += len(item) + 1
            if items and last is not None and (len(items) == MOST or size > MOST_BYTES):
                return _answer(items, last)
            items.append(item)
            last = one.place
        if len(found) < PAGE:
            return _answer(items, None)


def _answer(items: Sequence[bytes], last: Place | None) -> Response:
    more = b"" if last is None else b',"next":' + json.dumps(f"{last[0]}.{last[1]}").encode()
    return Response(b'{"items":[' + b",".join(items) + b"]" + more + b"}", media_type="application/json")


def _place(after: str) -> Place:
    start, _, last = after.partition(".")
    return int(start), last
