"""Wishes of the admin API as events in Apple's writing."""

import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from icloud_simulator.admin.models import EventChange, EventWish
from icloud_simulator.apple_ics import AppleEvent
from icloud_simulator.edits import Changes


def event_of(wish: EventWish, *, me: str) -> AppleEvent:
    """Return the event that is wished for; invitations are answered as `me`."""
    local = ZoneInfo(wish.time_zone) if wish.time_zone is not None else None
    all_day = not isinstance(wish.start, datetime)
    invited = wish.partstat is not None
    return AppleEvent(
        uid=wish.uid or str(uuid.uuid4()).upper(),
        title=wish.title,
        start=_placed(wish.start, local),
        end=_placed(wish.end, local),
        rule=wish.rule,
        left_out=tuple(moment for item in wish.left_out if isinstance(moment := _placed(item, local), datetime)),
        transparent=all_day if wish.transparent is None else wish.transparent,
        status=wish.status,
        partstat=wish.partstat,
        me=me if invited else None,
        organizer=wish.organizer or ("somebody@example.com" if invited else None),
        travel=None if wish.travel_minutes is None else timedelta(minutes=wish.travel_minutes),
        location=wish.location,
    )


def changes_of(change: EventChange, *, me: str) -> Changes:
    """Return the edits that are wished for."""
    return Changes(
        title=change.title,
        start=change.start,
        end=change.end,
        transparent=change.transparent,
        status=change.status,
        partstat=change.partstat,
        me=me,
        travel=None if change.travel_minutes is None else timedelta(minutes=change.travel_minutes),
    )


def _placed(value: date | datetime, local: ZoneInfo | None) -> date | datetime:
    """Put a time into its zone: wall-clock times are of that zone, instants are shown in it."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        return value.replace(tzinfo=local or UTC)
    return value.astimezone(local or UTC)
