"""A connection as all services see it together, and as workers are told to leave it alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from calsync.audit import Deed, Entry, KeptAudit
from calsync.by_hand import ACTIVE, DUE
from calsync.ends import End, NotThere
from calsync.session import Session
from calsync.settings import Store
from calsync.stores import LEFT_OUT, NEVER, Document, Stores, stores
from runtime.clock import system_clock

_SHOWN: Final = ("account_id", "user_id", "state", "epoch", "revision", "changed_at", "created_at", "published")


async def show_one(session: Session, connection_id: str) -> End:
    """All that the services hold of one, save what is personal."""
    async with stores(session.load(Store).mongo) as found:
        own = await found.connections.find_one({"_id": connection_id})
        kept = await found.synced.find_one({"_id": connection_id}, LEFT_OUT)
        told = await found.timeline.find_one({"_id": connection_id})
        if own is None and kept is None and told is None:
            raise NotThere(f"Nobody knows a connection {connection_id}. `calsync connection list` names them.")
        sealed = await found.sealed.find_one({"_id": connection_id}, {"sealed": False, "signature": False})
        now = await found.now()
        session.tell(
            connection_id=connection_id,
            connector=_of_connector(own),
            sync_worker=_of_worker(kept, now),
            calendars=_calendars(kept),
            objects=await _counts(found, connection_id),
            availability=await _of_availability(found, told, connection_id),
            vault=_of_vault(sealed),
        )
    return End.OK


async def pause(session: Session, connection_id: str) -> End:
    """Have no worker look at it, until somebody resumes it. What is under way goes on to its end."""
    async with stores(session.load(Store).mongo) as found:
        kept = await _active(found, connection_id)
        if "paused" in kept:
            session.tell(connection_id=connection_id, paused=True, changed=False)
            return End.OK

        async def work(_: Entry) -> None:
            where = {"_id": connection_id, "state": ACTIVE}
            done = await found.synced.update_one(where, [{"$set": {"paused": {"at": "$$NOW"}}}])
            _demand(done.matched_count, connection_id)

        question = f"Pause {connection_id}? What happens in iCloud will not be seen until it is resumed."
        await session.change(_audit(session, found), _deed("pause", kept), question, work)
    session.tell(connection_id=connection_id, paused=True, changed=True)
    return End.OK


async def resume(session: Session, connection_id: str) -> End:
    """Have workers look at it again, now."""
    async with stores(session.load(Store).mongo) as found:
        kept = await _active(found, connection_id)
        if "paused" not in kept:
            session.tell(connection_id=connection_id, paused=False, changed=False)
            return End.OK

        async def work(_: Entry) -> None:
            where = {"_id": connection_id, "state": ACTIVE}
            done = await found.synced.update_one(where, [{"$set": {"paused": "$$REMOVE", **DUE}}])
            _demand(done.matched_count, connection_id)

        await session.change(_audit(session, found), _deed("resume", kept), f"Resume {connection_id}?", work)
    session.tell(connection_id=connection_id, paused=False, changed=True)
    return End.OK


async def _active(found: Stores, connection_id: str) -> Document:
    kept = await found.synced.find_one({"_id": connection_id}, LEFT_OUT)
    if kept is None or kept.get("state") != ACTIVE:
        raise NotThere(f"The workers have no active connection {connection_id}. `calsync connection list` names them.")
    return kept


def _demand(matched: int, connection_id: str) -> None:
    if not matched:
        raise NotThere(f"{connection_id} has ended meanwhile.")


def _deed(what: str, kept: Document) -> Deed:
    return Deed(f"connection {what}", {"connection_id": kept["_id"], "account_id": kept["account_id"]})


def _audit(session: Session, found: Stores) -> KeptAudit:
    return KeptAudit(found.audit, system_clock, session.named)


def _of_connector(own: Document | None) -> Document | None:
    if own is None:
        return None
    about: Document = {name: own[name] for name in _SHOWN if name in own}
    about |= {"waiting_to_be_told": len(own.get("pending", ()))}
    if "terms" not in own:
        return about
    terms, setup = own["terms"], own["terms"]["setup"]
    return about | {
        "access": terms["access"],
        "time_zone": terms["time_zone"],
        "calendars": len(terms["calendars"]),
        "conflict_calendars": [one["id"] for one in setup["conflict_calendars"]],
        "linked_calendar_id": setup["linked_calendar_id"],
        "when_stale": setup["when_stale"],
        "as_of": own["sync"].get("as_of"),
        "refused_since": own["sync"].get("refused_since"),
    }


def _of_worker(kept: Document | None, now: datetime) -> Document | None:
    if kept is None:
        return None
    lease = kept.get("lease") or {}
    return {
        "state": kept.get("state"),
        "epoch": kept.get("epoch"),
        "revision": kept.get("revision"),
        "as_of": kept.get("as_of"),
        "next_look_at": due(kept),
        "paused_at": (kept.get("paused") or {}).get("at"),
        "leased_by": lease.get("owner") if leased(kept, now) else None,
        "fence": kept.get("fence", 0),
        "passes": kept.get("passes", 0),
        "failures": kept.get("failures", 0) or 0,
        "refusals_in_a_row": (kept.get("rejections") or {}).get("count", 0),
        "stopped_at": kept.get("stopped_at"),
        "throttled_until": kept.get("throttled_until"),
        "unpublished": kept.get("unpublished", False),
    }


def _calendars(kept: Document | None) -> list[Document]:
    """By id alone: names and paths are the user's."""
    return [
        {
            "calendar_id": one,
            "failures": tracked.get("failures", 0),
            "read_until": tracked.get("read_until"),
            "compared_at": tracked.get("reconciled"),
            "put_right": tracked.get("put_right"),
            "held": (tracked.get("hold") or {}).get("doubt"),
            "gone": tracked.get("left", False),
        }
        for one, tracked in sorted((kept or {}).get("calendars", {}).items())
    ]


async def _counts(found: Stores, connection_id: str) -> Document:
    kinds: dict[str, Document] = {
        "alive": {"alive": True},
        "gravestones": {"alive": False},
        "waiting_to_be_told": {"pending": True},
        "quarantined": {"quarantine.reason": {"$exists": True}},
    }
    of_it = {"connection_id": connection_id}
    return {name: await found.objects.count_documents({**of_it, **where}) for name, where in kinds.items()}


async def _of_availability(found: Stores, told: Document | None, connection_id: str) -> Document | None:
    if told is None:
        return None
    events = await found.timeline.count_documents({"connection_id": connection_id, "kind": "event", "finality": 0})
    parts = {part: _version(told.get(part)) for part in ("setup", "completed", "rejected", "ended")}
    return {**parts, "as_of": told.get("as_of"), "events": events}


def _version(part: Any) -> Sequence[int] | None:  # noqa: ANN401 - what MongoDB holds
    return [part["epoch"], part["revision"]] if part else None


def _of_vault(sealed: Document | None) -> Document | None:
    return sealed and {"epoch": sealed["epoch"], "key_id": sealed["key_id"], "signer_id": sealed.get("signer_id")}


def due(kept: Document) -> datetime | None:
    """When workers look at it next; None where they do not."""
    at: datetime | None = kept.get("next_sync_at")
    return None if at is None or at >= NEVER else at


def leased(kept: Document, now: datetime) -> bool:
    """Whether a worker has it."""
    until = (kept.get("lease") or {}).get("until")
    return until is not None and until > now
