import time
from collections.abc import Callable

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.25


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Ask `condition` until it holds; False when `seconds` have passed before it did."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    return True
