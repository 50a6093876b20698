"""Who starts again what a storm has killed, and wakes what it has frozen."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from threading import Event
from typing import Final

from local_stack.stack import LocalStack
from storm_orders import FREEZING_POINTS, POINTS, Deed, Done, Order, Orders
from storm_topics import rewind

LEASE_SECONDS: Final = 3.0
_ASLEEP_SECONDS: Final = LEASE_SECONDS + 2.0
_LOOK_EVERY_SECONDS: Final = 0.1
_SKEWS: Final = (0, -600, 600)
_MOST_UNBIDDEN: Final = 20
_LATEST: Final = 6
"""An order comes true at one of the first so many passings of its point."""


def drawn(random: Random, kills: int, freezes: int) -> Iterator[Order]:
    """Every point as often as any other, in an order of their own; freezes among them."""
    points = [POINTS[n % len(POINTS)] for n in range(kills)]
    deeds = [(Deed.DIE, point) for point in points]
    deeds += [(Deed.FREEZE, FREEZING_POINTS[n % len(FREEZING_POINTS)]) for n in range(freezes)]
    random.shuffle(deeds)
    for number, (deed, point) in enumerate(deeds):
        skew = random.choice(_SKEWS)
        yield Order(number, point, random.randrange(1, _LATEST), deed, clock_skew_seconds=skew)


class Keeper:
    """Watches over the workers of a stack."""

    def __init__(self, stack: LocalStack, orders: Orders, wanted: list[Order]) -> None:
        self._stack = stack
        self._orders = orders
        self._wanted = wanted
        self._given = 0
        self._asleep_since: dict[int, float] = {}
        self._awake: set[int] = set()
        self.workers = [name for name in stack.state.processes if name.startswith("sync-worker")] if stack.state else []
        self.unbidden = 0
        """Workers that ended though nobody wanted it."""

    def run(self, over: Event) -> None:
        """Until it is over."""
        while not over.wait(_LOOK_EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """Once."""
        dead = self._dead()  # before it is asked why: who dies between the two has said so
        done = self._orders.all_done()
        self._bury(dead, done)
        self._wake(done)
        if not self._orders.calm:
            self._order(len(done))

    @property
    def left(self) -> int:
        """How many of the wanted deeds have not been done."""
        return len(self._wanted) - len(self._orders.all_done())

    @property
    def all_well(self) -> bool:
        """Whether every worker runs and none is frozen."""
        frozen = {done.order.number for done in self._orders.all_done() if done.order.deed is Deed.FREEZE}
        return frozen <= self._awake and not self._dead()

    def points(self) -> Counter[str]:
        """How often a worker died, or froze, at which point."""
        return Counter(f"{done.order.deed} {done.order.point}" for done in self._orders.all_done())

    def _dead(self) -> dict[str, int]:
        state = self._stack.state
        known = state.processes if state else {}
        return {name: known[name].pid for name in self.workers if not known[name].is_alive()}

    def _bury(self, dead: Mapping[str, int], done: list[Done]) -> None:
        if dead:
            killed = {one.pid for one in done if one.order.deed is Deed.DIE}
            self.unbidden += len(set(dead.values()) - killed)
            if self.unbidden > _MOST_UNBIDDEN:
                raise AssertionError("the workers end by themselves, again and again: see their logs")
            self._stack.relaunch(*dead)

    def _wake(self, done: list[Done]) -> None:
        for one in done:
            number = one.order.number
            if one.order.deed is Deed.FREEZE and number not in self._awake:
                since = self._asleep_since.setdefault(number, time.monotonic())
                if time.monotonic() - since >= _ASLEEP_SECONDS:
                    os.kill(one.pid, signal.SIGCONT)
                    self._awake.add(number)

    def _order(self, done: int) -> None:
        """One order more than there are workers, so that whoever comes up finds one."""
        while self._given < len(self._wanted) and self._given - done <= len(self.workers):
            self._orders.give(self._wanted[self._given])
            self._given += 1


def trouble_availability(stack: LocalStack, random: Random, *, gently: bool) -> None:
    """Kill availability; or, gently, stop it and let it read again what it has read."""
    if not gently:
        stack.kill("availability")
    elif stack.state is not None:
        stack.state.processes["availability"].stop(seconds=25)
        rewind(stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"], random)
    stack.relaunch("availability")
