"""What the machine must offer before anything is started."""

import shutil
from collections.abc import Collection
from pathlib import Path

from local_stack.errors import CannotGoOn
from local_stack.fetch import kafka_is_here
from local_stack.java import find_java, find_maven
from local_stack.servers.mongo import mongod

_GIBIBYTE = 1024**3
NEEDED_BYTES = _GIBIBYTE  # MongoDB's journal and Kafka's first segments take half of it


def demand_enough_disk(folder: Path) -> None:
    """Raise CannotGoOn when less than 1 GiB is free where `folder` is, or will be."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if free < NEEDED_BYTES:
        gibibytes = f"{free / _GIBIBYTE:.1f}"
        msg = (
            f"Only {gibibytes} GiB are free on the disk of {existing}; 1 GiB is needed. "
            "Make room, or name a folder on another disk with --data."
        )
        raise CannotGoOn(msg)


def demand_programs(parts: Collection[str]) -> None:
    """Raise CannotGoOn when a program that one of these parts needs is missing or too old."""
    if "kafka" in parts:
        find_java()
        if not kafka_is_here():
            find_maven()
    if "mongodb" in parts:
        mongod()
