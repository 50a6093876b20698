from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.facts import Access
from icloud import event_id
from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.endings import Completed, Outlook, Stopped
from sync_worker.application.track_appointments import Wanted
from sync_worker.domain.appointments import Agreed, agreed
from sync_worker.domain.exports import Change, ChangeKind, Copy, Job
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.values import Span
from worker_appointments import linked
from worker_examples import ACCOUNT, HOUR, NOW, USER, disconnected, new_id
from worker_stores import Database, Store

PATH = "/1/calendars/home/"
COPY = Copy(PATH, f"{PATH}x.ics", '"1"', "says", 15, 1, 7, arrived=True)
LONG = timedelta(hours=1)


def ahead(hours: int) -> Agreed:
    start = int(datetime.now(UTC).timestamp()) + hours * HOUR
    return agreed(Span(start, start + HOUR), "Coupe", "Lyon", "Rings $twice")


def wanted(one: str, revision: int = 1, what: Agreed | None = None, *, user: str = USER) -> Wanted:
    return Wanted(one, ACCOUNT, user, revision, what)


async def want(store: Store, wish: Wanted) -> bool:
    return await store.appointments.want(wish, datetime.now(UTC))


async def connect(store: Store, **changes: object) -> Claim:
    """A connection that was read once and rests."""
    await store.connections.follow(linked(new_id(), "cal-1", alarm_minutes=15, **changes))
    (claim,) = await store.leases().claim(10)
    await store.passes.end(claim, Completed(NOW, LONG, None, outlook=Outlook(None, None, claim.setup_revision)))
    return claim


async def again(store: Store, claim: Claim) -> Claim:
    await store.connections.wake(claim.connection_id)
    (found,) = await store.leases().claim(10)
    return found


async def test_what_is_wanted_is_due_and_its_connection_with_it(store: Store) -> None:
    await connect(store)

    kept = await want(store, wanted("a", what=ahead(5)))

    (claim,) = await store.leases().claim_urgent(10)
    (job,) = await store.appointments.due(claim, 10)
    assert kept
    assert job.agreed is not None
    assert (job.appointment_id, job.revision, job.agreed.notes) == ("a", 1, "Rings $twice")
    assert claim.exports.due_at is not None
    assert claim.exports.due_at <= claim.claimed_at
    assert claim.activity.next_appointment_at == datetime.fromtimestamp(job.agreed.span.start, UTC)


async def test_the_newest_revision_wins_whatever_comes_late(store: Store) -> None:
    claim = await connect(store)
    await want(store, wanted("a", 3, ahead(5)))

    heard = [await want(store, wanted("a", revision)) for revision in (2, 3, 4)]

    (job,) = await store.appointments.due(await again(store, claim), 10)
    assert heard == [False, True, True]
    assert (job.revision, job.agreed) == (4, None)


@pytest.mark.parametrize("changes", [{"access": Access.READ_ONLY}, {"linked_id": None}], ids=["read_only", "unlinked"])
async def test_who_lets_nothing_be_written_is_not_woken(store: Store, changes: dict[str, object]) -> None:
    one = new_id()
    await store.connections.follow(linked(one, **{"linked_id": "cal-1", **changes}))  # type: ignore[arg-type]  # either
    (claim,) = await store.leases().claim(10)
    await store.passes.end(claim, Completed(NOW, LONG, None))

    await want(store, wanted("a", what=ahead(5)))

    assert not await store.leases().claim(10)
    assert (await again(store, claim)).activity.next_appointment_at is not None


@pytest.mark.parametrize("access", Access)
async def test_a_booking_during_a_pass_is_not_overlooked_by_its_end(store: Store, access: Access) -> None:
    claim = await again(store, await connect(store, access=access))

    await want(store, wanted("a", what=ahead(5)))
    await store.passes.end(claim, Completed(NOW, LONG, None, outlook=Outlook(None, None, 1)))

    (after,) = await store.leases().claim(10)
    assert after.exports.due_at is not None
    assert after.activity.next_appointment_at is not None
    assert len(await store.appointments.due(after, 10)) == 1


async def test_a_booking_wakes_nobody_whose_password_is_dead(store: Store) -> None:
    claim = await again(store, await connect(store))
    await store.passes.end(claim, Stopped(Rejections(3, since=NOW, last=NOW)))

    await want(store, wanted("a", what=ahead(5)))

    assert not await store.leases().claim(10)


async def test_an_outlook_comes_back_with_the_next_claim(store: Store) -> None:
    claim = await again(store, await connect(store))
    soon, start = claim.claimed_at + LONG, claim.claimed_at.replace(microsecond=0) + 2 * LONG

    await store.passes.end(claim, Completed(NOW, LONG, None, outlook=Outlook(soon, start, 7)))

    after = await again(store, claim)
    assert (after.exports.due_at, after.activity.next_appointment_at, after.exports.reviewed) == (soon, start, 7)
    assert (after.exports.access, after.exports.linked_calendar_id, after.exports.alarm_minutes) == (
        Access.FULL,
        "cal-1",
        15,
    )


async def test_how_far_it_has_come_is_kept(store: Store) -> None:
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    claim = await again(store, claim)
    (job,) = await store.appointments.due(claim, 10)
    change = Change(1, ChangeKind.MOVED, "theirs", Span(5, 9))
    done = replace(job, copy=COPY, left=(replace(COPY, href="/1/calendars/work/x.ics"),), change=change, tries=2)

    await store.appointments.keep(claim, done, None)

    found = await store.appointments.copied(claim, [event_id(claim.connection_id, COPY.href), "other"])
    assert list(found) == [done]
    assert list(await store.appointments.due(claim, 10)) == []
    assert await store.appointments.copied(claim, ["other"]) == []


async def test_what_is_wanted_meanwhile_stays_due_and_what_was_written_is_known(store: Store) -> None:
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    claim = await again(store, claim)
    (job,) = await store.appointments.due(claim, 10)

    await want(store, wanted("a", 2, ahead(6)))
    await store.appointments.keep(claim, replace(job, copy=COPY, tries=4), None)

    await store.leases().release([claim])
    (newer,) = await store.appointments.due(await again(store, claim), 10)
    assert (newer.revision, newer.copy, newer.tries) == (2, COPY, 0)


async def test_who_was_overtaken_notes_nothing(store: Store) -> None:
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    frozen = await again(store, claim)
    (job,) = await store.appointments.due(frozen, 10)
    await store.leases().release([frozen])
    now = await again(store, claim)

    with pytest.raises(LeaseLost):
        await store.appointments.keep(frozen, replace(job, copy=COPY), None)

    assert list(await store.appointments.due(now, 10)) == [job]


async def test_what_is_not_as_the_setup_says_is_due_again(store: Store) -> None:
    claim = await connect(store)
    for one, hours in (("there", 5), ("elsewhere", 5), ("quiet", 5), ("past", -5), ("new", 5)):
        await want(store, wanted(one, what=ahead(hours)))
    claim = await again(store, claim)
    copies = {
        "there": COPY,
        "elsewhere": replace(COPY, path="/other/"),
        "quiet": replace(COPY, alarm_minutes=None),
        "past": None,
        "new": None,
    }
    for job in await store.appointments.due(claim, 10):
        await store.appointments.keep(claim, replace(job, copy=copies[job.appointment_id]), None)

    await store.appointments.reopen(claim, PATH, int(claim.claimed_at.timestamp()))

    due = {job.appointment_id for job in await store.appointments.due(claim, 10)}
    assert due == {"elsewhere", "quiet", "new"}


@pytest.mark.parametrize(("tries", "left"), [(0, 0), (4, 1)])
async def test_a_failure_that_was_told_is_not_forgotten_when_another_setup_makes_it_due(
    store: Store, tries: int, left: int
) -> None:
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    claim = await again(store, claim)
    (job,) = await store.appointments.due(claim, 10)
    await store.appointments.keep(claim, replace(job, tries=tries), None)

    await store.appointments.reopen(claim, PATH, int(claim.claimed_at.timestamp()))

    (due,) = await store.appointments.due(claim, 10)
    assert due.tries == left


async def test_what_lies_ahead_is_told(store: Store) -> None:
    claim = await connect(store)
    first = ahead(5)
    for one, what in (("a", ahead(9)), ("b", first), ("c", ahead(-3)), ("d", None)):
        await want(store, wanted(one, what=what))
    await want(store, wanted("e", what=ahead(1), user="usr-2"))
    claim = await again(store, claim)
    later = claim.claimed_at + LONG
    for job in await store.appointments.due(claim, 10):
        await store.appointments.keep(claim, job, later if job.appointment_id == "a" else None)

    due_at, begins = await store.appointments.ahead(claim, int(claim.claimed_at.timestamp()))

    assert (due_at, begins) == (later, first.span.start)


async def test_a_disconnected_connection_leaves_what_is_wanted_and_nothing_of_what_it_wrote(store: Store) -> None:
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    claim = await again(store, claim)
    (job,) = await store.appointments.due(claim, 10)
    await store.appointments.keep(claim, replace(job, copy=COPY, left=(COPY,)), None)
    await store.connections.end(claim.connection_id, epoch=1, revision=9, whose=disconnected(claim.connection_id))

    await store.appointments.forget(claim)

    with pytest.raises(LeaseLost):
        await store.appointments.keep(claim, replace(job, copy=COPY), None)
    await store.leases().release([claim])
    (erasing,) = await store.leases().claim(10)
    await store.passes.bury(erasing)
    other = await again(store, await connect(store))
    (left,) = await store.appointments.due(other, 10)
    assert left == Job(appointment_id="a", revision=1, agreed=job.agreed)


async def test_when_the_users_own_take_place_is_known_by_name(store: Store) -> None:
    claim = await connect(store)
    what = ahead(5)
    await want(store, wanted("a", what=what))
    await want(store, wanted("b"))
    await want(store, wanted("c", what=ahead(5), user="usr-2"))

    assert await store.appointments.own(claim) == {"a": what.span, "b": None}


async def test_what_another_connection_wrote_is_not_known(store: Store) -> None:
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    claim = await again(store, claim)
    (job,) = await store.appointments.due(claim, 10)
    await store.appointments.keep(claim, replace(job, copy=COPY), claim.claimed_at)

    other = await connect(store)

    (seen,) = await store.appointments.due(other, 10)
    assert seen.copy is None


@pytest.mark.servers
async def test_nothing_of_apple_is_left_in_the_document(mine: Database) -> None:
    store = mine.store()
    claim = await connect(store)
    await want(store, wanted("a", what=ahead(5)))
    claim = await again(store, claim)
    (job,) = await store.appointments.due(claim, 10)
    await store.appointments.keep(claim, replace(job, copy=COPY, left=(COPY,)), None)

    await store.appointments.forget(claim)

    document = await mine.client[mine.name]["appointments"].find_one({"_id": "a"})
    assert document is not None
    assert PATH not in str(document)
    assert claim.connection_id not in str(document)
    assert document["expires_at"] > datetime.now(UTC)
