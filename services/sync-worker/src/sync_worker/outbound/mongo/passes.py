"""What a pass leaves behind, in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, WriteError

from runtime import tracing
from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.application.endings import Completed, Ending, Outlook, Postponed, Stopped
from sync_worker.domain.allowance import PER_ACCOUNT_PER_MINUTE
from sync_worker.domain.holds import Wish
from sync_worker.domain.home_calendars import HomeTold
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.tracked import Tracked
from sync_worker.outbound.mongo.buckets import of_account
from sync_worker.outbound.mongo.collections import (
    CONNECTIONS,
    DATABASE,
    NEVER,
    NOW,
    Client,
    Document,
    bucket_of,
    later,
    literal,
)
from sync_worker.outbound.mongo.documents import (
    home_told_document,
    milliseconds,
    rejections_document,
    tracked_document,
)
from sync_worker.outbound.together import Together

_UNSAID: Final = "$$REMOVE"
_GATHERED_SECONDS: Final = 0.05
"""What a pass has found is on Kafka by then; it may as well give its place back so much later."""
_MOST: Final = 100
_End = tuple[Claim, Ending]
_PLAIN_HOME: Final = "home"
"""What older versions kept in clear. It is found anew, and sealed (docs/adr/0023)."""
_SIXTEENTHS: Final = "0123456789abcdef"


class MongoPasses:
    """Implements `Passes`. Every write is filtered by fence and lease."""

    def __init__(self, client: Client, database: str = DATABASE, *, per_minute: int = PER_ACCOUNT_PER_MINUTE) -> None:
        """`per_minute` is the budget of one account's requests."""
        self._connections = client[database][CONNECTIONS]
        self._bucket = of_account(per_minute)
        self._numbers = count(1)
        self._end = Together(self._ended, seconds=_GATHERED_SECONDS, most=_MOST)

    async def remember(self, claim: Claim, calendar_id: str, tracked: Tracked) -> None:
        """Keep what is known of a calendar."""
        update = {"$set": {f"calendars.{calendar_id}": tracked_document(tracked)}}
        _held(await self._connections.update_one(fenced(claim), update))

    async def forget(self, claim: Claim, calendar_id: str) -> None:
        """Drop what is known of a calendar."""
        _held(await self._connections.update_one(fenced(claim), {"$unset": {f"calendars.{calendar_id}": ""}}))

    async def heard(self, claim: Claim, wishes: Mapping[str, Wish]) -> None:
        """Drop these wishes, unless others have come in their place."""
        update = {
            f"wishes.{one}": {"$cond": [{"$eq": [f"$wishes.{one}", wish.value]}, _UNSAID, f"$wishes.{one}"]}
            for one, wish in wishes.items()
        }
        _held(await self._connections.update_one(fenced(claim), [{"$set": update}]))

    async def told(self, claim: Claim, told: HomeTold) -> None:
        """Keep what others know of the home."""
        _held(await self._connections.update_one(fenced(claim), {"$set": {"home_told": home_told_document(told)}}))

    async def end(self, claim: Claim, ending: Ending) -> None:
        """Commit and give the lease back, in one write. Passes that end at the same time are written together."""
        claim.lease.on_its_way_back = True
        if not await self._end((claim, ending)):
            raise LeaseLost

    async def _ended(self, ends: Sequence[_End]) -> Sequence[bool | Exception]:
        """Whether each was committed."""
        numbered = {next(self._numbers): end for end in ends}
        writes = [self._ending(number, *end) for number, end in numbered.items()]
        failed: dict[int, Exception] = {}
        try:
            done = await self._connections.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            failed = _failed(error)
        else:
            if done.matched_count == len(writes):
                return [True] * len(writes)
        return await self._committed(numbered, failed)

    def _ending(self, number: int, claim: Claim, ending: Ending) -> UpdateOne:
        once = fenced(claim) | {"committed": {"$not": {"$gte": claim.fence}}}
        update = {"committed": claim.fence, "ending": number, "lease": _UNSAID, _PLAIN_HOME: _UNSAID}
        update |= _left_behind(claim, ending)
        if claim.allowance.owed:
            update |= self._bucket.less(claim.allowance.owed)
        if claim.trail.trace is not None:
            update |= _served(claim.trail.trace)
        return UpdateOne(once, [{"$set": update}])

    async def _committed(
        self, numbered: Mapping[int, _End], failed: Mapping[int, Exception]
    ) -> Sequence[bool | Exception]:
        """Ask which were: a fence belongs to one worker, and among its endings to the one with the number."""
        ids = list({claim.connection_id for claim, _ in numbered.values()})
        found = self._connections.find({"_id": {"$in": ids}}, {"committed": True, "ending": True})
        kept = {one["_id"]: (one.get("committed"), one.get("ending")) for one in await found.to_list(None)}
        return [
            failed.get(n) or kept.get(claim.connection_id) == (claim.fence, number)
            for n, (number, (claim, _)) in enumerate(numbered.items())
        ]

    async def bury(self, claim: Claim) -> None:
        """Leave id and epoch, nothing else."""
        gravestone = {"epoch": claim.epoch, "state": State.GONE.value, "next_sync_at": NEVER}
        _held(await self._connections.replace_one(fenced(claim) | {"state": State.ERASING.value}, gravestone))


async def forget_plain_homes(client: Client, database: str = DATABASE) -> None:
    """Of every connection that nobody has leased: of the others the end of the pass takes it away.

    There is no index for it, so that it goes by sixteenths of the ids: no question may take long.
    """
    connections = client[database][CONNECTIONS]
    for first, last in zip(_SIXTEENTHS, (*_SIXTEENTHS[1:], "g"), strict=True):
        free = {"_id": {"$gte": first, "$lt": last}, _PLAIN_HOME: {"$exists": True}, "lease": {"$exists": False}}
        await connections.update_many(free, {"$unset": {_PLAIN_HOME: ""}})


def fenced(claim: Claim) -> Document:
    """The claim's connection, for as long as its lease has not been taken over or given back."""
    return {"_id": claim.connection_id, "fence": claim.fence, "lease.token": claim.lease.token}


def _failed(error: BulkWriteError) -> dict[int, Exception]:
    """What MongoDB refused of a batch, by place; the rest was done. Raises where that may not last."""
    details = error.details or {}
    refused = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or not refused:
        raise error
    return {one["index"]: WriteError(one.get("errmsg", ""), one.get("code"), one) for one in refused}


def _held(result: object) -> None:
    if not getattr(result, "matched_count", 0):
        raise LeaseLost


def _left_behind(claim: Claim, ending: Ending) -> Document:
    match ending:
        case Completed(as_of=as_of, again_in=again_in, home=home, changed=changed, outlook=outlook):
            return {
                "as_of": literal(as_of),
                "bucket": bucket_of(claim.connection_id),
                **({"sealed_home": literal(home)} if home is not None else {}),
                "passes": {"$add": [{"$ifNull": ["$passes", 0]}, 1]},
                "failures": 0,
                "rejections": _UNSAID,
                "unpublished": _UNSAID,
                # What this pass said is told by the next one again: a worker that dies now has not told it.
                **({"last_said": _UNSAID} if claim.trail.last == claim.trail.before else {}),
                **({"showed": claim.trail.shows} if claim.trail.shows else {}),
                "throttled_until": _UNSAID,
                **({"activity.changed_at": NOW} if changed else {}),
                **(_appointments(claim, outlook) if outlook else {}),
                **_resting(claim, later(milliseconds(again_in))),
            }
        case Postponed(again_in=again_in, failures=failures, asked=asked, rejections=rejections):
            return {
                "failures": failures,
                **_resting(claim, later(milliseconds(again_in))),
                **(_rejected(claim, rejections) | _spaced(claim, again_in) if rejections else {"rejections": _UNSAID}),
                **(_asked(again_in, asked) if asked else {}),
            }
        case Stopped(rejections=rejections):
            return {
                **_rejected(claim, rejections),
                "stopped_at": {"$cond": [_same_epoch(claim), NOW, _UNSAID]},
                **_resting(claim, literal(NEVER)),
                **_spaced(claim, None),
            }


def _served(trace: str) -> Document:
    """Whoever asks while the pass runs has left another."""
    kept = f"${tracing.FIELD}"
    return {tracing.FIELD: {"$cond": [{"$eq": [kept, trace]}, _UNSAID, kept]}}


def _appointments(claim: Claim, outlook: Outlook) -> Document:
    """What was booked while the pass ran is not in its outlook."""
    asked, ahead = {"$ne": ["$wakes", claim.wakes]}, outlook.next_appointment_at
    told = {
        "exports.due_at": _UNSAID if outlook.due_at is None else literal(outlook.due_at),
        "activity.next_appointment_at": _UNSAID if ahead is None else literal(ahead),
    }
    kept = {field: {"$cond": [asked, f"${field}", value]} for field, value in told.items()}
    return kept | {"exports.reviewed": outlook.reviewed}


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


def _spaced(claim: Claim, again_in: timedelta | None) -> Document:
    """Between spaced 401s, and after the last, only a reconnect or the end of the connection has it looked at."""
    goes_on = {"$and": [_same_epoch(claim), {"$ne": ["$state", State.ERASING.value]}]}
    moment = literal(NEVER) if again_in is None else later(milliseconds(again_in))
    return {"next_sync_at": {"$cond": [goes_on, moment, NOW]}}


def _same_epoch(claim: Claim) -> Document:
    return {"$eq": ["$epoch", claim.epoch]}


def _resting(claim: Claim, moment: Document) -> Document:
    """Until then nobody waits for it; but who asked while the pass ran does not wait for the next one's usual time."""
    asked = {"$ne": ["$wakes", claim.wakes]}
    return {
        "next_sync_at": {"$cond": [asked, NOW, moment]},
        "urgent": {"$cond": [asked, "$urgent", _UNSAID]},
    }
