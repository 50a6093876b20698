"""What a user is shown to choose from, in a word that a form carries: whether it still holds, and what has changed."""

import json
from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256
from typing import Final

from connector.domain.connection import Terms

_DIGITS: Final = 8
"""Of a digest: it tells a change from none, and nobody gains by forging it."""


class Part(StrEnum):
    """What may change between looking and choosing, each by itself."""

    CALENDARS = "calendars"
    """Which there are, and what may be done with them; their names and colours are no part of a choice."""
    LINKED = "linked"
    BLOCKING = "blocking"
    WHEN_STALE = "when_stale"
    TITLES = "titles"
    ALARM = "alarm"
    TIME_ZONE = "time_zone"


def offer(terms: Terms) -> str:
    """The word for these terms: the same as long as nothing has changed that bears on a choice."""
    return "-".join(sha256(json.dumps(value).encode()).hexdigest()[:_DIGITS] for value in _values(terms))


def changed(made_from: str, terms: Terms) -> frozenset[Part]:
    """In which parts `terms` are others than those that `made_from` is the word for; in all, if it is no such word."""
    before, now = made_from.split("-"), offer(terms).split("-")
    if len(before) != len(now):
        return frozenset(Part)
    return frozenset(part for part, was, is_now in zip(Part, before, now, strict=True) if was != is_now)


def _values(terms: Terms) -> Iterator[object]:
    """One for each Part, in their order."""
    setup = terms.setup
    yield [terms.access, sorted((c.id, c.supported, c.writable) for c in terms.calendars)]
    yield setup.linked_calendar_id
    yield sorted((c.id, c.all_day) for c in setup.conflict_calendars)
    yield setup.when_stale
    yield setup.titles
    yield setup.alarm_minutes
    yield terms.time_zone
