"""`connection retell`: what the connector has is told again, and nothing newer is ever followed by it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from tools.calsync.tests.world import LONG_AGO, Client, Kept, World

from calsync import retelling
from calsync.ends import NotThere
from calsync.on_topics import Last
from calsync.retell import Case, case_of
from calsync.retelling import records_of, told_again
from calsync.stores import Stores
from connector.application.publish import Waiting
from connector.domain.connection import Connection, recalendared
from connector.outbound.kafka import event_of
from connector.outbound.mongo import MongoConnections, MongoOutbox
from connector.outbound.vault import Vault
from connector_examples import CALENDARS, WORK
from contracts.events import CalendarDisconnected
from contracts.topics import CONNECTIONS
from contracts.wire import WireRecord, encode, tombstone
from icloud.credentials import Sealer
from leftovers import records
from runtime.kafka import Publisher, RecordTooLarge
from runtime.settings import KafkaSettings

servers = pytest.mark.servers
Told = tuple[bytes | None, tuple[tuple[str, bytes], ...]]


def connector_of(world: World, client: Client) -> MongoConnections:
    return MongoConnections(client, Vault(client, Sealer(world.keys.public_key_file)))


async def changed(world: World, client: Client, kept: Kept, *, told: bool = True) -> WireRecord:
    """The user's calendars change; `told`: the connector has told it. How it is told."""
    connector = connector_of(world, client)
    old = await connector.of(kept.owner)
    assert old
    new = recalendared(old, (*CALENDARS, WORK), told=old.calendars_told + 1, at=LONG_AGO)
    assert await connector.replace(old, new)
    if told:
        await MongoOutbox(client).mark(new.announcement())
    return encode(event_of(new.announcement()), source="connector", time=LONG_AGO)


def present(world: World, kept: Kept) -> WireRecord:
    """The connection, as the connector tells it."""

    async def work(client: Client) -> Connection | None:
        return await connector_of(world, client).of(kept.owner)

    one = world.does(work)
    assert one
    return encode(event_of(one.announcement()), source="connector", time=one.changed_at)


def on_topic(world: World, kept: Kept) -> Sequence[Told]:
    """What lies on its key."""
    found = asyncio.run(records(world.kafka, CONNECTIONS.name))
    return [(one.value or None, tuple(one.headers)) for one in found if one.key == kept.id.encode()]


def as_told(*several: WireRecord) -> Sequence[Told]:
    return [(one.value, one.headers) for one in several]


@servers
def test_what_a_topic_has_lost_is_told_again_as_the_connector_tells_it(world: World) -> None:
    lost, there = world.connected(), world.connected(told=True)

    planned = world.calsync("connection", "retell", "--all", "--dry-run", "--json")
    told = world.calsync("connection", "retell", "--all", "--yes", "--json")
    again = world.calsync("connection", "retell", "--all", "--yes", "--json")
    named = world.calsync("connection", "retell", there.id, "--yes", "--json")

    assert (planned.code, [row["connection_id"] for row in planned.json["to_tell"]]) == (1, [lost.id])
    assert (told.code, told.json["done"], told.json["left"]) == (0, 1, {})
    assert (again.code, again.json["chosen"]) == (0, 0)
    assert on_topic(world, lost) == as_told(present(world, lost))
    assert (named.code, named.json["done"], len(on_topic(world, there))) == (0, 1, 2)
    audit = world.calsync("audit", "--what", "connection retell", "--json").json["audit"]
    assert [(entry["outcome"], entry["told"]["done"]) for entry in audit] == [("done", 1)] * 2
    assert world.calsync("verify", lost.id, "--topic", "--json", "--grace", "0").code == 1, "its events are lost, too"


@servers
def test_an_older_word_that_came_last_is_followed_by_the_newest(world: World) -> None:
    kept = world.connected()
    first = present(world, kept)
    newest = world.does(lambda client: changed(world, client, kept))
    world.publish([newest, first])

    told = world.calsync("connection", "retell", "--all", "--yes", "--json")

    assert (told.code, told.json["done"]) == (0, 1)
    assert on_topic(world, kept) == as_told(newest, first, newest)


@servers
def test_nothing_newer_is_followed_by_something_older(world: World) -> None:
    restored, waiting = world.connected(), world.connected()
    newer = event_of_newer(world, restored)
    world.publish([newer])
    world.does(lambda client: changed(world, client, waiting, told=False))

    every = world.calsync("connection", "retell", "--all", "--yes", "--json")
    named = world.calsync("connection", "retell", restored.id, "--yes", "--json")
    late = world.calsync("connection", "retell", waiting.id, "--yes", "--json")
    republished = world.calsync("connection", "resync", restored.id, "--how", "republish", "--yes")

    assert (every.code, [*every.json["left"]], every.json["waiting"]) == (1, [restored.id], 1)
    assert (named.code, named.json["left"]) == (1, {restored.id: Case.NEWER.value})
    assert (late.code, late.json["done"], late.json["waiting"]) == (0, 0, 1)
    assert (republished.code, world.find("sync", "connections", {"_id": restored.id})["fence"]) == (1, 1)
    assert (on_topic(world, restored), on_topic(world, waiting)) == (as_told(newer), [])


def event_of_newer(world: World, kept: Kept) -> WireRecord:
    """As a database knew it that was lost since."""

    async def work(client: Client) -> WireRecord:
        one = await connector_of(world, client).of(kept.owner)
        assert one
        later = event_of(one.announcement()).model_copy(update={"revision": 7})
        return encode(later, source="connector", time=LONG_AGO)

    return world.does(work)


@servers
@pytest.mark.parametrize("forgotten", [False, True])
def test_an_end_that_the_topic_has_not_is_told_again(world: World, *, forgotten: bool) -> None:
    kept = world.connected(told=True)
    world.ended(kept)
    world.change("connector", "connections", {"_id": kept.id}, {"$set": {"pending": [], "published": 2}})
    if forgotten:
        world.change("connector", "connections", {"_id": kept.id}, {"$unset": {"forget_at": ""}})

    told = world.calsync("connection", "retell", "--all", "--yes", "--json")
    again = world.calsync("connection", "retell", "--all", "--yes", "--json")

    assert (told.json["done"], again.json["chosen"]) == (1, 0)
    last = [value for value, _ in on_topic(world, kept)][1:]
    assert [value is None for value in last] == ([False, True] if forgotten else [False])


@servers
def test_a_connection_that_cannot_be_told_keeps_no_other(world: World) -> None:
    spoilt, other = world.connected(first=True), world.connected()
    world.change("connector", "connections", {"_id": spoilt.id}, {"$set": {"terms.access": "everything"}})

    told = world.calsync("connection", "retell", "--all", "--yes", "--json")

    assert (told.code, told.json["done"], [*told.json["left"]]) == (1, 1, [spoilt.id])
    assert on_topic(world, other) == as_told(present(world, other))
    assert "everything" not in told.out + told.err


@servers
def test_a_republished_connection_is_told_before_its_events(world: World) -> None:
    kept = world.connected(events=2)

    said = world.calsync("connection", "resync", kept.id, "--how", "republish", "--yes", "--json")

    assert (said.code, said.json["connection_told"], said.json["objects"]) == (0, True, 2)
    assert on_topic(world, kept) == as_told(present(world, kept))


class Overtaken(Publisher):
    """Kafka, where something happens before each word is there; further words are only remembered."""

    def __init__(self, *happenings: Callable[[], Any]) -> None:
        super().__init__(KafkaSettings(bootstrap_servers=("127.0.0.1:1",)), "tests")
        self.told: list[WireRecord] = []
        self._happenings = list(happenings)

    async def publish(self, records: Sequence[WireRecord]) -> None:
        if self._happenings:
            await self._happenings.pop(0)()
        self.told += records


@servers
def test_who_is_overtaken_by_the_connector_tells_what_that_told(world: World) -> None:
    kept = world.connected()

    async def work(client: Client) -> tuple[Sequence[WireRecord], Sequence[WireRecord]]:
        newest: list[WireRecord] = []

        async def happens() -> None:
            newest.append(await changed(world, client, kept))

        kafka = Overtaken(happens)
        assert await told_again(Stores(client), kafka, kept.id)
        return kafka.told[1:], newest

    told, newest = world.does(work)

    assert told == newest


@servers
def test_who_is_overtaken_by_what_is_not_told_waits_for_that_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = world.connected()
    monkeypatch.setattr(retelling, "_AGAIN_SECONDS", 0.01)

    async def work(client: Client) -> Sequence[WireRecord]:
        kafka = Overtaken(lambda: changed(world, client, kept, told=False))
        with pytest.raises(NotThere, match="calsync pending"):
            await told_again(Stores(client), kafka, kept.id, seconds=0.05)
        return kafka.told

    assert len(world.does(work)) == 1


@servers
def test_what_no_record_can_hold_is_told_as_that(world: World) -> None:
    kept = world.connected()

    async def refuses() -> None:
        raise RecordTooLarge

    async def work(client: Client) -> None:
        with pytest.raises(NotThere, match="cannot be told as it is"):
            await told_again(Stores(client), Overtaken(refuses), kept.id)

    world.does(work)


OWN: Mapping[str, Any] = {"state": "connected", "epoch": 2, "revision": 5, "published": 5}
ENDED = {**OWN, "state": "disconnected"}


def last(version: tuple[int, int], *, alive: bool = True, newest: tuple[int, int] = (0, 0)) -> Last:
    return Last(version, alive, None, newest=max(version, newest), ended=not alive)


@pytest.mark.parametrize(
    ("own", "there", "of_all", "of_one"),
    [
        (OWN, None, Case.TELL, Case.TELL),
        (OWN, last((2, 5)), None, Case.TELL),
        (OWN, last((1, 9), newest=(2, 5)), Case.TELL, Case.TELL),
        (OWN, last((1, 9), newest=(2, 6)), Case.NEWER, Case.NEWER),
        (OWN, last((2, 5), alive=False), Case.OVER, Case.OVER),
        ({**OWN, "published": 4}, last((2, 4)), Case.WAITS, Case.WAITS),
        (ENDED, last((2, 4)), Case.TELL, Case.TELL),
        (ENDED, last((2, 5), alive=False), None, Case.TELL),
        (ENDED, None, None, Case.TELL),
        ({**ENDED, "forget_at": LONG_AGO}, None, Case.TELL, Case.TELL),
    ],
)
def test_what_is_told_hangs_on_what_the_topic_has_last(
    own: Mapping[str, Any], there: Last | None, of_all: Case | None, of_one: Case
) -> None:
    assert (case_of(own, there, named=False), case_of(own, there, named=True)) == (of_all, of_one)


def test_an_end_whose_records_have_gone_takes_its_key_with_it_again() -> None:
    own = {**ENDED, "account_id": "acc-1", "user_id": "usr-1", "changed_at": LONG_AGO}

    end, gone = records_of("c-1", own)
    (alone,) = records_of("c-1", own | {"forget_at": LONG_AGO})

    said = CalendarDisconnected(account_id="acc-1", user_id="usr-1", connection_id="c-1", epoch=2, revision=5)
    assert alone == end == encode(said, source="connector", time=LONG_AGO)
    assert gone == tombstone(said, source="connector", time=LONG_AGO)


@servers
def test_what_waits_once_more_is_as_old_as_its_waiting(world: World) -> None:
    kept = world.connected()
    whose = Waiting(kept.owner.account_id, kept.id)

    world.does(lambda client: MongoOutbox(client).wait_again(whose))

    (row,) = [one for one in world.calsync("pending", "--json").json["pending"] if one["service"] == "connector"]
    assert (row["waiting"], row["oldest_seconds"] < 60) == (1, True)
    assert world.calsync("verify", kept.id, "--json", "--settle", "0").json["findings"] == []
