"""Booking an appointment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from availability.application.bookings import Answer, Bookings, Desk, Key, Shown, Taken
from availability.application.fresh_look import LookFirst
from availability.application.keys import answer_kept, as_booking
from availability.application.refusals import SlotTaken
from availability.application.show import shown
from availability.domain.appointments import Act, Agreed, announcement, booked
from availability.domain.blocking import Rule
from availability.domain.busy import Known, in_the_way, is_closed
from availability.domain.freshness import Ageing
from availability.domain.intervals import Window
from availability.domain.users import User
from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Wish:
    """An appointment that somebody wants; `max_age` bounds the age of what is known when it is booked."""

    user: User
    agreed: Agreed
    by: str
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decisions need of the world around."""

    clock: Clock
    new_id: Callable[[], str]
    stale_after: timedelta
    told: Callable[[], None]
    """Called after something was written that waits to be told."""


class Book:
    """Keeps an appointment if nothing known stands in its way, and refuses it otherwise.

    Never two in one time, whoever else books at the same moment. The same key gets the same answer for 24 hours;
    answers that only say "not now" (AskLater, KnowledgeTooOld, closed while stale) are not kept.
    """

    def __init__(self, bookings: Bookings, look_first: LookFirst, circumstances: Circumstances) -> None:
        self._bookings = bookings
        self._look_first = look_first
        self._world = circumstances

    async def __call__(self, wish: Wish, key: Key) -> Shown:
        """Raises SlotTaken, KnowledgeTooOld, KeyReused, AskLater."""
        answer = await answer_kept(self._bookings, key)
        if answer is None:
            if wish.max_age is not None:
                await self._look_first(wish.user, Window(*wish.agreed.span), wish.max_age)
            answer = await self._decide(wish, key)
        return as_booking(answer)

    async def _decide(self, wish: Wish, key: Key) -> Answer:
        window = Window(*wish.agreed.span)
        known = await self._bookings.known(wish.user, window)
        # Most of those who want a time that others want, too, come late: they need not stand in line to hear it.
        taken = in_the_way(known, wish.agreed.span)
        if taken:
            return await self._bookings.refuse(key, Taken(taken))
        self._open(known, wish)

        async def decide(desk: Desk) -> Answer:
            given, known = await asyncio.gather(desk.answered(key), desk.known(window))
            if given is not None:
                return given
            answer = self._booked(wish, known, desk)
            if isinstance(answer, Shown):
                desk.remember(key, answer)
            return answer

        answer = await self._bookings.alone(wish.user, decide)
        if isinstance(answer, Taken):
            # It changes nothing of the user's time, so it is no decision that others would have to look at.
            return await self._bookings.refuse(key, answer)
        self._world.told()
        return answer

    def _booked(self, wish: Wish, known: Known, desk: Desk) -> Answer:
        taken = in_the_way(known, wish.agreed.span)
        if taken:
            return Taken(taken)
        self._open(known, wish)
        now = self._world.clock()
        appointment = booked(self._world.new_id(), wish.user, wish.agreed, Act(now, wish.by))
        desk.keep(appointment, announcement(appointment, known.connection_id))
        return shown(appointment, known, Ageing(now, self._world.stale_after))

    def _open(self, known: Known, wish: Wish) -> None:
        """Raise SlotTaken while the account lets nobody be booked. It is no answer to keep: it passes by itself."""
        if is_closed(known, Ageing(self._world.clock(), self._world.stale_after)):
            raise SlotTaken((wish.agreed.span,), Rule.CLOSED_WHILE_STALE)
