"""Connections as documents, and back."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from contracts.facts import Access
from icloud import KeptHome
from runtime import tracing
from runtime.documents import made_of
from sync_worker.application.allowance import Allowance
from sync_worker.application.claim import Claim, Exports, LastSaid, Lease, State, Trail
from sync_worker.domain.cadence import Activity
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Held, Wish
from sync_worker.domain.home_calendars import HomeTold
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.tracked import PutRight, Tracked
from sync_worker.outbound.mongo.collections import Document


def claim_from(document: Document, lease: Lease, claimed_at: datetime) -> Claim:
    """The claim that a leased connection's document describes. One in erasure may know next to nothing else."""
    setup = document.get("setup") or {}
    return Claim(
        connection_id=document["_id"],
        account_id=document["account_id"],
        user_id=document["user_id"],
        epoch=document["epoch"],
        state=State(document["state"]),
        time_zone=document.get("time_zone", "UTC"),
        titles=setup.get("titles", False),
        conflict_calendars=frozenset(one["id"] for one in setup.get("conflict_calendars", ())),
        setup_revision=document.get("revision", 0),
        home=KeptHome(document["_id"], document.get("sealed_home")),
        calendars={one: _tracked_from(tracked) for one, tracked in document.get("calendars", {}).items()},
        home_told=_home_told_from(document.get("home_told") or {}),
        wishes={one: Wish(wish) for one, wish in document.get("wishes", {}).items()},
        as_of=document.get("as_of"),
        passes=document.get("passes", 0),
        failures=document.get("failures", 0),
        rejections=_rejections_from(document.get("rejections")),
        unpublished=document.get("unpublished", False),
        wakes=document["wakes"],
        fence=document["fence"],
        claimed_at=claimed_at,
        activity=made_of(Activity, document.get("activity", {})),
        lease=lease,
        exports=_exports_from(document, setup),
        showed=document.get("showed", ""),
        allowance=Allowance((document.get("allowance") or {}).get("level")),
        trail=Trail(
            made_of(LastSaid, document["last_said"]) if document.get("last_said") else None,
            document.get(tracing.FIELD),
        ),
    )


def tracked_document(tracked: Tracked) -> Document:
    """What is remembered of a calendar; absent fields have their defaults."""
    document = {
        name: value
        for name, value in asdict(tracked).items()
        if value not in (None, "", 0, False, ()) or name in {"path", "basis"}
    }
    if tracked.hold:
        document["hold"]["doubt"] = tracked.hold.doubt.value
    return document


def home_told_document(told: HomeTold) -> Document:
    """The calendars as somebody last told them."""
    return {**asdict(told), "ids": sorted(told.ids)}


def rejections_document(rejections: Rejections) -> Document:
    """401s in a row."""
    return asdict(rejections)


def last_said_document(last: LastSaid) -> Document:
    """What was said last on the events' topic."""
    return asdict(last)


def milliseconds(length: timedelta) -> int:
    """As MongoDB counts time."""
    return round(length.total_seconds() * 1000)


def _exports_from(document: Document, setup: Document) -> Exports:
    # What does not say that writing is allowed forbids it.
    allowed = {
        "access": Access(document.get("access", Access.READ_ONLY)),
        "linked_calendar_id": setup.get("linked_calendar_id"),
        "alarm_minutes": setup.get("alarm_minutes"),
    }
    return made_of(Exports, document.get("exports", {}) | allowed)


def _tracked_from(document: Document) -> Tracked:
    held = document.get("hold")
    hold = _held_from(held) if held else None
    late = tuple((href, etag) for href, etag in document.get("late", ()))
    put_right = made_of(PutRight, document["put_right"]) if "put_right" in document else None
    return made_of(Tracked, {**document, "hold": hold, "late": late, "put_right": put_right})


def _held_from(document: Document) -> Held:
    return made_of(
        Held, {**document, "doubt": Doubt(document["doubt"]), "newcomers": tuple(document.get("newcomers", ()))}
    )


def _home_told_from(document: Document) -> HomeTold:
    return made_of(HomeTold, {**document, "ids": frozenset(document.get("ids", ()))})


def _rejections_from(document: Any) -> Rejections | None:  # noqa: ANN401 - what MongoDB holds
    return made_of(Rejections, document) if document else None
