"""Whether a 401 is about one password, or about Apple (R13)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LATELY: Final = timedelta(minutes=20)
"""What belongs together. Longer than a confirmation takes, and than the pause between two tries within a wave."""
FEWEST: Final = 3
"""One or two dead passwords in twenty minutes happen in the smallest fleet."""
MOST: Final = 400
"""As many are a wave however large the fleet: if one password in a thousand dies a day, of a million fourteen do in
that time."""
ONE_IN: Final = 50


@dataclass(frozen=True, slots=True)
class Refused:
    """What the fleet sees: connections refused lately, counted up to `MOST`, and looked at, counted up to `enough`."""

    lately: int
    of: int


def enough(lately: int) -> int:
    """How many connections need counting to judge so many refused ones: if there are more, it is no wave."""
    return lately * ONE_IN + 1


def is_wave(refused: Refused) -> bool:
    """Whether so many at once cannot all have changed their passwords: one in fifty, but at least three."""
    if refused.lately >= MOST:
        return True
    return refused.lately >= FEWEST and refused.of <= refused.lately * ONE_IN
