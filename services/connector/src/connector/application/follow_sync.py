"""Believing what the workers tell."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.calendars import Calendar
from connector.domain.connection import Connection, recalendared
from connector.domain.sync import Report, Word


class ReportedConnections(Protocol):
    """Where connections are kept."""

    async def record(self, reports: Sequence[Report]) -> None:
        """Keep each report, in order, unless its connection ended, has another epoch, or heard a newer one already."""

    async def with_epoch(self, connection_id: str, epoch: int) -> Connection | None:
        """The living connection of that id, if this is its epoch."""

    async def replace(self, old: Connection, new: Connection) -> bool:
        """Put `new` in the place of `old`, its announcement pending if the revision grew; False if `old` is no more."""


class RecordReports:
    """Keep `state` and `sync` of connections true."""

    def __init__(self, connections: ReportedConnections) -> None:
        self._connections = connections

    async def __call__(self, reports: Sequence[Report]) -> None:
        """Repeating a report, or telling an older one later, changes nothing."""
        if reports:
            await self._connections.record(reports)


class RecordCalendars:
    """Keep the calendars of a connection true, and tell the others, whose copy comes from us."""

    def __init__(
        self, connections: ReportedConnections, clock: Callable[[], datetime], wake_relay: Callable[[], None]
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._wake_relay = wake_relay

    async def __call__(self, word: Word, calendars: tuple[Calendar, ...]) -> None:
        """Repeating it, or telling an older one later, changes nothing."""
        while connection := await self._connections.with_epoch(word.connection_id, word.epoch):
            changed = recalendared(connection, calendars, told=word.revision, at=self._clock())
            if changed is connection:
                return
            if await self._connections.replace(connection, changed):
                self._wake_relay()
                return
