"""What every answer about users' time tells of itself."""

from typing import Literal

from pydantic import AwareDatetime

from availability.domain.freshness import State
from availability.inbound.http.bodies import Out
from availability.inbound.http.moments import SpanBody


class CalendarAnswer(Out):
    """How well one conflict calendar is known."""

    id: str
    as_of: AwareDatetime | None
    """Up to when it was read; null before the first time."""
    state: State


class Answer(Out):
    """An answer, and how well it is known."""

    as_of: AwareDatetime | None
    """Up to when all calendars were read: the moment of the oldest; null while one of them never was."""
    state: State
    """The worst of the calendars' states; `not_connected` where the user has no calendars connected. While
    `importing`, what is known blocks already, and it is not all: so it is also where the time that was asked about
    reaches further ahead than the calendars are read, see `known`."""
    known: SpanBody | None = None
    """The time that all calendars are read for, some four hundred days ahead. Of what begins later nothing is known
    yet, what ended before is not kept. Not there before the first reading has ended."""
    warning: Literal["stale"] | None = None
    """Only there where a calendar could not be read for too long, and the account wants to be warned (`when_stale`)."""
