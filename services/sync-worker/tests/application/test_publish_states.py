"""Publishing and marking are one thing, whatever happens to the pass."""

import asyncio
from collections.abc import Sequence

from contracts.facts import OccurrenceFacts
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import PublishStates, Said
from sync_worker.domain.outbox import Content
from sync_worker.domain.values import FactGroup, Facts
from worker_examples import HOUR, connected, imported, moment, new_id
from worker_fakes import FakeEvents
from worker_stores import Store
from worker_waiting import eventually


class SlowEvents(FakeEvents):
    """Takes everything at once, and acknowledges it only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledges = asyncio.Event()

    async def publish(self, said: Sequence[Said]) -> None:
        await self.acknowledges.wait()
        await super().publish(said)


async def claimed(store: Store) -> Claim:
    await store.connections.follow(connected(new_id(), "cal-1"))
    (claim,) = await store.leases().claim(1)
    return claim


async def test_a_pass_that_is_cancelled_while_it_publishes_still_says_the_newest_last(store: Store) -> None:
    claim, events = await claimed(store), SlowEvents()
    old, new = imported("e1"), imported("e1", revision=2, digest="newer")
    await store.objects.write(claim, [old])
    late = asyncio.create_task(PublishStates(store.objects, events)(claim, [old]))
    await asyncio.sleep(0)
    await store.objects.write(claim, [new])
    await PublishStates(store.objects, others := FakeEvents())(claim, [new])

    late.cancel()
    events.acknowledges.set()
    await asyncio.wait([late])

    assert late.cancelled()
    assert [one.revision for one in others.topic().values()] == [2]
    assert [revision for _, revision in events.history("e1")] == [1, 2]


async def test_what_was_handed_over_is_put_right_even_without_a_lease(store: Store) -> None:
    claim, events = await claimed(store), SlowEvents()
    old, new = imported("e1"), imported("e1", revision=2, digest="newer")
    await store.objects.write(claim, [old])
    late = asyncio.create_task(PublishStates(store.objects, events)(claim, [old]))
    await asyncio.sleep(0)
    await store.objects.write(claim, [new])
    await store.objects.mark(claim, {"e1": 2})

    claim.lease._until = float("-inf")
    events.acknowledges.set()

    async def said() -> bool | None:
        return late.done() or None

    await eventually(said)
    assert [revision for _, revision in events.history("e1")] == [1, 2]


async def test_what_cannot_be_said_blocks_its_time_and_stops_nothing(store: Store) -> None:
    claim, events = await claimed(store), FakeEvents()
    start = moment("2027-03-02T10:00")
    groups = (FactGroup(Facts(cancelled=True), ((start + HOUR, start), (start, start + 1))),)
    wrong = imported("e1", content=Content("uid", "Dentist", all_day=False, groups=groups))
    await store.objects.write(claim, [wrong, imported("e2")])

    await PublishStates(store.objects, events).leftover(claim)

    (busy,) = events.topic()["e1"].occurrences
    assert events.topic().keys() == {"e1", "e2"}
    assert (busy.facts, busy.spans) == (OccurrenceFacts(), ((start, start + 1), (start, start + HOUR)))
    assert not await store.objects.pending(claim, 10)
