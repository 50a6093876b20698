"""What the pages ask availability, in the name of the user who looks at them."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from connector.domain.calendars import AllDayRule, ConflictCalendar
from connector.domain.outlook import Appointment, Outlook, Tried

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Asker:
    """A person whose token lets them read what availability knows of them."""

    user_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Window:
    """The time a question is about, at most 92 days, from whole seconds to whole seconds."""

    start: datetime
    end: datetime


class NoAnswer(Exception):
    """Availability did not answer, or not in a way that we understand; go on without."""


class Availability(Protocol):
    """Answers in the name of the asker, within seconds. Raises NoAnswer."""

    async def why(self, asker: Asker, window: Window) -> Outlook: ...

    async def preview(self, asker: Asker, window: Window, choice: Sequence[ConflictCalendar]) -> Tried: ...

    async def appointments(self, asker: Asker, window: Window) -> Sequence[Appointment]:
        """Those that take time in the window, with those called off within thirty days; at most a thousand."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What was answered; None where nothing was."""

    outlook: Outlook | None
    appointments: Sequence[Appointment] | None


class LookAhead:
    """Tells what is known of a time, and how the appointments around it fare. What is not answered is None."""

    def __init__(self, availability: Availability) -> None:
        self._availability = availability

    async def __call__(self, asker: Asker, window: Window, around: Window) -> Ahead:
        """`around` is the time whose appointments are told."""
        outlook, appointments = await asyncio.gather(
            _or_none(self._availability.why(asker, window)),
            _or_none(self._availability.appointments(asker, around)),
        )
        return Ahead(outlook, appointments)


class TrySetup:
    """Tells what a choice of calendars would make of a time, and what speaks for which choice. Nothing is changed."""

    def __init__(self, availability: Availability) -> None:
        self._availability = availability

    async def evidence(self, asker: Asker, window: Window, calendars: Sequence[str]) -> Tried | None:
        """As if all of these calendars blocked: what is known of each. None where nothing is answered."""
        everything = tuple(ConflictCalendar(one, AllDayRule.AS_MARKED) for one in calendars)
        return await _or_none(self._availability.preview(asker, window, everything))

    async def __call__(self, asker: Asker, window: Window, choice: Sequence[ConflictCalendar]) -> Tried | None:
        """None where nothing is answered."""
        return await _or_none(self._availability.preview(asker, window, choice))


async def _or_none(answer: Awaitable[_Answer]) -> _Answer | None:
    try:
        return await answer
    except NoAnswer:
        return None
