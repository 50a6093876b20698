"""One storm as a command: `PYTHONPATH=tests/lib python -P -m storm_run --help`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from storm import Plan, Storm
from storm_sea import sea


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when all believed the truth in the end."""
    chosen = _parser().parse_args(arguments)
    data = Path(tempfile.mkdtemp(prefix="calsync-storm-"))
    print(f"storm: seed {chosen.seed}; logs in {data}", flush=True)
    plan = Plan(
        seed=chosen.seed,
        people=chosen.people,
        changes=chosen.changes,
        a_second=chosen.a_second,
        kills=chosen.kills,
        freezes=chosen.kills // 10,
        troubles=chosen.kills // 10,
        throttles=chosen.kills // 20,
    )
    with sea(data) as waters:
        report = Storm(waters, plan).run()
    print(report)
    return 1 if report.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m storm_run", description="One storm; see storm.py.")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="default: a new one")
    parser.add_argument("--people", type=int, default=12, help="default: %(default)s")
    parser.add_argument("--changes", type=int, default=10_000, help="at least so many (default: %(default)s)")
    parser.add_argument("--a-second", type=float, default=15, help="changes (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=208, help="of workers (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
