"""Appointments as their callers see them."""

from collections.abc import Sequence
from datetime import timedelta

from availability.application.bookings import PAGE, Bookings, Place, Shown
from availability.application.refusals import NoSuchAppointment
from availability.domain.appointments import Appointment, Standing
from availability.domain.busy import Known
from availability.domain.exports import export_of, removal_of
from availability.domain.freshness import Ageing, freshness
from availability.domain.intervals import Window
from availability.domain.users import User
from runtime.clock import Clock


def shown(appointment: Appointment, known: Known, ageing: Ageing) -> Shown:
    """The appointment with its export, and how well its user's calendars are known."""
    if appointment.standing is Standing.CANCELLED:
        # Nothing happens to it any more: its last revision is its end.
        export = removal_of(appointment.revision, appointment.outcome, known.connections)
    else:
        export = export_of(appointment.agreed_revision, appointment.outcome, appointment.change, known.connections)
    age = freshness(known.connections, ageing, Window(*appointment.agreed.span))
    return Shown(appointment, export, age.as_of, age.state)


class ShowAppointments:
    """Answers with appointments: one by its id, or a user's around a time."""

    def __init__(self, bookings: Bookings, clock: Clock, stale_after: timedelta) -> None:
        self._bookings = bookings
        self._clock = clock
        self._stale_after = stale_after

    async def one(self, account_id: str, appointment_id: str) -> Shown:
        """Raises NoSuchAppointment, AskLater. One that was called off is shown for thirty days more."""
        found = await self._bookings.find(account_id, appointment_id)
        if found is None:
            raise NoSuchAppointment
        known = await self._bookings.known(found.user, Window(*found.agreed.span))
        return shown(found, known, self._ageing())

    async def whose(self, account_id: str, appointment_id: str) -> User:
        """The user of an appointment. Raises NoSuchAppointment, AskLater."""
        found = await self._bookings.find(account_id, appointment_id)
        if found is None:
            raise NoSuchAppointment
        return found.user

    async def between(
        self, user: User, window: Window, *, cancelled: bool = False, after: Place | None = None
    ) -> Sequence[Shown]:
        """Those that will take place, by their place; also those `cancelled` lately, if asked. Raises AskLater.

        The first PAGE of those after a place: where there are fewer, these are the last.
        """
        found = await self._bookings.between(user, window, after)
        if cancelled:
            over = await self._bookings.cancelled(user, window, after)
            found = sorted((*found, *over), key=lambda one: one.place)[:PAGE]
        known = await self._bookings.known(user, Window(window.start, window.start + 1))
        ageing = self._ageing()
        return [shown(appointment, known, ageing) for appointment in found]

    def _ageing(self) -> Ageing:
        return Ageing(self._clock(), self._stale_after)
