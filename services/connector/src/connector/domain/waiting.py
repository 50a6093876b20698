"""What of a connection's announcements still waits to be told, however long nobody can be told anything."""

from collections.abc import Iterable, Sequence
from typing import Final

from connector.domain.connection import Announcement, News

WAITING: Final = 5
"""So many announcements of one connection wait as they came: of the largest, some five megabytes."""
BEGINNINGS: Final = frozenset({News.CONNECTED, News.RECONNECTED})
"""News of a new epoch: each is told, however many follow it."""
MOST_BEGINNINGS: Final = 5
"""So many of them may wait; a setup more at either end, and a document of 16 MB is not half full."""


def still_told(waiting: Sequence[Announcement]) -> Sequence[Announcement]:
    """What is told of what waits, oldest first: all of it, unless that is more than WAITING.

    Of setups the first and the last are told then: each announcement is the whole state, and a reader that hears the
    last one first drops those before it anyway. The first stays, so that it is known since when something waits.
    """
    if len(waiting) <= WAITING:
        return waiting
    ends = {waiting[0].revision, waiting[-1].revision}
    return [one for one in waiting if one.news is not News.SETUP_CHANGED or one.revision in ends]


def has_room(waiting: Iterable[str]) -> bool:
    """Whether one more epoch may begin while these news wait, some of which nobody may be able to read."""
    return sum(news in BEGINNINGS for news in waiting) < MOST_BEGINNINGS
