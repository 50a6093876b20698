"""A soak as a command: `PYTHONPATH=tests/lib python -P -m soak_run --help`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import SystemRandom
from threading import Event
from typing import Final

from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack
from soak_load import Load
from soak_samples import Samples
from soak_trend import Trend
from soak_trouble import trouble

_WARM_UP_MINUTES: Final = 10.0
_LEAST_SHARE: Final = 3
"""A short soak warms up for a third of it."""
_TELL_SECONDS: Final = 60.0
_MODULES: Final = {"connector": "soak_connector", "sync-worker": "soak_worker", "availability": "soak_availability"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when nothing grows, and all believe the truth in the end."""
    chosen = _parser().parse_args(arguments)
    data = Path(tempfile.mkdtemp(prefix="calsync-soak-"))
    print(f"soak: seed {chosen.seed}, {chosen.minutes:g} minutes; logs and samples in {data}", flush=True)
    with _stack(data / "stack") as stack, SimulatorAdmin(stack.env["SIMULATOR_ADMIN_URL"]) as apple:
        load = Load(stack, apple, chosen.seed, chosen.people)
        samples = Samples(stack, data / "samples.csv")
        try:
            _soak(chosen, stack, load, samples)
            apple.clear_faults()
            wrong = load.wrong()
        finally:
            load.close()
    print(f"done: {', '.join(f'{what} {number}' for what, number in sorted(load.counts.items()))}")
    seconds = 60 * min(_WARM_UP_MINUTES, chosen.minutes / _LEAST_SHARE)
    trends = samples.trends(after_seconds=seconds)
    print(_table(trends))
    print(f"WRONG in the end: {', '.join(wrong)}" if wrong else "In the end availability believes the truth.")
    return 0 if not wrong and trends and all(one.is_flat for one in trends.values()) else 1


def _soak(chosen: argparse.Namespace, stack: LocalStack, load: Load, samples: Samples) -> None:
    over, ends = Event(), time.monotonic() + 60 * chosen.minutes
    load.begin()
    every_seconds = 60 * min(chosen.trouble_every, chosen.minutes / _LEAST_SHARE)
    hands = [*load.hands(), samples.run, trouble(stack, every_seconds=every_seconds, say=_say)]
    with ThreadPoolExecutor(max_workers=len(hands)) as threads:
        working: list[Future[None]] = [threads.submit(hand, over) for hand in hands]
        try:
            while time.monotonic() < ends:
                over.wait(min(_TELL_SECONDS, max(0.0, ends - time.monotonic())))
                _demand_well(working)
        finally:
            over.set()
    _demand_well(working)


def _demand_well(working: Sequence[Future[None]]) -> None:
    for hand in working:
        if hand.done():
            hand.result()


def _stack(data: Path) -> LocalStack:
    lib = str(Path(__file__).parent)
    env = {
        "CALSYNC_POLL_INTERVAL": "PT2S",
        "CALSYNC_LEASE": "PT10S",
        "CALSYNC_ICLOUD_REQUESTS_PER_SECOND": "1000",
        "CALSYNC_ICLOUD_REQUESTS_PER_ACCOUNT_PER_MINUTE": "10000",
        "PYTHONPATH": os.pathsep.join(filter(None, (lib, os.environ.get("PYTHONPATH")))),
    }
    return LocalStack(data, ports="auto", workers=2, mongodb_members=3, env=env, modules=_MODULES)


def _table(trends: Mapping[tuple[str, str], Trend]) -> str:
    head = f"{'process':14} {'what':10} {'start':>8} {'end':>8} {'an hour':>9} {'grown':>8} {'allowed':>8}"
    lines = [
        f"{process:14} {what:10} {one.start:8.1f} {one.end:8.1f} {one.an_hour:+9.2f} {one.grown:+8.2f} "
        f"{one.allowed:8.1f}  {'flat' if one.is_flat else 'GROWS'}"
        for (process, what), one in sorted(trends.items())
    ]
    return "\n".join([head, *lines])


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m soak_run", description="One soak; see soak_load.py, soak_trend.py.")
    parser.add_argument("--minutes", type=float, default=60, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="default: a new one")
    parser.add_argument("--people", type=int, default=8, help="who stay (default: %(default)s)")
    parser.add_argument(
        "--trouble-every", type=float, default=10, metavar="MINUTES", help="a database dies (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
