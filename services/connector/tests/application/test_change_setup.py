from dataclasses import replace

import pytest

from connector.application.change_setup import ChangeSetup
from connector.application.follow_sync import RecordCalendars
from connector.application.refusals import ChoiceOutdated, NoSuchConnection, UnknownCalendar
from connector.domain.calendars import Choice, ConflictCalendar, WhenStale
from connector.domain.connection import Connection, News, Owner
from connector.domain.offers import offer
from connector.domain.sync import Word
from connector_examples import CALENDARS, LATER, MARIE, PAUL, PRIVATE, SECRET, STRANGER, WORK, connection
from connector_fakes import FakeConnections

CHOICE = Choice(None, (ConflictCalendar(PRIVATE.id),), titles=True, when_stale=WhenStale.KEEP)


async def with_maries(store: FakeConnections) -> tuple[ChangeSetup, list[int]]:
    await store.add(connection("c-1", MARIE), SECRET)
    rings: list[int] = []
    return ChangeSetup(store, lambda: LATER, lambda: rings.append(1)), rings


async def test_a_choice_is_kept_and_told_to_the_others() -> None:
    store = FakeConnections()
    change, rings = await with_maries(store)

    changed = await change(MARIE, "c-1", CHOICE)

    assert await store.of(MARIE) == changed
    assert changed.terms.setup.titles
    assert [one.news for one in store.kept["c-1"].pending] == [News.CONNECTED, News.SETUP_CHANGED]
    assert rings == [1]


async def test_the_same_choice_again_is_no_news() -> None:
    store = FakeConnections()
    change, rings = await with_maries(store)

    once = await change(MARIE, "c-1", CHOICE)
    again = await change(MARIE, "c-1", CHOICE)

    assert again == once
    assert (len(store.kept["c-1"].pending), rings) == (2, [1])


async def test_what_cannot_be_chosen_changes_nothing() -> None:
    store = FakeConnections()
    change, rings = await with_maries(store)

    with pytest.raises(UnknownCalendar):
        await change(MARIE, "c-1", replace(CHOICE, conflict_calendars=(ConflictCalendar("nobody's"),)))

    assert (await store.of(MARIE), rings) == (connection("c-1", MARIE), [])


@pytest.mark.parametrize(("who", "which"), [(PAUL, "c-1"), (STRANGER, "c-1"), (MARIE, "c-2")])
async def test_what_is_not_ones_own_is_not_there(who: Owner, which: str) -> None:
    store = FakeConnections()
    change, _ = await with_maries(store)

    with pytest.raises(NoSuchConnection):
        await change(who, which, CHOICE)


class NewCalendarMeanwhile(FakeConnections):
    """The workers tell of a new calendar between the connection's being read and replaced, once."""

    async def replace(self, old: Connection, new: Connection) -> bool:
        if old.calendars_told == 0 and new.calendars_told == 0:
            record = RecordCalendars(self, lambda: LATER, lambda: None)
            await record(Word("c-1", 1, 5), (*CALENDARS, WORK))
        return await super().replace(old, new)


async def test_a_choice_is_made_upon_what_came_between() -> None:
    store = NewCalendarMeanwhile()
    change, _ = await with_maries(store)

    changed = await change(MARIE, "c-1", CHOICE)

    assert changed.terms.calendars == (*CALENDARS, WORK)
    assert changed.terms.setup.conflict_ids == {PRIVATE.id}
    assert [one.revision for one in store.kept["c-1"].pending] == [1, 2, 3]


async def test_a_choice_from_a_form_is_not_made_upon_what_its_reader_did_not_see() -> None:
    store = NewCalendarMeanwhile()
    change, _ = await with_maries(store)

    with pytest.raises(ChoiceOutdated):
        await change(MARIE, "c-1", replace(CHOICE, made_from=frozenset({offer(connection("c-1", MARIE).terms)})))

    kept = await store.of(MARIE)
    assert kept is not None
    assert WORK.id in kept.terms.setup.conflict_ids
    assert not kept.chosen
