"""What changes went through, one by one, and what waited."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from benchmarks.lib.freshness_history import Heard, History, Wait
from benchmarks.lib.freshness_people import Change

STAMPS_BY = 0.001
"""Kafka's stamps are whole milliseconds."""


@dataclass(frozen=True, slots=True)
class Course:
    """Moments of one change, epoch seconds. What a newer change of the same event overtook goes by that one."""

    made: float
    fetched: float
    on_kafka: float
    visible: float


def courses(
    changes: Sequence[Change], heard: Sequence[Heard], fetched: Mapping[str, Sequence[float]], found: History
) -> tuple[list[Course], int]:
    """The courses, and how many changes never arrived."""
    told = defaultdict[str, list[Heard]](list)
    for one in heard:
        told[one.event_id].append(one)
    arrived = []
    for change in changes:
        first = next((one for one in told[change.event_id] if one.number >= change.number), None)
        if first is None:
            continue
        shown = next((at for at, version in found.visible[change.event_id] if version >= first.version), None)
        answers = fetched[change.owner]
        # Passes over an account come one after another: what a record says was in the last answer before it.
        last = bisect_right(answers, first.stamped + STAMPS_BY)
        if shown is not None and last:
            arrived.append(Course(change.made, answers[last - 1], first.at, shown))
    return arrived, len(changes) - len(arrived)


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that so many are not above; NaN of none."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else float("nan")


def oldest(waits: Sequence[Wait], began: float, ended: float, *, every: float = 0.1) -> list[float]:
    """For how long the oldest one had waited, at each tenth of a second between; 0 where none did."""
    found = []
    for n in range(int((ended - began) / every)):
        at = began + n * every
        found.append(max((at - wait.since for wait in waits if wait.since <= at < wait.until), default=0.0))
    return found


def most_at_once(waits: Sequence[Wait], connections: Mapping[str, str]) -> tuple[int, int]:
    """How many waited at most: in all, and of one connection."""
    of_each, most, most_of_one = Counter[str](), 0, 0
    for one, step in _steps(waits, connections):
        of_each[one] += step
        most = max(most, of_each.total())
        most_of_one = max(most_of_one, of_each[one])
    return most, most_of_one


def _steps(waits: Sequence[Wait], connections: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    steps = [(wait.since, 1, wait.event_id) for wait in waits] + [(wait.until, -1, wait.event_id) for wait in waits]
    for _, step, event in sorted(steps):
        yield connections[event], step
