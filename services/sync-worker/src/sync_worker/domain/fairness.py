"""Which of many due connections come first, so that no CrocoClick account keeps the others waiting."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True, slots=True)
class Due:
    """A connection that waits for its pass."""

    connection_id: str
    account_id: str


def fair(waiting: Iterable[Due], limit: int, busy: Mapping[str, int]) -> list[str]:
    """Choose up to `limit` of `waiting`, which comes longest due first.

    Each place goes to the account that has the fewest, those it holds already (`busy`) among them; within an account,
    and between equals, to who waits longest. Nobody's places stay empty for another's sake.
    """
    queues: dict[str, list[tuple[int, str]]] = {}
    for age, one in enumerate(waiting):
        queues.setdefault(one.account_id, []).append((age, one.connection_id))
    for queue in queues.values():
        queue.reverse()
    turns = [(busy.get(account, 0), queue[-1][0], account) for account, queue in queues.items()]
    heapify(turns)
    chosen: list[str] = []
    while turns and len(chosen) < limit:
        places, _, account = heappop(turns)
        queue = queues[account]
        chosen.append(queue.pop()[1])
        if queue:
            heappush(turns, (places + 1, queue[-1][0], account))
    return chosen


def crowding(waiting: Sequence[Due], window: int) -> Collection[str]:
    """The accounts that leave no view of the others: together most of a full `window`, each a fifth of it or more."""
    if len(waiting) < window:
        return ()
    many = {
        account: count for account, count in Counter(one.account_id for one in waiting).items() if count * 5 >= window
    }
    return tuple(many) if sum(many.values()) * 2 > window else ()
