"""What bookings need of a store."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from availability.domain.appointments import Announcement, Appointment
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.busy import Known
from availability.domain.exports import Export
from availability.domain.freshness import State
from availability.domain.intervals import Span, Window
from availability.domain.users import User

T = TypeVar("T")

PAGE: Final = 50
"""So many of a list are read at once: with the longest words and histories, some three megabytes."""

Place = tuple[int, str]
"""Where one stands in a list of appointments or of blocked slots: its start, and its id."""


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's idempotency key, and what it was used for; both as hashes."""

    id: str
    wish: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An appointment as its caller sees it, and how well its user's calendars are known."""

    appointment: Appointment
    export: Export
    as_of: datetime | None
    state: State

    @property
    def user(self) -> User:
        return self.appointment.user

    @property
    def place(self) -> Place:
        return self.appointment.place


@dataclass(frozen=True, slots=True)
class Taken:
    """The time was taken, and by what."""

    spans: tuple[Span, ...]


Answer = Shown | Taken | BlockedSlot
"""To a booking, or to time off."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A key with the wish that it belongs to, and the answer that was given to it; None: not yet."""

    key: Key
    answer: Answer | None


class Desk(Protocol):
    """Where one decision about a user's time is taken.

    What is read holds for as long as it takes to decide; what is written is written when the decision is taken,
    all of it or nothing.
    """

    async def known(self, window: Window) -> Known:
        """All that is known of the user around `window`."""

    async def appointment(self, appointment_id: str) -> Appointment | None:
        """That appointment, if it is the user's."""

    async def slot(self, slot_id: str) -> BlockedSlot | None:
        """That blocked slot, if it is the user's."""

    async def answered(self, key: Key) -> Answer | None:
        """The answer that this key got."""

    def keep(self, appointment: Appointment, announcement: Announcement) -> None:
        """Keep a new or changed appointment, and let its announcement wait to be told."""

    def block(self, slot: BlockedSlot) -> None:
        """Keep a blocked slot."""

    def unblock(self, slot: BlockedSlot, now: datetime) -> None:
        """Delete a blocked slot."""

    def remember(self, key: Key, answer: Answer) -> None:
        """Give this answer to this key until it lapses."""


class Bookings(Protocol):
    """Appointments and blocked slots of all users. Every call may raise AskLater."""

    async def alone(self, user: User, decide: Callable[[Desk], Awaitable[T]]) -> T:
        """What `decide` returns; when it raises nothing is written.

        Of two decisions about one user's time the later sees all that the earlier wrote, and a process that dies holds
        up nobody. `decide` is called anew after a collision, a bounded number of times.
        """

    async def known(self, user: User, window: Window) -> Known:
        """All that is known of a user around `window`, as of one moment."""

    async def find(self, account_id: str, appointment_id: str) -> Appointment | None:
        """The appointment of that id in that account."""

    async def between(self, user: User, window: Window, after: Place | None = None) -> Sequence[Appointment]:
        """The user's appointments that take time of the window, by their place; the first PAGE of those after it."""

    async def cancelled(self, user: User, window: Window, after: Place | None = None) -> Sequence[Appointment]:
        """Those that would, and were called off within the last thirty days, in the same way."""

    async def slot(self, user: User, slot_id: str) -> BlockedSlot | None:
        """The blocked slot of that id, if it is the user's."""

    async def slots(self, user: User, span: Span, after: Place | None = None) -> Sequence[BlockedSlot]:
        """The user's blocked slots that take time of `span`, in the same way."""

    async def take(self, key: Key) -> KeptAnswer:
        """Let the key be this wish's for 24 hours, unless it is another's already; what is kept for it."""

    async def refuse(self, key: Key, answer: Taken) -> Answer:
        """Give this answer to this key until it lapses, unless it has got one; the one that it has."""
