"""Appointments from Kafka into the simulator's calendars, python-caldav being the user's iPhone."""
# ruff: noqa: ANN401 - any field of an event, and python-caldav's untyped objects

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from caldav.davclient import DAVClient

from contracts.events import ICloudEventImported
from contracts.facts import Access
from icloud import TryLater, calendar_id
from icloud_simulator.client import SimulatedAccount, SimulatedObject, SimulatorAdmin
from sync_worker.app import Neighbours, passes_over
from sync_worker.application.accounts import WritableAccount
from sync_worker.application.claim import Claim
from sync_worker.application.track_appointments import AppointmentNews, TrackAppointments
from sync_worker.settings import SyncSettings
from worker_appointments import ExportNews, booked, cancelled, linked, rescheduled, told
from worker_edges import Edges
from worker_examples import HOUR, new_id
from worker_waiting import eventually

pytestmark = pytest.mark.servers

SOON = int((datetime.now(UTC) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0).timestamp())


@dataclass
class User:
    """A user with an Apple account, whose `home` calendar is linked."""

    edges: Edges
    admin: SimulatorAdmin
    apple: SimulatedAccount
    connection_id: str
    user_id: str

    async def link(self, revision: int = 1, **changes: Any) -> None:
        await self.edges.say(self.setup(revision, **changes))

    def setup(self, revision: int = 1, **changes: Any) -> Any:
        ids = [calendar_id(self.connection_id, f"{self.apple.home}{name}/") for name in ("home", "work")]
        return linked(self.connection_id, *ids, user_id=self.user_id, revision=revision, **changes)

    def about(self, one: str, **changes: Any) -> Any:
        return booked(one, user_id=self.user_id, **{"start": SOON, "end": SOON + HOUR, **changes})

    async def objects(self) -> list[SimulatedObject]:
        return await asyncio.to_thread(self.admin.objects, self.apple.apple_id)

    async def text(self) -> str:
        """What the calendars hold, as one."""
        return "".join(each.ics for each in await self.objects())

    async def methods(self) -> list[str]:
        requests = await asyncio.to_thread(self.admin.requests, self.apple.apple_id)
        return [each.method for each in requests]

    def told(self) -> list[tuple[str, int]]:
        return [told(one) for one in self.edges.heard.of(self.connection_id) if isinstance(one, ExportNews)]

    async def hears(self, *news: tuple[str, int]) -> None:
        async def heard() -> bool:
            return self.told() == list(news)

        await eventually(heard, within=60)

    async def sees(self, *parts: str) -> None:
        async def seen() -> bool:
            text = await self.text()
            return all(part in text for part in parts)

        await eventually(seen, within=60)

    async def on_the_iphone(self, work: Any) -> None:
        """Do something with the one object there is."""
        (one,) = await self.objects()

        def working() -> None:
            client = DAVClient(url=self.apple.base, username=self.apple.apple_id, password=self.apple.app_password)
            with client as phone:
                calendars: Iterable[Any] = phone.principal().calendars()  # type: ignore[no-untyped-call]  # python-caldav's
                (home,) = (each for each in calendars if str(each.url).endswith("/home/"))
                work(home.event_by_url(str(home.url) + one.name))

        await asyncio.to_thread(working)


@pytest.fixture
async def user(edges: Edges, admin: SimulatorAdmin) -> AsyncIterator[User]:
    apple = await asyncio.to_thread(admin.create_account)
    found = User(edges, admin, apple, await edges.keep_credential(apple), f"usr-{new_id()[:8]}")
    yield found
    assert await asyncio.to_thread(admin.invitations, apple.apple_id) == []


async def test_an_appointments_life_is_seen_on_the_iphone_and_comes_back_as_ours(user: User) -> None:
    one = new_id()
    await user.link()
    await user.edges.worker()

    await user.edges.say(user.about(one))
    await user.hears(("exported", 1))
    (first,) = await user.objects()

    await user.edges.say(rescheduled(one, 2, user_id=user.user_id, start=SOON + HOUR, end=SOON + 2 * HOUR))
    await user.hears(("exported", 1), ("exported", 2))
    (second,) = await user.objects()

    def ours() -> list[ICloudEventImported]:
        return [each for each in user.edges.heard.topic().values() if each.connection_id == user.connection_id]

    async def imported() -> bool:
        return [start for each in ours() for group in each.occurrences for start, _ in group.spans] == [SOON + HOUR]

    await eventually(imported, within=60)
    (event,) = ours()

    await user.edges.say(cancelled(one, 3).model_copy(update={"user_id": user.user_id}))
    await user.hears(("exported", 1), ("exported", 2), ("exported", 3))

    assert (first.href, first.uid) == (second.href, second.uid)
    assert first.name == f"{first.uid}.ics"
    assert one in first.name
    assert [group.facts.own_appointment for group in event.occurrences] == [True]
    assert await user.objects() == []


async def test_what_the_user_does_on_the_iphone_is_told_and_stays(user: User) -> None:
    one = new_id()
    await user.link()
    await user.edges.worker()
    await user.edges.say(user.about(one))
    await user.hears(("exported", 1))

    def later(event: Any) -> None:
        part = event.icalendar_component
        start, end = part["DTSTART"].dt, part["DTEND"].dt
        del part["DTSTART"], part["DTEND"]
        part.add("dtstart", start + timedelta(minutes=30))
        part.add("dtend", end + timedelta(minutes=30))
        event.save()

    await user.on_the_iphone(later)
    await user.hears(("exported", 1), ("moved", 1))
    puts = (await user.methods()).count("PUT")

    await user.edges.say(rescheduled(one, 2, user_id=user.user_id, start=SOON, end=SOON + HOUR, title="Coloration"))
    await user.hears(("exported", 1), ("moved", 1), ("exported", 2))
    await user.sees("SUMMARY:Coloration")

    assert puts == 2


async def test_nothing_leaves_for_a_connection_that_may_only_be_read(user: User) -> None:
    one = new_id()
    await user.link(access=Access.READ_ONLY)
    await user.edges.worker()
    for news in (
        user.about(one),
        rescheduled(one, 2, user_id=user.user_id, start=SOON + HOUR, end=SOON + 2 * HOUR),
        user.about(new_id(), start=SOON + 3 * HOUR, end=SOON + 4 * HOUR),
        cancelled(one, 3).model_copy(update={"user_id": user.user_id}),
    ):
        await user.edges.say(news)

    async def all_is_known() -> bool:
        kept = user.edges.mine.client[user.edges.mine.name]["appointments"]
        return await kept.count_documents({"user_id": user.user_id}) == 2

    async def several_passes() -> bool:
        return (await user.methods()).count("PROPFIND") >= 6

    await eventually(all_is_known, within=60)
    await eventually(several_passes, within=60)

    assert not {"PUT", "DELETE"} & set(await user.methods())
    assert user.told() == []


class Lossy:
    """An account whose first writes happen, and are not answered in time."""

    def __init__(self, account: WritableAccount, lost: list[str]) -> None:
        self._account = account
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None:
        etag = await self._account.put(href, text, if_match=if_match)
        self._answer_is_lost("put")
        return etag

    async def delete(self, href: str, *, if_match: str | None) -> None:
        await self._account.delete(href, if_match=if_match)
        self._answer_is_lost("delete")

    def _answer_is_lost(self, call: str) -> None:
        if call in self._lost:
            self._lost.remove(call)
            raise TryLater(None, "timeout")


class Forbidding:
    """An account whose user allows nothing but reading any more, while the first write is on its way."""

    def __init__(self, account: WritableAccount, user: User) -> None:
        self._account = account
        self._user = user

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None:
        await self._user.edges.store.connections.follow(self._user.setup(2, access=Access.READ_ONLY))
        return await self._account.put(href, text, if_match=if_match)


class ByHand:
    """Passes one by one, each as late as the job's next try."""

    def __init__(
        self, user: User, neighbours: Neighbours, around: Callable[[WritableAccount], WritableAccount]
    ) -> None:
        self._user = user
        self._store = user.edges.store
        self._now = datetime.now(UTC)
        opened = neighbours.accounts

        class Accounts:
            async def open(self, claim: Claim) -> WritableAccount:
                return around(await opened.open(claim))

        self._pass = passes_over(replace(neighbours, accounts=Accounts()), SyncSettings())

    async def say(self, *news: AppointmentNews) -> None:
        """CrocoClick says something, and a pass follows."""
        for one in news:
            await TrackAppointments(self._store.appointments, lambda: self._now)(one)
        appointments = self._user.edges.mine.client[self._user.edges.mine.name]["appointments"]
        await appointments.update_many({"due_at": {"$type": "date"}}, [{"$set": {"due_at": "$$NOW"}}])
        connections = self._user.edges.mine.client[self._user.edges.mine.name]["connections"]
        await connections.update_many({}, [{"$set": {"exports.due_at": "$$NOW"}}])
        await self._store.connections.wake(self._user.connection_id)
        (claim,) = await self._store.leases().claim(1)
        await self._pass(claim)


async def by_hand(user: User, *lost: str, **changes: Any) -> ByHand:
    """A user who was read once."""
    await user.edges.store.connections.follow(user.setup(**changes))
    losing = list(lost)
    hand = ByHand(user, await user.edges.neighbours(), lambda account: Lossy(account, losing))
    await hand.say()
    return hand


async def test_a_write_that_happened_and_was_not_answered_is_not_done_twice(user: User) -> None:
    one = new_id()
    hand = await by_hand(user, "put", "delete")

    await hand.say(user.about(one))
    await hand.say()
    await user.hears(("icloud_unavailable", 1), ("exported", 1))
    await hand.say(cancelled(one, 2).model_copy(update={"user_id": user.user_id}))
    await hand.say()
    await user.hears(("icloud_unavailable", 1), ("exported", 1), ("icloud_unavailable", 2), ("exported", 2))

    methods = await user.methods()
    assert (methods.count("PUT"), methods.count("DELETE")) == (1, 1)
    assert await user.objects() == []


async def test_once_only_reading_is_allowed_nothing_leaves_but_what_was_on_its_way(user: User) -> None:
    await by_hand(user)
    forbidding = ByHand(user, await user.edges.neighbours(), lambda account: Forbidding(account, user))
    many = [user.about(new_id(), start=SOON + n * HOUR, end=SOON + (n + 1) * HOUR) for n in range(3)]

    await forbidding.say(*many)
    await forbidding.say(
        *(cancelled(one.appointment_id, 2).model_copy(update={"user_id": user.user_id}) for one in many)
    )

    assert [method for method in await user.methods() if method in {"PUT", "DELETE"}] == ["PUT"]
    assert len(await user.objects()) == 1


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"errors": {507: 1.0}, "methods": ["PUT"]}, "quota"),
        ({"errors": {403: 1.0}, "methods": ["PUT"]}, "refused"),
        ({"errors": {500: 1.0}, "methods": ["PUT"]}, "icloud_unavailable"),
    ],
)
async def test_refusals_are_told_and_overcome(user: User, faults: dict[str, object], reason: str) -> None:
    hand = await by_hand(user)
    await asyncio.to_thread(user.admin.set_faults, user.apple.apple_id, **faults)
    await hand.say(user.about(new_id()))
    await user.hears((reason, 1))

    await asyncio.to_thread(user.admin.clear_faults, user.apple.apple_id)
    await hand.say()

    await user.hears((reason, 1), ("exported", 1))
    assert len(await user.objects()) == 1


async def test_another_linked_calendar_gets_it_though_icloud_tells_no_etags(user: User) -> None:
    hand = await by_hand(user)
    one = new_id()
    await asyncio.to_thread(
        user.admin.set_faults, user.apple.apple_id, put_etag_omitted=1.0, duplicate_dtstamp=True, seed=7
    )
    await hand.say(user.about(one))
    work = calendar_id(user.connection_id, f"{user.apple.home}work/")

    await user.edges.store.connections.follow(
        linked(user.connection_id, work, user_id=user.user_id, revision=2, alarm_minutes=10)
    )
    await hand.say()

    (moved,) = await user.objects()
    assert moved.calendar == "work"
    assert "TRIGGER:-PT10M" in moved.ics
    await user.hears(("exported", 1), ("exported", 1))
