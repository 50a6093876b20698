"""Whether the calendars that a home shows are news to the others."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

WAIT: Final = timedelta(minutes=10)
"""A home that shows fewer calendars than before may be wrong for a moment."""


@dataclass(frozen=True, slots=True)
class HomeTold:
    """The calendars as somebody last told them, be it the connector or we.

    `missed` is the digest of a home that shows fewer, seen first at `missed_since`; empty: there is none.
    """

    digest: str = ""
    ids: frozenset[str] = frozenset()
    missed: str = ""
    missed_since: datetime | None = None


class News(Enum):
    """What to do about a home as it is shown now."""

    NONE = auto()
    TELL = auto()
    WAIT = auto()


def news(told: HomeTold, digest: str, ids: frozenset[str], now: datetime) -> tuple[News, HomeTold]:
    """What to do, and what to remember then.

    New calendars and changed ones are told at once; that one has vanished only when the home has shown the same for
    ten minutes, because the connector would take it for a new one when it came back, and the user's choice with it.
    """
    if digest == told.digest:
        calm = replace(told, missed="", missed_since=None)
        return (News.NONE if calm == told else News.WAIT), calm
    if told.ids <= ids:
        return News.TELL, HomeTold(digest, ids)
    if digest != told.missed or told.missed_since is None:
        return News.WAIT, replace(told, missed=digest, missed_since=now)
    return (News.TELL, HomeTold(digest, ids)) if now - told.missed_since >= WAIT else (News.NONE, told)
