"""What a wish with an idempotency key was answered."""

from availability.application.bookings import Answer, Bookings, Key, Shown, Taken
from availability.application.refusals import KeyReused, SlotTaken
from availability.domain.blocked_slots import BlockedSlot


async def answer_kept(bookings: Bookings, key: Key) -> Answer | None:
    """What this wish was answered; None: not yet, and from now on the key is its own. Raises KeyReused, AskLater."""
    kept = await bookings.take(key)
    if kept.key != key:
        raise KeyReused
    return kept.answer


def as_booking(answer: Answer) -> Shown:
    """The answer to a booking. Raises SlotTaken, KeyReused."""
    match answer:
        case Shown():
            return answer
        case Taken(spans=spans):
            raise SlotTaken(spans)
        case BlockedSlot():
            raise KeyReused


def as_time_off(answer: Answer) -> BlockedSlot:
    """The answer to who entered time off. Raises KeyReused."""
    if not isinstance(answer, BlockedSlot):
        raise KeyReused
    return answer
