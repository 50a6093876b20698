"""What every store of connections promises of those that change."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.application.refusals import NoSuchConnection
from connector.domain.calendars import AllDayRule, Choice, ConflictCalendar, WhenStale
from connector.domain.choosing import chosen
from connector.domain.connection import (
    Announcement,
    Connection,
    Gravestone,
    News,
    State,
    ended,
    recalendared,
    reconnected,
)
from connector.domain.reading import (
    HeldRemovals,
    Quarantined,
    Reading,
    UnreadableEvent,
)
from connector.domain.sync import Held, Read, Refused, Settled, Unreadable, Word
from connector_examples import (
    APPLE_ID,
    CALENDARS,
    LATER,
    MARIE,
    NOW,
    PRINCIPAL,
    SECRET,
    STRANGER,
    WORK,
    connection,
)
from connector_stores import Store
from icloud import AppleCredential
from icloud.credentials import SealedCredential

OTHER_SECRET = SealedCredential(AppleCredential(APPLE_ID, "mnbv-cxzl-kjhg-fdsa"), PRINCIPAL)


def end(one: Connection) -> Gravestone:
    return ended(one, at=LATER)


async def waiting(store: Store) -> list[Announcement]:
    return [one for several in await store.waiting() for one in several]


READ = Read(Word("c-1", 1, 2_001), LATER)
WAS_READ = Reading(LATER, looked_at=LATER)
HOLD = HeldRemovals("cal-club", NOW, 40, 38, "shrunken")
LOST = Quarantined("cal-private", 7, (UnreadableEvent("e-1", "not_ical", NOW, LATER), UnreadableEvent("e-2", "huge")))


def word(revision: int) -> Word:
    return Word("c-1", 1, revision)


async def test_a_replaced_connection_keeps_what_was_reported_meanwhile_and_waits_to_be_told(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    await store.connections.record([READ])
    new = recalendared(old, (*CALENDARS, WORK), told=7, at=LATER)

    assert await store.connections.replace(old, new)

    assert await store.connections.of(MARIE) == replace(new, reading=WAS_READ)
    assert await waiting(store) == [old.announcement(), new.announcement()]


async def test_a_replacement_without_news_tells_nobody(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)

    assert await store.connections.replace(old, replace(old, calendars_told=7))

    assert await waiting(store) == [old.announcement()]


async def test_what_has_changed_or_ended_meanwhile_is_not_replaced(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    new = recalendared(old, (*CALENDARS, WORK), told=7, at=LATER)
    await store.connections.replace(old, new)

    changed = await store.connections.replace(old, new)
    await store.connections.bury(MARIE, "c-1", end)
    dead = await store.connections.replace(new, recalendared(new, CALENDARS, told=8, at=LATER))

    assert (changed, dead) == (False, False)


@pytest.mark.parametrize("settled", [False, True])
async def test_what_was_told_of_a_calendar_that_goes_and_comes_stays_until_the_workers_take_it_back(
    store: Store, *, settled: bool
) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    await store.connections.record([Held(word(5), HOLD), Unreadable(word(4), LOST)])
    fewer, all_of_them = (
        Choice(None, tuple(map(ConflictCalendar, ids)), titles=False, when_stale=WhenStale.KEEP)
        for ids in (["cal-private"], ["cal-private", "cal-club"])
    )
    taken_out = chosen(old, fewer, at=LATER)
    back = chosen(taken_out, all_of_them, at=LATER)

    await store.connections.replace(old, taken_out)
    meanwhile = await store.connections.of(MARIE)
    await store.connections.record([Settled(word(6), "cal-club") if settled else Held(word(5), HOLD)])
    await store.connections.replace(taken_out, back)

    held = () if settled else (HOLD,)
    assert meanwhile is not None
    assert meanwhile.held == ()
    assert await store.connections.of(MARIE) == replace(back, reading=Reading(held=held, quarantined=(LOST,)))


async def test_a_choice_is_found_again_as_it_was(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    choice = Choice(
        None,
        (ConflictCalendar("cal-family", AllDayRule.NEVER_BLOCK),),
        titles=True,
        when_stale=WhenStale.WARN,
        alarm_minutes=30,
        time_zone="UTC",
    )
    new = chosen(old, choice, at=LATER)

    await store.connections.replace(old, new)

    found = await store.connections.of(MARIE)
    assert found == new
    assert [c.since for c in found.terms.setup.conflict_calendars] == [2]
    assert (await waiting(store))[-1] == new.announcement()


def renewed(one: Connection) -> Connection:
    return reconnected(one, replace(one.apple, hint="x…@me.com", remembered=b"sealed"), CALENDARS[:2], at=LATER)


async def test_a_renewed_connection_waits_to_be_told_and_begins_its_words_anew(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    await store.connections.record([READ, Held(word(5), HOLD), Refused(word(3_001), LATER, NOW)])

    new = await store.connections.renew(old, renewed, OTHER_SECRET)
    await store.connections.record([Read(Word("c-1", 1, 9_000), NOW), Settled(Word("c-1", 2, 1), "cal-club")])

    found = await store.connections.of(MARIE)
    assert found == replace(new, reading=replace(new.reading, held=()))
    assert (new.epoch, new.revision, new.state, new.reading.held) == (2, 2, State.CONNECTED, (HOLD,))
    assert [(one.news, one.epoch) for one in await waiting(store)] == [(News.CONNECTED, 1), (News.RECONNECTED, 2)]


async def test_two_renewals_at_once_are_two_epochs(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)

    both = await asyncio.gather(*(store.connections.renew(old, renewed, SECRET) for _ in range(2)))

    assert sorted(one.epoch for one in both) == [2, 3]
    assert len(await waiting(store)) == 3


async def test_what_has_ended_is_not_renewed(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    await store.connections.bury(MARIE, "c-1", end)

    with pytest.raises(NoSuchConnection):
        await store.connections.renew(old, renewed, SECRET)

    assert await store.secrets() == set()


async def test_one_request_is_allowed_within_a_pause(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    pause, allow = timedelta(seconds=5), store.connections.allow

    at_once = await asyncio.gather(*(allow("c-1", NOW, pause) for _ in range(5)))
    early = await allow("c-1", NOW + timedelta(seconds=2), pause)
    other_clock = await allow("c-1", NOW - timedelta(seconds=1), pause)
    late = await allow("c-1", NOW + pause, pause)

    assert at_once.count(None) == 1
    assert (early, other_clock, late) == (timedelta(seconds=3), timedelta(seconds=6), None)


async def test_the_owner_is_known_within_the_account_also_after_the_end(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    alive = await store.connections.owner_of("c-1", MARIE.account_id)
    await store.connections.bury(MARIE, "c-1", end)
    dead = await store.connections.owner_of("c-1", MARIE.account_id)

    assert (alive, dead) == (MARIE, MARIE)
    assert await store.connections.owner_of("c-1", STRANGER.account_id) is None
