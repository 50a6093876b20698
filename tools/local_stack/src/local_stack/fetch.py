"""Fetching Apache Kafka by Maven into the checkout."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.checkout import KAFKA_JARS, POM
from local_stack.errors import CannotGoOn
from local_stack.java import find_maven

_MARKER = "complete"
_LAST_LINES = 8


def kafka_is_here(jars: Path = KAFKA_JARS) -> bool:
    """Whether the jars that the pom names are all there."""
    marker = jars / _MARKER
    return marker.exists() and marker.read_text() == _fingerprint()


def fetch_kafka(jars: Path = KAFKA_JARS) -> Path:
    """Return the folder of jars, fetched if need be. Safe to repeat, to interrupt, and to run twice at once."""
    if kafka_is_here(jars):
        return jars
    with _alone(jars):
        if kafka_is_here(jars):
            return jars
        # Copied beside and renamed: a jar that was cut off half-way could not be told from a whole one later.
        arriving = jars.with_name(f"{jars.name}.arriving")
        shutil.rmtree(arriving, ignore_errors=True)
        _copy_dependencies(arriving)
        (arriving / _MARKER).write_text(_fingerprint())
        shutil.rmtree(jars, ignore_errors=True)
        arriving.rename(jars)
    return jars


def _copy_dependencies(target: Path) -> None:
    command = [find_maven(), "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        last = "\n".join(f"    {line}" for line in answer.stdout.splitlines()[-_LAST_LINES:])
        msg = f"Maven could not fetch Kafka. Is the network there? Run the same again to go on.\n{last}"
        raise CannotGoOn(msg)


def _fingerprint() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


@contextmanager
def _alone(jars: Path) -> Iterator[None]:
    jars.parent.mkdir(parents=True, exist_ok=True)
    with (jars.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
