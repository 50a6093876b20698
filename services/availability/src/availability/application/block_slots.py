"""Time off."""

from collections.abc import Sequence

from availability.application.book import Circumstances
from availability.application.bookings import Bookings, Desk, Key, Place
from availability.application.keys import answer_kept, as_time_off
from availability.application.refusals import NoSuchBlockedSlot
from availability.domain.blocked_slots import BlockedSlot, SlotInvalid
from availability.domain.intervals import LATEST_TAKEN, Span
from availability.domain.users import User


class BlockSlots:
    """Keeps, shows and deletes the times at which a user does not work.

    Time off may be entered over an appointment: that stands, and its conflict is told.
    """

    def __init__(self, bookings: Bookings, circumstances: Circumstances) -> None:
        self._bookings = bookings
        self._world = circumstances

    async def add(self, user: User, span: Span, reason: str | None, *, key: Key | None = None) -> BlockedSlot:
        """From now on nothing is booked there. The same key gets the same answer for 24 hours.

        Raises SlotInvalid, KeyReused, AskLater.
        """
        if span[1] > LATEST_TAKEN:
            raise SlotInvalid("nobody is off that late")
        slot = BlockedSlot(self._world.new_id(), user, span, reason, self._world.clock())
        kept = None if key is None else await answer_kept(self._bookings, key)
        if kept is not None:
            return as_time_off(kept)

        async def decide(desk: Desk) -> BlockedSlot:
            given = None if key is None else await desk.answered(key)
            if given is not None:
                return as_time_off(given)
            desk.block(slot)
            if key is not None:
                desk.remember(key, slot)
            return slot

        return await self._bookings.alone(user, decide)

    async def one(self, user: User, slot_id: str) -> BlockedSlot:
        """Raises NoSuchBlockedSlot, AskLater."""
        found = await self._bookings.slot(user, slot_id)
        if found is None:
            raise NoSuchBlockedSlot
        return found

    async def of(self, user: User, span: Span, after: Place | None = None) -> Sequence[BlockedSlot]:
        """Those that take time of `span`, by their place; the first PAGE of those after it. Raises AskLater."""
        return await self._bookings.slots(user, span, after)

    async def remove(self, user: User, slot_id: str) -> None:
        """The time is free again. Raises NoSuchBlockedSlot, AskLater."""

        async def decide(desk: Desk) -> None:
            slot = await desk.slot(slot_id)
            if slot is None:
                raise NoSuchBlockedSlot
            desk.unblock(slot, self._world.clock())

        await self._bookings.alone(user, decide)
