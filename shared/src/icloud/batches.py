"""How many objects one multiget asks for (docs/adr/0016)."""

from typing import Final

FIRST: Final = 50
"""What clients at large ask without trouble."""
MOST: Final = 250
"""The largest that was seen to work; far larger ones time out."""
_FEWEST_SLOW: Final = 10
"""So few are not too many: an answer to them that is slow, or does not come in time, has another reason."""
_STEP: Final = 10
_QUICK_SECONDS: Final = 2.0
_SLOW_SECONDS: Final = 8.0
"""A quarter of what a read may take."""
_BYTES: Final = 2 * 1024 * 1024
"""What an answer should come to. 250 objects as people have them are 400 kB."""


class BatchSize:
    """Grows while answers come quickly, shrinks when they are slow, large or do not come in time.

    Twice as many each time until the first trouble, a few more each time after it. One for each account: what one
    partition takes says nothing about another. Knows no clock.
    """

    def __init__(self, *, most_bytes: int = _BYTES) -> None:
        self.now = FIRST
        self._bytes = min(_BYTES, most_bytes)
        self._doubling = True

    def answered(self, asked: int, *, came: int, seconds: float, size: int) -> None:
        """So many were asked, and so many came; the answer took so long and held `size` bytes."""
        if seconds > _SLOW_SECONDS:
            self._slow(asked // 2)
        elif seconds < _QUICK_SECONDS and came == asked >= self.now:
            self.now = min(2 * self.now if self._doubling else self.now + _STEP, MOST)
        fitting = self._bytes * asked // max(size, 1)
        self.now = max(min(self.now, fitting), 1)

    def too_large(self, asked: int) -> None:
        """So many were more than an answer may hold."""
        self._shrink(asked // 2)

    def too_slow(self, asked: int) -> bool:
        """So many did not come in time; whether fewer may. Twice at most for one batch: each costs a time-out."""
        if asked <= _FEWEST_SLOW:
            return False
        self._slow(asked // 5)
        return True

    def broken(self, asked: int) -> None:
        """The server failed at so many: one of them may be to blame."""
        self._shrink(asked // 5)

    def too_many(self) -> None:
        """The answer left objects out."""
        self._shrink(min(self.now, FIRST))

    def _slow(self, size: int) -> None:
        self._shrink(min(max(size, _FEWEST_SLOW), self.now))

    def _shrink(self, size: int) -> None:
        self._doubling = False
        self.now = max(size, 1)
