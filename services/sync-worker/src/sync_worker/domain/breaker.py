"""When a host of Apple's is left alone: it fails for many, so nobody's request can tell us more than a probe's."""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

WINDOW: Final = 60.0
"""Seconds that an answer counts."""
_REMEMBERED: Final = 50
_LEAST: Final = 10
_ACCOUNTS: Final = 3
_IN_A_ROW: Final = 5
_ROW_SECONDS: Final = 30.0
FIRST_WAIT: Final = 5.0
"""A host is often away for a second: accounts that are waited for must not wait half a minute for that."""
LONGEST_WAIT: Final = 120.0
"""Between two probes: short enough that two poll intervals after an outage all is well again."""
_JITTER: Final = 0.2
_LOST_PROBE: Final = 300.0


class Verdict(Enum):
    """What an errand said about its host."""

    GOOD = auto()
    """It answers; a refusal is an answer."""
    BAD = auto()
    """No connection, no answer in time, or an error of its own."""
    BUSY = auto()
    """It throttles this account and says for how long: its limits work, but it is no proof of health."""
    NOTHING = auto()


class State(Enum):
    """What a breaker lets through."""

    CLOSED = auto()
    OPEN = auto()
    PROBING = auto()


class Breaker:
    """Judges one host.

    Opens when, within a minute, half of at least ten answers are bad and at least three accounts met them; or when five
    in a row are bad over half a minute, however few accounts live there. Then nothing passes but one probe at a time,
    the first five seconds later, each next one after twice the time, two minutes at most. The first good probe closes
    it. Should it open again within a minute the time goes on doubling: a host that comes and goes is left alone longer.

    `now` and `began` are seconds on one monotonic clock, `chance` gives numbers in [0, 1).
    """

    __slots__ = ("_answers", "_chance", "_due", "_row", "_row_since", "_since", "_wait", "down_since", "state")

    def __init__(self, chance: Callable[[], float]) -> None:
        self.state = State.CLOSED
        self.down_since: float | None = None
        self._chance = chance
        self._since = float("-inf")
        self._wait = FIRST_WAIT
        self._clear()

    def refusal(self, now: float) -> float | None:
        """Seconds until a request has a chance to pass; None: it has one now."""
        if self.state is State.CLOSED:
            return None
        if self.state is State.PROBING:
            return FIRST_WAIT if now - self._since < _LOST_PROBE else None
        return self._due - now if now < self._due else None

    def enter(self, now: float) -> float | None:
        """As `refusal`, and if there is none the request is on its way: in an open breaker as the probe."""
        refused = self.refusal(now)
        if refused is None and self.state is not State.CLOSED:
            self._become(State.PROBING, now)
        return refused

    def heard(self, verdict: Verdict, whose: str, began: float, now: float) -> None:
        """Learn from an errand. One that began before the breaker's last change says nothing about the host since."""
        if began < self._since or self.state is State.OPEN:
            return
        if self.state is State.PROBING:
            self._probed(verdict, now)
        elif verdict is Verdict.GOOD or verdict is Verdict.BAD:
            self._count(verdict, whose, now)

    def _count(self, verdict: Verdict, whose: str, now: float) -> None:
        bad = verdict is Verdict.BAD
        self._answers.append((now, whose if bad else None))
        if not bad:
            self._row = 0
            return
        if self._row == 0:
            self._row_since = now
        self._row += 1
        if self._fails(now):
            self.down_since = now
            self._open(now, self._longer() if now - self._since < WINDOW else FIRST_WAIT)

    def _fails(self, now: float) -> bool:
        if self._row >= _IN_A_ROW and now - self._row_since >= _ROW_SECONDS:
            return True
        recent = [whose for at, whose in self._answers if now - at < WINDOW]
        bad = [whose for whose in recent if whose is not None]
        return len(bad) >= _LEAST and 2 * len(bad) >= len(recent) and len(set(bad)) >= _ACCOUNTS

    def _probed(self, verdict: Verdict, now: float) -> None:
        match verdict:
            case Verdict.GOOD:
                self._become(State.CLOSED, now)
                self.down_since = None
                self._clear()
            case Verdict.BAD:
                self._open(now, self._longer())
            case Verdict.BUSY:
                self._open(now, self._wait)
            case Verdict.NOTHING:
                self._become(State.OPEN, now)
                self._due = now

    def _longer(self) -> float:
        return min(2 * self._wait, LONGEST_WAIT)

    def _open(self, now: float, wait: float) -> None:
        self._become(State.OPEN, now)
        self._wait = wait
        self._due = now + wait * (1.0 + _JITTER * self._chance())

    def _become(self, state: State, now: float) -> None:
        self.state = state
        self._since = now

    def _clear(self) -> None:
        self._answers: deque[tuple[float, str | None]] = deque(maxlen=_REMEMBERED)
        self._row = 0
        self._row_since = self._due = 0.0
