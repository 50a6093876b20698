"""Time off that was entered in CrocoClick itself. It blocks, and never leaves for iCloud."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from availability.domain.intervals import EARLIEST, LATEST, Span
from availability.domain.users import User

LONGEST_DAYS: Final = 1_100
"""Three years: no leave is longer."""
_DAY: Final = 24 * 60 * 60


class SlotInvalid(ValueError):
    """Nobody can be off at this time."""


@dataclass(frozen=True, slots=True)
class BlockedSlot:
    """A user does not work in `span`; why is theirs to say."""

    id: str
    user: User
    span: Span
    reason: str | None
    created_at: datetime

    @property
    def place(self) -> tuple[int, str]:
        """In a list: by its start, and, where others have the same, by its id."""
        return self.span[0], self.id

    def __post_init__(self) -> None:
        start, end = self.span
        if not EARLIEST <= start < end <= LATEST or end - start > LONGEST_DAYS * _DAY:
            raise SlotInvalid(f"start must be before end, at most {LONGEST_DAYS} days apart")
