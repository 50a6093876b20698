"""Apple's hosts as one worker has met them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sync_worker.domain.allowance import SlowStart
from sync_worker.domain.breaker import Breaker, State, Verdict

_MOST: Final = 1_000
"""Far more than Apple has; servers name their hosts themselves."""
_FORGOTTEN_AFTER: Final = 3600.0
"""Many times the longest distance between two looks: whoever lived there has gone."""
_DESERTED_AFTER: Final = 300.0
_ONE_OF: Final = 1 / 6


@dataclass(slots=True)
class _Host:
    breaker: Breaker
    entry: bool
    asked: float
    start: SlowStart | None = None


class Hosts:
    """A breaker for each host. Those that come back share one slow start: together they begin at a tenth of the budget.

    A host that nobody has asked for an hour is forgotten: an open breaker learns only from those who ask.
    `now` and `began` are seconds on one monotonic clock.
    """

    def __init__(self, per_second: float, chance: Callable[[], float]) -> None:
        self._per_second = per_second
        self._chance = chance
        self._hosts: dict[str, _Host] = {}
        self._start: SlowStart | None = None

    def refusal(self, origin: str, now: float) -> float | None:
        """Seconds until a request has a chance to pass; None: it has one now."""
        host = self._asked(origin, now)
        return None if host is None else host.breaker.refusal(now)

    def turn(self, origin: str, now: float, patience: float) -> float | None:
        """Seconds until a request may go on, for a host that has just come back; None: beyond patience."""
        host = self._hosts.get(origin)
        if host is None or host.start is None or host.breaker.state is not State.CLOSED:
            return 0.0
        if host.start.over(now):
            host.start = None
            return 0.0
        return host.start.turn(now, patience)

    def enter(self, origin: str, now: float, *, entry: bool) -> float | None:
        """As `refusal`, and if there is none the request is on its way."""
        host = self._asked(origin, now)
        if host is None:
            self._make_room()
            host = self._hosts[origin] = _Host(Breaker(self._chance), entry, now)
        return host.breaker.enter(now)

    def heard(self, origin: str, verdict: Verdict, whose: str, *, began: float, now: float) -> tuple[State, State]:
        """Learn from an errand; the host's state before and after."""
        host = self._hosts.get(origin)
        if host is None:
            return State.CLOSED, State.CLOSED
        before = host.breaker.state
        host.breaker.heard(verdict, whose, began, now)
        after = host.breaker.state
        if after is State.CLOSED and before is not after:
            if self._start is None or self._start.over(now):
                self._start = SlowStart(self._per_second, now)
            host.start = self._start
        return before, after

    def deserted(self, origin: str, now: float) -> bool:
        """Whether somebody who lives there should ask the entry host for its home: hosts are given up for good, too.

        Not at once, not all, and not while the entry host is down itself: an outage must not double its requests.
        """
        host = self._hosts.get(origin)
        if host is None or host.entry or host.breaker.down_since is None or self.left_alone(now, entry=True):
            return False
        return now - host.breaker.down_since >= _DESERTED_AFTER and self._chance() < _ONE_OF

    def left_alone(self, now: float, *, entry: bool) -> int:
        """How many hosts are left alone at present; those that nobody asks any more are not."""
        return sum(
            host.entry is entry and host.breaker.state is not State.CLOSED and not _is_forgotten(host, now)
            for host in self._hosts.values()
        )

    def _asked(self, origin: str, now: float) -> _Host | None:
        host = self._hosts.get(origin)
        if host is not None and _is_forgotten(host, now):
            del self._hosts[origin]
            return None
        if host is not None:
            host.asked = now
        return host

    def _make_room(self) -> None:
        if len(self._hosts) >= _MOST:
            self._hosts = {one: host for one, host in self._hosts.items() if host.breaker.state is not State.CLOSED}
        if len(self._hosts) >= _MOST:
            self._hosts.clear()


def _is_forgotten(host: _Host, now: float) -> bool:
    return now - host.asked >= _FORGOTTEN_AFTER
