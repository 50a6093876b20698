"""Whether the user still allows what a pass began with."""

import pytest

from contracts.facts import Access
from sync_worker.application.claim import Claim, LeaseLost
from worker_appointments import linked
from worker_examples import disconnected, new_id
from worker_stores import Store


async def connect(store: Store, linked_id: str | None = "cal-1", **changes: object) -> Claim:
    await store.connections.follow(linked(new_id(), linked_id, **changes))  # type: ignore[arg-type]  # each fits its field
    (claim,) = await store.leases().claim(10)
    return claim


async def test_what_the_claim_says_is_allowed_until_the_user_says_otherwise(store: Store) -> None:
    claim = await connect(store)

    assert await store.appointments.allowed(claim)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"access": Access.READ_ONLY}, False),
        ({"linked_id": None}, False),
        ({"linked_id": "cal-2"}, False),
        ({"alarm_minutes": 5}, True),
    ],
)
async def test_the_users_last_word_counts(store: Store, changes: dict[str, object], *, allowed: bool) -> None:
    claim = await connect(store)

    await store.connections.follow(linked(claim.connection_id, **{"linked_id": "cal-1", "revision": 2, **changes}))  # type: ignore[arg-type]  # each fits its field

    assert await store.appointments.allowed(claim) is allowed


@pytest.mark.parametrize("changes", [{"access": Access.READ_ONLY}, {"linked_id": None}], ids=["read_only", "unlinked"])
async def test_what_was_not_allowed_when_the_pass_began_is_not(store: Store, changes: dict[str, object]) -> None:
    claim = await connect(store, **changes)  # type: ignore[arg-type]  # each fits its field

    assert not await store.appointments.allowed(claim)


async def test_nothing_is_allowed_to_who_was_overtaken_or_after_the_end(store: Store) -> None:
    overtaken = await connect(store)
    await store.leases().release([overtaken])
    (claim,) = await store.leases().claim(10)
    await store.connections.end(claim.connection_id, epoch=1, revision=9, whose=disconnected(claim.connection_id))

    for one in (overtaken, claim):
        with pytest.raises(LeaseLost):
            await store.appointments.allowed(one)


async def test_a_reconnect_ends_what_was_allowed_before(store: Store) -> None:
    claim = await connect(store)

    await store.connections.follow(linked(claim.connection_id, "cal-1", epoch=2))

    with pytest.raises(LeaseLost):
        await store.appointments.allowed(claim)
