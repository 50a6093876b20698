"""Whoever slept while telling, and was overtaken by somebody else."""

import pytest

from connector.application.publish import PublishPending, Unpublished
from connector.domain.connection import Announcement, News, ended, recalendared
from connector_examples import CALENDARS, LATER, MARIE, PAUL, SECRET, WORK, connection
from connector_fakes import FakeAnnouncer, FakeConnections


def revisions(told: list[Announcement]) -> list[tuple[str, int]]:
    return [(one.connection_id, one.revision) for one in told]


class FrozenOnce(FakeAnnouncer):
    """Before its first word reaches the others, somebody else tells and marks everything that is newer."""

    def __init__(self, store: FakeConnections) -> None:
        super().__init__()
        self._store = store
        self._awake = False

    async def announce(self, announcements: object) -> None:
        if not self._awake:
            self._awake = True
            found = await self._store.named("c-1", MARIE.account_id)
            assert found
            await self._store.bury(MARIE, "c-1", lambda one: ended(one, at=LATER))
            await PublishPending(self._store, self, lambda: LATER)()
        await super().announce(announcements)  # type: ignore[arg-type]  # handed through as it came


async def test_who_was_overtaken_while_telling_tells_the_newest_again_so_that_it_is_the_last_word() -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    others = FrozenOnce(store)

    await PublishPending(store, others, lambda: LATER)()

    assert [(one.revision, one.news) for one in others.told] == [
        (2, News.DISCONNECTED),
        (1, News.CONNECTED),
        (2, News.DISCONNECTED),
    ]


class SpoiltOnce(FrozenOnce):
    """What it was overtaken by cannot be read any more when it wakes."""

    async def announce(self, announcements: object) -> None:
        await super().announce(announcements)
        self._store.unreadable.add("c-1")


async def test_who_was_overtaken_by_what_cannot_be_told_says_so_and_lets_it_wait(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    await store.add(connection("c-2", PAUL), SECRET)
    others = SpoiltOnce(store)

    publish = PublishPending(store, others, lambda: LATER)

    told = [await publish(), await publish()]
    early, said = revisions(others.told), capsys.readouterr().out
    store.unreadable.clear()
    told.append(await publish())

    assert (told, early) == ([2, 0, 1], [("c-1", 2), ("c-2", 1), ("c-1", 1), ("c-2", 1)])
    assert said.count("connection_passed_over") == 2, "at each sweep, for as long as the older word is the last"
    assert others.told[-1].news is News.DISCONNECTED


class LostOnce(FrozenOnce):
    """It alone has told of `c-2` when it wakes, and of nobody else it can tell any more."""

    async def announce(self, announcements: object) -> None:
        sleeps = not self._awake
        if sleeps:
            self._store.unreadable.add("c-2")
        await super().announce(announcements)
        if sleeps:
            self._store.unreadable.clear()
            self.away = True


async def test_who_cannot_tell_the_newest_again_notes_what_is_out_and_lets_the_newest_wait() -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    await store.add(connection("c-2", PAUL), SECRET)
    others = LostOnce(store)

    with pytest.raises(Unpublished):
        await PublishPending(store, others, lambda: LATER)()

    end = store.kept["c-1"].entity.announcement()
    assert revisions(others.told) == [("c-1", 2), ("c-1", 1), ("c-2", 1)]
    assert (others.tries, [kept.pending for kept in store.kept.values()]) == (3, [[end], []])
    others.away = False
    assert await PublishPending(store, others, lambda: LATER)() == 1
    assert others.told[-1] == end


class OvertakenBetweenWordAndMark(FakeAnnouncer):
    """Its first word comes when somebody else has told what is newer, and has not noted that yet."""

    def __init__(self, store: FakeConnections) -> None:
        super().__init__()
        self._store = store
        self._calls = 0

    async def announce(self, announcements: object) -> None:
        self._calls += 1
        if self._calls == 1:
            first = await self._store.named("c-1", MARIE.account_id)
            assert first
            await self._store.mark(first.announcement())
            changed = recalendared(first, (*CALENDARS, WORK), told=1, at=LATER)
            assert await self._store.replace(first, changed)
            self.told.append(changed.announcement())
        await super().announce(announcements)  # type: ignore[arg-type]  # handed through as it came


async def test_who_was_overtaken_by_what_is_not_noted_yet_tells_it_again_too() -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    others = OvertakenBetweenWordAndMark(store)

    await PublishPending(store, others, lambda: LATER)()

    assert revisions(others.told) == [("c-1", 2), ("c-1", 1), ("c-1", 2)]
