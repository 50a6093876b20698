"""The deletion guard: no mass removal on one answer (Apple has answered with empty calendars before)."""

from dataclasses import dataclass
from enum import StrEnum

# Fewer than this may vanish at once whatever the size: people tidy up.
ALWAYS_BELIEVED = 10
# So many removed one by one, each by its name, are not yet the emptying of a calendar.
_FEW = 2


class Doubt(StrEnum):
    """Why removals are held."""

    INCOMPLETE = "incomplete"
    EMPTIED = "emptied"
    SHRUNKEN = "shrunken"
    VANISHED = "vanished"
    """The home does not show the calendar any more, or not as a calendar of events."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The removals may be carried out."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The removals wait for a second look, made another way; what they would free stays blocked until then."""

    doubt: Doubt


def judge(*, known: int, removed: int, complete: bool = True) -> Confirm | Hold:
    """Decide on `removed` of the `known` objects that the listing could prove.

    `complete` is False when the answer was cut off, odd, or said itself that it is partial.
    """
    if not removed:
        return Confirm()
    if not complete:
        return Hold(Doubt.INCOMPLETE)
    if removed >= known:
        return Hold(Doubt.EMPTIED)
    if removed > max(ALWAYS_BELIEVED, known / 2):
        return Hold(Doubt.SHRUNKEN)
    return Confirm()


def judge_named(*, known: int, removed: int) -> Confirm | Hold:
    """Decide on `removed` of the `known` objects of a calendar, each of which the server itself has called deleted."""
    return judge(known=known, removed=removed) if matters(removed) else Confirm()


def matters(removed: int) -> bool:
    """Whether it depends on the size of the calendar what is believed of so many named removals."""
    return removed > _FEW
