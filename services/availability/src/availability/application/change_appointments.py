"""Changing and calling off what was booked."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from availability.application.book import Circumstances
from availability.application.bookings import Bookings, Desk, Shown
from availability.application.refusals import AlreadyCancelled, ChangedMeanwhile, NoSuchAppointment, SlotTaken
from availability.application.show import shown
from availability.domain.appointments import Act, Agreed, Appointment, Standing, announcement
from availability.domain.blocking import Rule
from availability.domain.busy import Known, in_the_way, is_closed
from availability.domain.freshness import Ageing
from availability.domain.intervals import Window
from availability.domain.users import User

Revisions = Collection[int] | None
"""The revisions that the caller means; None: whichever it is."""


@dataclass(frozen=True, slots=True)
class Which:
    """The appointment that is meant, of a user whom the caller may act for, as the caller last saw it."""

    user: User
    appointment_id: str
    revisions: Revisions
    by: str


class ChangeAppointment:
    """Gives an appointment another time or other words, in one step: it never loses its time without gaining the new.

    A new time is free of everything but the appointment itself; other words need no time looked at.
    """

    def __init__(self, bookings: Bookings, circumstances: Circumstances) -> None:
        self._bookings = bookings
        self._world = circumstances

    async def __call__(self, which: Which, change: Callable[[Agreed], Agreed]) -> Shown:
        """Raises NoSuchAppointment, AlreadyCancelled, ChangedMeanwhile, SlotTaken, AskLater, and what `change` does."""

        async def decide(desk: Desk) -> Shown:
            old = await _meant(desk, which)
            if old.standing is Standing.CANCELLED:
                raise AlreadyCancelled
            now = self._world.clock()
            new = old.with_agreed(change(old.agreed), Act(now, which.by))
            known = await desk.known(Window(*new.agreed.span))
            ageing = Ageing(now, self._world.stale_after)
            if new.agreed.span != old.agreed.span:
                _free(known, new, ageing)
            if new is not old:
                desk.keep(new, announcement(new, known.connection_id))
            return shown(new, known, ageing)

        done = await self._bookings.alone(which.user, decide)
        self._world.told()
        return done


class CancelAppointment:
    """Calls an appointment off; its time is free from then on. Calling it off again changes nothing."""

    def __init__(self, bookings: Bookings, circumstances: Circumstances) -> None:
        self._bookings = bookings
        self._world = circumstances

    async def __call__(self, which: Which) -> None:
        """Raises NoSuchAppointment, ChangedMeanwhile, AskLater."""

        async def decide(desk: Desk) -> None:
            old = await desk.appointment(which.appointment_id)
            if old is not None and old.standing is Standing.CANCELLED:
                return
            old = await _meant(desk, which)
            new = old.cancelled(Act(self._world.clock(), which.by))
            known = await desk.known(Window(*old.agreed.span))
            desk.keep(new, announcement(new, known.connection_id))

        await self._bookings.alone(which.user, decide)
        self._world.told()


async def _meant(desk: Desk, which: Which) -> Appointment:
    found = await desk.appointment(which.appointment_id)
    if found is None:
        raise NoSuchAppointment
    if which.revisions is not None and found.revision not in which.revisions:
        raise ChangedMeanwhile(found)
    return found


def _free(known: Known, new: Appointment, ageing: Ageing) -> None:
    span = new.agreed.span
    if taken := in_the_way(known, span, but=new.id):
        raise SlotTaken(taken)
    if is_closed(known, ageing):
        raise SlotTaken((span,), Rule.CLOSED_WHILE_STALE)
