"""Following what is booked in CrocoClick."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.events import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from runtime.clock import Clock
from runtime.logs import get_logger
from sync_worker.domain.appointments import Agreed, agreed
from sync_worker.domain.values import Span

AppointmentNews = AppointmentBooked | AppointmentRescheduled | AppointmentCancelled

_log = get_logger("sync_worker.track_appointments")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An appointment as CrocoClick has it by now; nothing is agreed on in a cancelled one."""

    appointment_id: str
    account_id: str
    user_id: str
    revision: int
    agreed: Agreed | None


class Appointments(Protocol):
    """All users' appointments, whether or not they have a connection, until long after their end."""

    async def want(self, wanted: Wanted, now: datetime) -> bool:
        """Keep it, and have its user's connection looked at as soon as Apple allows. False: a newer one is known."""


class TrackAppointments:
    """Keeps what the linked calendars are to show; the larger revision counts, whatever is said twice or late."""

    def __init__(self, appointments: Appointments, clock: Clock) -> None:
        self._appointments = appointments
        self._clock = clock

    async def __call__(self, news: AppointmentNews) -> bool:
        """Take note; False when there was nothing to take note of: it was old news, or no calendar can show it.

        The latter is never refused: it is what a user has put in, and refusals of some stop what all have put in.
        """
        try:
            wanted = Wanted(news.appointment_id, news.account_id, news.user_id, news.revision, _agreed(news))
        except ValueError:
            _log.error("appointment_unusable", appointment_id=news.appointment_id, revision=news.revision)
            return False
        return await self._appointments.want(wanted, self._clock())


def _agreed(news: AppointmentNews) -> Agreed | None:
    """Raises ValueError for a time that no calendar can show."""
    if isinstance(news, AppointmentCancelled):
        return None
    return agreed(Span(news.start, news.end), news.title, news.location, news.notes)
