"""One CrocoClick account's 90 % share does not starve the rest (R28). Minutes pass in simulation."""

from collections import Counter, deque
from random import Random

import pytest

from sync_worker.domain.fairness import Due, crowding, fair


def due(*accounts: str) -> list[Due]:
    return [Due(f"{account}{n}", account) for n, account in enumerate(accounts)]


@pytest.mark.parametrize(
    ("waiting", "limit", "busy", "chosen"),
    [
        ("", 3, {}, []),
        ("abc", 2, {}, ["a0", "b1"]),
        ("aaab", 2, {}, ["a0", "b3"]),
        ("aaaa", 3, {}, ["a0", "a1", "a2"]),
        ("aaabbc", 5, {}, ["a0", "b3", "c5", "a1", "b4"]),
        ("aab", 1, {"a": 7}, ["b2"]),
        ("aab", 2, {"b": 1}, ["a0", "a1"]),
        ("ba", 1, {"a": 2, "b": 2}, ["b0"]),
        ("ab", 9, {}, ["a0", "b1"]),
    ],
)
def test_each_place_goes_to_who_has_the_fewest_then_to_who_waits_longest(
    waiting: str, limit: int, busy: dict[str, int], chosen: list[str]
) -> None:
    assert fair(due(*waiting), limit, busy) == chosen


@pytest.mark.parametrize(
    ("waiting", "crowd"),
    [
        ("a" * 9, ()),
        ("a" * 10, ("a",)),
        ("aaaaaabcde", ("a",)),
        ("aaabbbcdef", ("a", "b")),
        ("aabbccddef", ("a", "b", "c", "d")),
        ("aabbcdefgh", ()),
        ("abcdefghij", ()),
    ],
)
def test_a_crowd_is_who_fills_most_of_a_full_window(waiting: str, crowd: tuple[str, ...]) -> None:
    assert tuple(crowding(due(*waiting), window=10)) == crowd


class Worker:
    """One worker of ten places; each pass takes a second. It looks into one of eight buckets at a time, as production
    does, and sees only a window of each."""

    def __init__(self, backlog: dict[str, int], everybody: int, *, others_seen: bool) -> None:
        self.chance = Random(7)  # noqa: S311 - the same course in every run
        self.waiting: list[deque[tuple[int, Due]]] = [deque() for _ in range(8)]
        self.running: list[Due] = []
        self.delays: dict[str, list[int]] = {}
        self.everybody = everybody
        self.others_seen = others_seen
        for account, count in backlog.items():
            for n in range(count):
                self.arrive(0, Due(f"{account}-{n}", account))

    def arrive(self, second: int, one: Due) -> None:
        self.waiting[self.chance.randrange(8)].append((second, one))

    def run(self, seconds: int) -> None:
        for second in range(seconds):
            self.running = []
            # The others ask for one tenth of the places.
            self.arrive(second, Due(f"{second}", f"other-{second % self.everybody}"))
            while len(self.running) < 10:
                self._claim(second)

    def _claim(self, second: int) -> None:
        bucket = self.chance.choice([one for one in self.waiting if one])
        window = [one for _, one in bucket][:50]
        if self.others_seen and (crowd := crowding(window, 50)):
            window += [one for _, one in bucket if one.account_id not in crowd][:50]
        chosen = fair(window, min(3, 10 - len(self.running)), Counter(one.account_id for one in self.running))
        for since, one in list(bucket):
            if one.connection_id in chosen:
                bucket.remove((since, one))
                self.running.append(one)
                self.delays.setdefault(one.account_id, []).append(second - since)

    def longest(self) -> int:
        """How long others waited."""
        served = [delay for account, delays in self.delays.items() if account != "giant" for delay in delays]
        return max(served, default=0)

    def still(self) -> int:
        """How many others wait in the end."""
        return sum(one.account_id != "giant" for bucket in self.waiting for _, one in bucket)


def test_a_giants_backlog_delays_the_others_by_seconds_and_itself_by_no_more_than_it_must() -> None:
    worker = Worker({"giant": 3_600}, everybody=30, others_seen=True)

    worker.run(300)

    assert worker.longest() <= 30
    assert worker.still() <= 5
    assert sum(map(len, worker.delays.values())) == 3_000


def test_without_looking_behind_the_crowd_the_others_would_starve() -> None:
    worker = Worker({"giant": 3_600}, everybody=30, others_seen=False)

    worker.run(300)

    assert worker.still() >= 250


def test_two_giants_share_what_the_others_leave() -> None:
    worker = Worker({"giant": 2_000, "other-giant": 2_000}, everybody=30, others_seen=True)

    worker.run(300)

    shares = [len(worker.delays[one]) for one in ("giant", "other-giant")]
    assert max(shares) < 1.2 * min(shares)
