"""A stack that lives as long as its terminal."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from local_stack.processes import Identity, tail
from local_stack.stack import LocalStack, Say

_LOOK_EVERY_SECONDS = 0.5
_STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_stopped(stack: LocalStack, *, say: Say, when_up: Callable[[], None]) -> None:
    """Bring the stack up, report parts that die, and stop everything on Ctrl-C or SIGTERM; data stay."""
    me = Identity.of(os.getpid())
    with interrupted_once():
        try:
            stack.up(say=say)
            when_up()
            _watch(stack, me, say)
        except KeyboardInterrupt:
            say("Stopping")
        finally:
            stack.stop_if_owned_by(me)
    say("Stopped. Data and logs are kept; `.venv/bin/python -m local_stack down` erases the data.")


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise KeyboardInterrupt, once: what tidies up is not interrupted again."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in _STOPPING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(stack: LocalStack, me: Identity, say: Say) -> None:
    """Return when somebody else stops the stack."""
    missed: set[Identity] = set()
    while (state := stack.state) is not None and state.owner == me:
        for name, identity in state.processes.items():
            if name not in state.killed and identity not in missed and not identity.is_alive():
                missed.add(identity)
                log = stack.log_file(name)
                say(
                    f"{name} died. The end of its log, {log}:\n{tail(log)}\n"
                    f"The rest runs on. Bring it back: .venv/bin/python -m local_stack restart {name}"
                )
        time.sleep(_LOOK_EVERY_SECONDS)
    say("Another terminal stopped this stack.")
