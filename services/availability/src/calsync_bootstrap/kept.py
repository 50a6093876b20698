"""A timeline as it is kept in MongoDB, read document by document."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.read_concern import ReadConcern

from availability.domain.changes import Finality
from availability.outbound.mongo import COLLECTION
from availability.outbound.mongo.documents import Document
from calsync_bootstrap.comparison import CONNECTION, DOUBTS, EVENT

_PAGE: Final = 1_000
"""Documents read at a time: a client of ours bounds every operation, so no cursor may live for as long as all takes."""
_ASKED: Final[Document] = {
    "kind": {"$in": [EVENT, CONNECTION, *DOUBTS]},
    # A connection has none.
    "finality": {"$in": [Finality.ALIVE.value, None]},
}

Pair = tuple[Document | None, Document | None]


class Kept:
    """`timeline`, without what is gone."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str) -> None:
        self._timeline = client[database].get_collection(COLLECTION, read_concern=ReadConcern("majority"))

    async def all(self) -> AsyncIterator[Document]:
        """Every document, in the order of their ids."""
        after: dict[str, Any] = {}
        while page := await self._timeline.find(_ASKED | after).sort("_id", 1).limit(_PAGE).to_list(None):
            for document in page:
                yield document
            after = {"_id": {"$gt": page[-1]["_id"]}}

    async def some(self, ids: Sequence[str]) -> Mapping[str, Document]:
        """Those of these ids that are there."""
        there: dict[str, Document] = {}
        for first in range(0, len(ids), _PAGE):
            asked = _ASKED | {"_id": {"$in": [*ids[first : first + _PAGE]]}}
            there |= {document["_id"]: document async for document in self._timeline.find(asked)}
        return there


async def side_by_side(live: Kept, rebuilt: Kept) -> AsyncIterator[Pair]:
    """Both timelines at once, by id; None where one of them has nothing."""
    lefts, rights = live.all(), rebuilt.all()
    left, right = await anext(lefts, None), await anext(rights, None)
    while left is not None or right is not None:
        first = min(one["_id"] for one in (left, right) if one is not None)
        here = left if left is not None and left["_id"] == first else None
        there = right if right is not None and right["_id"] == first else None
        yield here, there
        left = left if here is None else await anext(lefts, None)
        right = right if there is None else await anext(rights, None)
