"""Why a wish is not fulfilled; each is named by what the caller finds."""

from availability.domain.appointments import Appointment
from availability.domain.blocking import Rule
from availability.domain.freshness import Freshness
from availability.domain.intervals import Span


class NoSuchAppointment(Exception):
    """There is none, or it is somebody else's."""


class NoSuchBlockedSlot(Exception):
    """There is none, or it is somebody else's."""


class SlotTaken(Exception):
    """Something stands in the way: `taken` are its times, whole. Where nothing does, `rule` says why it is closed."""

    def __init__(self, taken: tuple[Span, ...], rule: Rule | None = None) -> None:
        super().__init__()
        self.taken = taken
        self.rule = rule


class KnowledgeTooOld(Exception):
    """The calendars could not be read as recently as was asked for; nothing was booked."""

    def __init__(self, known: Freshness) -> None:
        super().__init__()
        self.known = known


class KeyReused(Exception):
    """The idempotency key was used for another wish."""


class ChangedMeanwhile(Exception):
    """The appointment is not as the caller last saw it; read it again."""

    def __init__(self, appointment: Appointment) -> None:
        super().__init__()
        self.appointment = appointment


class AlreadyCancelled(Exception):
    """The appointment was called off and cannot be changed any more."""
