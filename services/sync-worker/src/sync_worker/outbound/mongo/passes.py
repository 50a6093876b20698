"""What a pass leaves behind, in MongoDB."""

from datetime import timedelta
from typing import Final

from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.application.endings import Completed, Ending, Postponed, Stopped
from sync_worker.domain.passes import Tracked
from sync_worker.domain.rejections import Rejections
from sync_worker.outbound.mongo.collections import (
    CONNECTIONS,
    DATABASE,
    NEVER,
    NOW,
    Client,
    Document,
    later,
    literal,
)
from sync_worker.outbound.mongo.documents import home_document, milliseconds, rejections_document, tracked_document

_UNSAID: Final = "$$REMOVE"


class MongoPasses:
    """Implements `Passes`. Every write is filtered by fence and lease."""

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._connections = client[database][CONNECTIONS]

    async def remember(self, claim: Claim, calendar_id: str, tracked: Tracked) -> None:
        """Keep what is known of a calendar."""
        update = {"$set": {f"calendars.{calendar_id}": tracked_document(tracked)}}
        _held(await self._connections.update_one(fenced(claim), update))

    async def forget(self, claim: Claim, calendar_id: str) -> None:
        """Drop what is known of a calendar."""
        _held(await self._connections.update_one(fenced(claim), {"$unset": {f"calendars.{calendar_id}": ""}}))

    async def end(self, claim: Claim, ending: Ending) -> None:
        """Commit and give the lease back, in one write."""
        once = fenced(claim) | {"committed": {"$not": {"$gte": claim.fence}}}
        update = {"committed": claim.fence, "lease": _UNSAID} | _left_behind(claim, ending)
        _held(await self._connections.update_one(once, [{"$set": update}]))

    async def bury(self, claim: Claim) -> None:
        """Leave id and epoch, nothing else."""
        gravestone = {"epoch": claim.epoch, "state": State.GONE.value, "next_sync_at": NEVER}
        _held(await self._connections.replace_one(fenced(claim) | {"state": State.ERASING.value}, gravestone))


def fenced(claim: Claim) -> Document:
    """The claim's connection, for as long as its lease has not been taken over or given back."""
    return {"_id": claim.connection_id, "fence": claim.fence, "lease.token": claim.lease.token}


def _held(result: object) -> None:
    if not getattr(result, "matched_count", 0):
        raise LeaseLost


def _left_behind(claim: Claim, ending: Ending) -> Document:
    match ending:
        case Completed(as_of=as_of, again_in=again_in, home=home):
            return {
                "as_of": literal(as_of),
                "home": literal(home_document(home)),
                "passes": {"$add": [{"$ifNull": ["$passes", 0]}, 1]},
                "failures": 0,
                "rejections": _UNSAID,
                "unpublished": _UNSAID,
                "throttled_until": _UNSAID,
                "next_sync_at": _unless_woken(claim, later(milliseconds(again_in))),
            }
        case Postponed(again_in=again_in, failures=failures, asked=asked, rejections=rejections):
            return {
                "failures": failures,
                "next_sync_at": _unless_woken(claim, later(milliseconds(again_in))),
                **(_asked(again_in, asked) if asked else {}),
                **(_rejected(claim, rejections) if rejections else {}),
            }
        case Stopped(rejections=rejections):
            return {
                **_rejected(claim, rejections),
                "stopped_at": {"$cond": [_same_epoch(claim), NOW, _UNSAID]},
                "next_sync_at": _unless_woken(claim, literal(NEVER)),
            }


def _asked(again_in: timedelta, asked: timedelta) -> Document:
    """Apple's wish stands above everybody's wakes. Erasing asks nothing of Apple and need not wait."""
    erasing = {"$eq": ["$state", State.ERASING.value]}
    return {
        "throttled_until": later(milliseconds(asked)),
        "next_sync_at": {"$cond": [erasing, NOW, later(milliseconds(max(again_in, asked)))]},
    }


def _rejected(claim: Claim, rejections: Rejections) -> Document:
    """A reconnect meanwhile has brought another credential, which nobody has refused."""
    counted = literal(rejections_document(rejections))
    return {"rejections": {"$cond": [_same_epoch(claim), counted, "$rejections"]}}


def _same_epoch(claim: Claim) -> Document:
    return {"$eq": ["$epoch", claim.epoch]}


def _unless_woken(claim: Claim, moment: Document) -> Document:
    """Somebody who asked while the pass ran is not to wait for the next one's usual time."""
    return {"$cond": [{"$eq": ["$wakes", claim.wakes]}, moment, NOW]}
