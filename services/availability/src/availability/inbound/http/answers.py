"""What every answer about users' time tells of itself."""

from typing import Literal

from pydantic import AwareDatetime

from availability.domain.freshness import State
from availability.inbound.http.bodies import Out


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
    `importing`, what is known blocks already, and it is not all."""
    warning: Literal["stale"] | None = None
    """Only there where a calendar could not be read for too long, and the account wants to be warned (`when_stale`)."""
