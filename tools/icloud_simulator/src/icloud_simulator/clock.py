"""The simulator's time: the machine's clock plus an offset that tests move."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(slots=True)
class MovableClock:
    """Tells the simulated now. Moving it back is allowed; ETags still grow."""

    offset: float = 0.0

    def now(self) -> float:
        """Epoch seconds, simulated."""
        return time.time() + self.offset

    def moment(self) -> datetime:
        """The same instant as an aware UTC time."""
        return datetime.fromtimestamp(self.now(), tz=UTC)
