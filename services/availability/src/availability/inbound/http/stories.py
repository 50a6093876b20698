"""What the interface can be asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from availability.application.answer import Answers
from availability.application.block_slots import BlockSlots
from availability.application.book import Book
from availability.application.change_appointments import CancelAppointment, ChangeAppointment
from availability.application.show import ShowAppointments


@dataclass(frozen=True, slots=True)
class Stories:
    """The application's stories, put together."""

    answers: Answers
    book: Book
    change: ChangeAppointment
    cancel: CancelAppointment
    show: ShowAppointments
    blocked_slots: BlockSlots
    clock: Callable[[], datetime]
