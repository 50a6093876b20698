"""What happens to the databases during a soak: MongoDB's primary dies, Kafka goes away, in turn."""

from collections.abc import Callable
from itertools import cycle
from threading import Event
from typing import Final

from local_stack.members import PRIMARY, named
from local_stack.stack import LocalStack

_AWAY_SECONDS: Final = 15.0

Say = Callable[[str], None]


def trouble(stack: LocalStack, *, every_seconds: float, say: Say) -> Callable[[Event], None]:
    """One of them at a time, until it is over."""

    def hand(over: Event) -> None:
        for what in cycle((PRIMARY, "kafka")):
            if over.wait(every_seconds):
                return
            assert stack.state is not None
            (name,) = named(what, stack.state)
            say(f"{name} is killed")
            stack.kill(name)
            over.wait(_AWAY_SECONDS)
            stack.restart(name)

    return hand
