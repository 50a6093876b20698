"""`python -m local_stack.setup`: everything that the local stack needs beyond Python packages."""

import sys
from collections.abc import Callable
from pathlib import Path

from local_stack.checkout import KAFKA_JARS
from local_stack.checks import demand_enough_disk
from local_stack.errors import CannotGoOn
from local_stack.fetch import fetch_kafka, kafka_is_here
from local_stack.java import find_java, find_maven
from local_stack.servers.mongo import demand_mongod_runs


def set_up(say: Callable[[str], None], jars: Path = KAFKA_JARS) -> None:
    """Leave the servers ready to start; nothing happens, in no time, when they are.

    Raises CannotGoOn with everything that is missing at once.
    """
    missing: list[str] = []
    needed: list[Callable[[], object]]
    needed = [find_java, demand_mongod_runs] if kafka_is_here(jars) else [find_java, find_maven, demand_mongod_runs]
    for find in needed:
        try:
            find()
        except CannotGoOn as lack:
            missing.append(str(lack))
    if missing:
        raise CannotGoOn("\n".join(missing))
    if not kafka_is_here(jars):
        demand_enough_disk(jars)
        say("Fetching Apache Kafka (54 MB, once)")
        fetch_kafka(jars)


if __name__ == "__main__":
    try:
        set_up(print)
    except CannotGoOn as reason:
        sys.exit(str(reason))
