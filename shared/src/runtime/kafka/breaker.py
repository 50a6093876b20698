"""When too many records are refused, it is our bug, not theirs: stop before the topic lies in the dead letters."""

from collections import deque
from typing import Final

WINDOW: Final = 1_000
"""Records looked back at."""
TOLERATED: Final = 10
"""Dead ones among them: 1 % of the window."""
IN_A_ROW: Final = 20
"""Dead ones one after the other; this rule holds from the first record on, the other once the window is full."""


class Breaker:
    """Counts the fates of one topic's records; once open it stays open until the process is started anew."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=WINDOW)
        self._row = 0
        self.open = False

    def done(self, records: int) -> None:
        """So many records were done, in a row."""
        if records:
            self._last.extend([0] * min(records, WINDOW))
            self._row = 0

    def dead(self) -> None:
        """One record went to the dead letters."""
        self._last.append(1)
        self._row += 1
        full = len(self._last) == WINDOW
        self.open = self.open or self._row >= IN_A_ROW or (full and sum(self._last) > TOLERATED)
