"""Objects of one calendar by their hrefs, batch by batch (docs/adr/0016)."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from icloud import paths
from icloud.batches import FIRST, BatchSize
from icloud.errors import NotUnderstood, TryLater
from icloud.inflate import BodyTooLarge
from icloud.transport import Answer, Budget
from icloud.values import Absence, CalendarObject, Missing
from icloud.wire import answers, requests
from icloud.wire.answers import TooManyMatches
from icloud.wire.requests import Request

_TOO_SLOW = frozenset({"timeout", "status_504"})
_PLEASE_WAIT = frozenset({"status_503", "status_504"})
_UNREADABLE = frozenset({"not_xml", "too_much_markup"})
"""What the text of one object can make of an answer."""
_BROKEN_IN_A_ROW = 3
"""So many objects that a server stumbles over alone, one after the other: it has another trouble."""
_Found = dict[str, CalendarObject | Missing]


class Asking(Protocol):
    """The way to one calendar."""

    async def __call__(self, request: Request, /) -> Answer: ...


class Multiget:
    """Fetches for one account, in batches that suit it."""

    def __init__(self, budget: Budget) -> None:
        self._most = budget.object_bytes
        self._size = BatchSize(most_bytes=budget.body_bytes)
        self._broken = 0

    async def __call__(self, ask: Asking, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        """Each href once, in order; what did not come, is too large or is never asked for, as Missing.

        What fails as one batch is asked again in smaller ones, so that an object that the server stumbles over comes to
        be alone, and is Missing. Raise what `ask` raises.
        """
        left = list(dict.fromkeys(hrefs))
        at = 0
        while batch := left[at : at + self._size.now]:
            found = await self._fetched(ask, list(filter(paths.is_askable, batch)))
            if found is None:
                continue
            at += len(batch)
            for href in batch:
                # Nothing here holds on to what was handed out.
                yield found.pop(href, Missing(href, Absence.REFUSED))

    async def _fetched(self, ask: Asking, batch: Sequence[str]) -> _Found | None:
        """What came of a batch; None where its objects are to be asked fewer at a time."""
        found = await self._asked(ask, batch) if batch else {}
        if found is None or len(batch) <= FIRST:
            return found
        unanswered = [href for href, one in found.items() if _is_unanswered(one)]
        if unanswered:
            # A server that leaves out what is too much for it must not look as if the objects were gone.
            self._size.too_many()
        for first in range(0, len(unanswered), FIRST):
            more = await self._asked(ask, unanswered[first : first + FIRST])
            if more is None:
                return None
            found |= more
        return found

    async def _asked(self, ask: Asking, batch: Sequence[str]) -> _Found | None:
        try:
            answer = await ask(requests.objects(batch))
        except (TooManyMatches, BodyTooLarge):
            self._size.too_large(len(batch))
            return {batch[0]: Missing(batch[0], Absence.TOO_LARGE)} if len(batch) == 1 else None
        except TryLater as later:
            if later.reason in _TOO_SLOW and later.after is None and self._size.too_slow(len(batch)):
                return None
            if _stumbled(later) and self._broken < _BROKEN_IN_A_ROW:
                return self._fewer(batch)
            raise
        try:
            came = answers.objects(answer.body, asked=frozenset(batch), most=self._most, base=answer.target.path)
        except NotUnderstood as error:
            if error.reason in _UNREADABLE and self._broken < _BROKEN_IN_A_ROW:
                return self._fewer(batch)
            raise
        self._broken = 0
        found = {href: came.get(href, Missing(href)) for href in batch}
        unanswered = sum(map(_is_unanswered, found.values()))
        self._size.answered(len(batch), came=len(batch) - unanswered, seconds=answer.seconds, size=len(answer.body))
        return found

    def _fewer(self, batch: Sequence[str]) -> _Found | None:
        """The server, or we over its answer, stumbles over some object of the batch."""
        if len(batch) > 1:
            self._size.broken(len(batch))
            return None
        self._broken += 1
        return {batch[0]: Missing(batch[0], Absence.UNANSWERED)}


def _stumbled(later: TryLater) -> bool:
    """Whether it is an error of the server's own that fewer objects may not meet."""
    return later.after is None and later.reason.startswith("status_5") and later.reason not in _PLEASE_WAIT


def _is_unanswered(found: CalendarObject | Missing) -> bool:
    return isinstance(found, Missing) and found.why is Absence.UNANSWERED
