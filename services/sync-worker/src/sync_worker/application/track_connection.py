"""Following what the connector says about connections."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    Event,
    RequestReason,
    SyncRequested,
)
from contracts.wire import Tombstone
from runtime.logs import get_logger
from sync_worker.domain.holds import Wish

_ID: Final = re.compile(r"[0-9A-Za-z_-]+")

_log = get_logger("sync_worker.track_connection")

NOT_TOLD: Final[Mapping[str, int]] = MappingProxyType({})
"""Nobody said since when what they saw was held."""
Standing = CalendarConnected | CalendarReconnected | CalendarSetupChanged
"""A connection's whole state."""


class SetupUnusable(ValueError):
    """The connection names a zone that the IANA database does not have, or calendars by no id of ours."""


class Connections(Protocol):
    """The connections to look after.

    Only what is newer by (epoch, revision) counts; what has ended stays ended.
    """

    async def follow(self, standing: Standing) -> bool:
        """Take over the state; due at once, save for what Apple asked us to wait. False: it is old."""

    async def end(self, connection_id: str, *, epoch: int, revision: int, whose: CalendarDisconnected | None) -> bool:
        """To be erased, due at once. `whose` None: only if it is known. False: it is old or ended already."""

    async def wish(
        self, connection_id: str, wishes: Mapping[str, Wish], said_at: int, *, seen: Mapping[str, int] = NOT_TOLD
    ) -> Collection[str]:
        """Keep what was said about held removals, by calendar, for the next pass; the last word counts.

        A confirmation counts only for what whoever gave it can mean (`holds.means`): what is held since the moment that
        `seen` has for the calendar, else since `said_at` at the latest. Returns the calendars whose confirmations do
        not count.
        """

    async def wake(self, connection_id: str, reason: RequestReason = RequestReason.OPS) -> bool:
        """Due at once, save for what Apple asked us to wait. False: there is nothing to look at."""


class TrackConnection:
    """Keeps the connections to look after as the connector last described them, whatever is said twice or late."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __call__(self, said: Event | Tombstone) -> bool:
        """Take note; False when it was old news. Raises SetupUnusable for what can never be followed."""
        match said:
            case CalendarConnected() | CalendarReconnected() | CalendarSetupChanged():
                _check(said)
                return await self._connections.follow(said)
            case CalendarDisconnected(connection_id=one, epoch=epoch, revision=revision):
                return await self._connections.end(one, epoch=epoch, revision=revision, whose=said)
            case Tombstone(key=one, epoch=epoch, revision=revision):
                return await self._connections.end(one, epoch=epoch, revision=revision, whose=None)
            case _:
                return False


class RequestSync:
    """Brings the next look at iCloud forward because somebody asked."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __call__(self, connection_id: str, requests: Sequence[SyncRequested]) -> bool:
        """Serve all requests for one connection at once. False when it is unknown, over, or stopped.

        What they say about held removals is kept all the same; of two words on one calendar the last counts.
        """
        for one in requests:
            await self._wish(connection_id, one)
        woken = [await self._connections.wake(connection_id, reason) for reason in {one.reason for one in requests}]
        return any(woken)

    async def _wish(self, connection_id: str, request: SyncRequested) -> None:
        wishes = dict.fromkeys(request.confirm_removals, Wish.CONFIRM) | dict.fromkeys(request.keep_removals, Wish.KEEP)
        # Ids become names of fields.
        known = {one: wish for one, wish in wishes.items() if _ID.fullmatch(one)}
        if not known:
            return
        seen = {one.calendar_id: one.since for one in request.held_since}
        for one in await self._connections.wish(connection_id, known, request.requested_at, seen=seen):
            _log.warning("confirmation_dropped", connection_id=connection_id, calendar_id=one)


def _check(standing: Standing) -> None:
    try:
        ZoneInfo(standing.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise SetupUnusable("the time zone is not known") from None
    # Ids become names of fields.
    if not all(_ID.fullmatch(one.id) for one in standing.setup.conflict_calendars):
        raise SetupUnusable("a calendar's id is none of ours")
