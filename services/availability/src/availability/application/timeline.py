"""What the stories need of a store."""

from collections.abc import Collection, Mapping
from typing import Protocol

from availability.domain.busy import Known, KnownOccurrences
from availability.domain.changes import ConnectionNews, Disconnected, EventChange, LastEvent
from availability.domain.doubts import Doubt
from availability.domain.intervals import Window
from availability.domain.users import User


class AskLater(Exception):
    """The timeline cannot be asked at the moment; nothing is wrong with the question."""


class Timeline(Protocol):
    """Imported events and connections of all users.

    Every write is done when the call returns, may be repeated, and never undoes something newer. A write may be
    done in part when it raises.
    """

    async def put_events(self, changes: Collection[EventChange]) -> None:
        """Keep each change unless one of its event is known that is as new; at most one change per event."""

    async def put_news(self, news: Collection[ConnectionNews]) -> None:
        """Keep each piece unless its connection has ended or a piece of its kind is known that is as new.

        How far a connection was read never goes back, whatever the order of the news.
        """

    async def put_doubts(self, doubts: Collection[Doubt]) -> None:
        """Keep each doubt unless one of its kind and calendar is known that is as new."""

    async def end(self, connection: Disconnected) -> None:
        """Forget all of the connection but that it has ended; its events are no longer part of any answer."""

    async def ended(self, connection_ids: Collection[str]) -> frozenset[str]:
        """Which of these connections have ended."""

    async def erase_events(self, connection_ids: Collection[str]) -> None:
        """Delete every event of these connections, and every doubt about their calendars."""

    async def whose(self, ids: Collection[str]) -> Collection[User]:
        """The users whose living events or connections these are; what is gone, or was never there, is nobody's."""

    async def recheck(self, users: Collection[User]) -> None:
        """Let the appointments of these users be held against their time anew."""

    async def missing(self, events: Collection[LastEvent]) -> Collection[LastEvent]:
        """Which of these are not applied, while their connections live. What is newer or removed counts as applied."""

    async def unread(self, connection_ids: Collection[str]) -> Collection[str]:
        """Of which of these no pass is kept, while they live or are not known yet."""

    async def known(self, account_id: str, user_id: str, window: Window) -> Known:
        """All that is known of a user around `window`, as of one single moment.

        Occurrences outside of the window may be among it, and some twice. Raises AskLater.
        """

    async def known_of(self, account_id: str, user_ids: Collection[str], window: Window) -> Mapping[str, Known]:
        """The same of several users of one account, each as of one single moment. Raises AskLater."""

    async def all_day_free(self, account_id: str, user_id: str, after: int) -> Collection[KnownOccurrences]:
        """All-day occurrences that are marked free and end after that second, each event by itself. Raises AskLater.

        Others of theirs may be among it; of one event a single occurrence is enough.
        """

    async def in_detail(self, account_id: str, user_id: str, window: Window) -> Known:
        """The same, with each event by itself, and with the doubts, which may be newer. Raises AskLater.

        Of occurrences of one calendar that share their facts no more need be among it than MOST + 1 of those that begin
        first, and one of each event.
        """
