from dataclasses import replace

from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.domain.connection import Connection, News
from connector.domain.sync import Word
from connector_examples import CALENDARS, LATER, MARIE, SECRET, WORK, connection
from connector_fakes import FakeConnections


async def test_changed_calendars_are_kept_and_told_to_the_others() -> None:
    store, rings = FakeConnections(), []
    await store.add(connection("c-1", MARIE), SECRET)

    await RecordCalendars(store, lambda: LATER, lambda: rings.append(1))(Word("c-1", 1, 5), (*CALENDARS, WORK))

    found = await store.of(MARIE)
    assert found
    assert found.terms.calendars == (*CALENDARS, WORK)
    assert [one.news for one in store.kept["c-1"].pending] == [News.CONNECTED, News.SETUP_CHANGED]
    assert rings == [1]


async def test_the_same_word_about_calendars_heard_twice_is_one_change() -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    record = RecordCalendars(store, lambda: LATER, lambda: None)

    for _ in range(2):
        await record(Word("c-1", 1, 5), (*CALENDARS, WORK))

    assert len(store.kept["c-1"].pending) == 2


async def test_calendars_of_another_epoch_or_an_unknown_connection_are_ignored() -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    record = RecordCalendars(store, lambda: LATER, lambda: None)

    await record(Word("c-1", 2, 5), ())
    await record(Word("c-9", 1, 5), ())

    assert await store.of(MARIE) == connection("c-1", MARIE)


class ChangedMeanwhile(FakeConnections):
    """Somebody else changes the connection between its being read and replaced, once."""

    async def replace(self, old: Connection, new: Connection) -> bool:
        kept = self.kept[old.id]
        if kept.entity.revision == 1:
            kept.entity = replace(connection("c-1", MARIE), revision=2)
        return await super().replace(old, new)


async def test_a_change_that_came_between_is_built_upon() -> None:
    store = ChangedMeanwhile()
    await store.add(connection("c-1", MARIE), SECRET)

    await RecordCalendars(store, lambda: LATER, lambda: None)(Word("c-1", 1, 5), (*CALENDARS, WORK))

    found = await store.of(MARIE)
    assert found
    assert found.revision == 3


async def test_no_reports_ask_nothing_of_the_store() -> None:
    await RecordReports(None)([])  # type: ignore[arg-type]  # it must not be touched
