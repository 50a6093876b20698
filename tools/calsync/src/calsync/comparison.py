"""iCloud, asked by a worker: each calendar of a connection listed in full, compared with what is kept, and put right.

Only workers can open credentials. What one has found it leaves with the connection, in small numbers.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from calsync.audit import Deed, Entry, KeptAudit
from calsync.by_hand import ACTIVE, Edit, edit
from calsync.ends import NotThere
from calsync.findings import Finding
from calsync.fleet_budget import FLEET
from calsync.requests import followed
from calsync.resync import compared_anew
from calsync.session import Session
from calsync.stores import LEFT_OUT, NEVER, Document, Stores
from runtime.clock import system_clock

CHECK: Final = "icloud"
_LOOK_AGAIN_SECONDS: Final = 0.5
_VANISHED: Final = "vanished"
_KINDS: Final = {
    "missing": "{} were not known",
    "changed": "{} said something else",
    "extra": "{} are not there any more",
}
"""What a full listing shows that no change had told, as the workers count it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A connection after a worker was asked, and what stood in the way of what was not compared."""

    kept: Mapping[str, Any]
    obstacle: str

    @property
    def whole(self) -> bool:
        """Whether each calendar was compared that is still there."""
        return all("reconciled" in one or one.get("left") for one in _calendars(self.kept).values())

    def rows(self) -> list[Document]:
        """One for each conflict calendar. What could not be told is None."""
        return [
            {
                "calendar_id": one,
                "compared_at": tracked.get("reconciled"),
                **dict.fromkeys(_KINDS),
                **(tracked.get("put_right", {}) if "reconciled" in tracked else {}),
                "held": (tracked.get("hold") or {}).get("missing", 0),
            }
            for one, tracked in sorted(_calendars(self.kept).items())
        ]

    def findings(self) -> Iterator[Finding]:
        """What was otherwise at iCloud, and what nobody could tell."""
        for one, tracked in _calendars(self.kept).items():
            if not tracked.get("left"):
                for what in self._of_calendar(tracked):
                    yield Finding(CHECK, self.kept["_id"], one, what)

    def _of_calendar(self, tracked: Mapping[str, Any]) -> Iterator[str]:
        put_right, hold = tracked.get("put_right"), tracked.get("hold")
        if "reconciled" not in tracked:
            yield f"not compared: {_of_its_own(tracked) or self.obstacle}"
        elif put_right is None:
            yield "compared anew; drift cannot be told from changes this time: ask again"
        elif any(put_right.values()):
            counts = (text.format(put_right[kind]) for kind, text in _KINDS.items() if put_right.get(kind))
            yield f"drift, put right: {', '.join(counts)}"
        if hold and not _is_away(tracked):
            yield f"{hold['missing']} of {hold['known']} are missing, and kept in doubt: `calsync removals list`"


async def compare(session: Session, found: Stores, connection_id: str, wait_seconds: float) -> Compared:
    """Ask, and wait for a pass that began after that. Raises NotThere where no worker would look at it."""
    await followed(found, connection_id)
    come: list[Compared] = []

    async def work(entry: Entry) -> None:
        fences: list[int] = []

        def asked(kept: Document) -> Edit:
            fences.append(kept["fence"])
            return compared_anew(kept)

        await edit(found, connection_id, asked)
        kept = await _waited(found, connection_id, fences[-1], wait_seconds)
        one = Compared(kept, await _obstacle(found, kept))
        entry.told |= {"compared": one.whole, **{kind: sum(row[kind] or 0 for row in one.rows()) for kind in _KINDS}}
        come.append(one)

    question = f"Have a worker list each calendar of {connection_id} at iCloud, and put right what differs?"
    deed = Deed("verify", {"connection_id": connection_id, "icloud": True})
    await session.change(KeptAudit(found.audit, system_clock, session.named), deed, question, work)
    return come[0]


async def _waited(found: Stores, connection_id: str, fence: int, seconds: float) -> Document:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        kept = await found.synced.find_one({"_id": connection_id}, LEFT_OUT)
        if kept is None or kept.get("state") != ACTIVE:
            raise NotThere(f"{connection_id} has ended meanwhile.")
        if _is_over(kept, fence) or loop.time() >= until:
            return kept
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _is_over(kept: Document, fence: int) -> bool:
    """Whether a pass that was claimed after `fence` has told all there is to tell, or none will."""
    if "lease" not in kept and ("paused" in kept or "stopped_at" in kept):
        return True
    told = all("reconciled" in one or one.get("left") or _is_away(one) for one in _calendars(kept).values())
    return told and kept.get("committed", 0) > fence


def _calendars(kept: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What is known of each conflict calendar."""
    known = kept.get("calendars", {})
    return {one["id"]: known.get(one["id"], {}) for one in (kept.get("setup") or {}).get("conflict_calendars", ())}


def _is_away(tracked: Mapping[str, Any]) -> bool:
    return (tracked.get("hold") or {}).get("doubt") == _VANISHED


def _of_its_own(tracked: Mapping[str, Any]) -> str | None:
    """Why this calendar was not, if that is its own affair."""
    if _is_away(tracked):
        return "iCloud does not show it; its events are kept in doubt, `calsync removals list`"
    failures = tracked.get("failures", 0)
    return f"it could not be read, {failures} times in a row" if failures else None


async def _obstacle(found: Stores, kept: Document) -> str:
    now = await found.now()
    fleet = await found.budgets.find_one(FLEET) or {}
    return _of_connection(kept, now) or _of_budget(kept, fleet) or _of_schedule(kept, now)


def _of_connection(kept: Document, now: datetime) -> str | None:
    if "paused" in kept:
        return f"it is paused; `calsync connection resume {kept['_id']}`"
    if "stopped_at" in kept:
        return "Apple refuses the password; its user has to reconnect"
    if kept.get("rejections"):
        return f"Apple has refused the password; the next try is at {_rfc3339(kept['next_sync_at'])}"
    throttled = kept.get("throttled_until")
    if throttled is not None and throttled > now:
        return f"Apple wants to be left alone until {_rfc3339(throttled)}"
    until = (kept.get("lease") or {}).get("until")
    return "a worker is still at it; give it longer with --wait" if until is not None and until > now else None


def _of_budget(kept: Document, fleet: Document) -> str | None:
    if fleet.get("limit") == 0:
        return "all requests to Apple are stopped by hand; `calsync budget clear`"
    if (fleet.get("icloud") or {}).get("level", 1) < 1:
        return "the fleet's budget of requests is used up; `calsync budget show`"
    spent = (kept.get("allowance") or {}).get("level", 1) < 1
    return "the account's share of requests is used up; ask again in a minute" if spent else None


def _of_schedule(kept: Document, now: datetime) -> str:
    due = kept.get("next_sync_at", NEVER)
    if due <= now:
        return "no worker has taken it; `calsync leases`"
    failures = kept.get("failures", 0) or 0
    return f"the last look did not come so far ({failures} failures in a row); the next is at {_rfc3339(due)}"


def _rfc3339(moment: datetime) -> str:
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}Z"
