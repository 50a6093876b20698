"""Time off."""

from collections.abc import Sequence

from availability.application.book import Circumstances
from availability.application.bookings import Bookings, Desk
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

    async def add(self, user: User, span: Span, reason: str | None) -> BlockedSlot:
        """From now on nothing is booked there. Raises SlotInvalid, AskLater."""
        if span[1] > LATEST_TAKEN:
            raise SlotInvalid("nobody is off that late")
        slot = BlockedSlot(self._world.new_id(), user, span, reason, self._world.clock())

        async def decide(desk: Desk) -> None:
            desk.block(slot)

        await self._bookings.alone(user, decide)
        return slot

    async def of(self, user: User, span: Span) -> Sequence[BlockedSlot]:
        """Those that take time of `span`, by their start. Raises AskLater."""
        return await self._bookings.slots(user, span)

    async def remove(self, user: User, slot_id: str) -> None:
        """The time is free again. Raises NoSuchBlockedSlot, AskLater."""

        async def decide(desk: Desk) -> None:
            slot = await desk.slot(slot_id)
            if slot is None:
                raise NoSuchBlockedSlot
            desk.unblock(slot, self._world.clock())

        await self._bookings.alone(user, decide)
