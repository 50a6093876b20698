"""Dead letters: seen without what is personal, sent again once, and never over something newer."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from io import StringIO
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from tools.calsync.tests.world import LONG_AGO, TITLE, World

from contracts.events import (
    AppointmentBooked,
    AppointmentExported,
    AppointmentExportFailed,
    CalendarConnected,
    Event,
    SyncRequested,
)
from contracts.examples import STATE
from contracts.topics import APPOINTMENTS, ICLOUD_EVENTS
from contracts.wire import encode
from leftovers import records, shapes
from runtime.clock import system_clock
from runtime.kafka.deadletters import DeadLetters
from runtime.kafka.publisher import Publisher
from runtime.redaction import REDACTED
from runtime.settings import KafkaSettings

pytestmark = pytest.mark.servers

GROUP = "availability"


def booked() -> AppointmentBooked:
    user, words = f"usr-{uuid4().hex}", f"{TITLE}, marie.dupont@icloud.com"
    identity = {"account_id": "acc-1", "user_id": user, "epoch": 1, "revision": 1, "appointment_id": "a-1"}
    return AppointmentBooked.model_validate({**identity, "start": 1, "end": 2, "title": words, "notes": words})


def on(world: World, topic: str, key: str) -> list[Any]:
    return [one for one in asyncio.run(records(world.kafka, topic)) if one.key == key.encode()]


def buried(world: World, event: Event) -> None:
    """It came over Kafka, and its consumer refused it."""
    world.publish([encode(event, source="tests", time=LONG_AGO)])
    record = on(world, encode(event, source="tests", time=LONG_AGO).topic, event.key)[-1]
    asyncio.run(_buried(world.kafka, record))


async def _buried(kafka: str, record: Any) -> None:  # noqa: ANN401 - aiokafka carries no types
    publisher = Publisher(KafkaSettings(bootstrap_servers=(kafka,)), "tests")
    await publisher.start()
    try:
        await DeadLetters(publisher, system_clock).bury(record, GROUP, ValueError(TITLE))
    finally:
        await publisher.stop()


def erase(world: World, events: Iterable[str]) -> None:
    for each in events:
        world.delete("sync", "objects", {"_id": each})


class Slow(StringIO):
    """A terminal, at which somebody thinks about it for long; meanwhile other things happen."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, _size: int | None = -1, /) -> str:  # type: ignore[override]  # typeshed names two bases at odds
        thinking = Thread(target=self._meanwhile)
        thinking.start()
        thinking.join()
        return "y\n"


def test_letters_are_listed_and_shown_without_what_people_wrote(world: World) -> None:
    event = booked()
    buried(world, event)

    listed = world.calsync("dead-letters", "list", "--key", event.key, "--json")
    (row,) = listed.json["letters"]
    place = (row["topic"], str(row["partition"]), str(row["offset"]))
    shown = world.calsync("dead-letters", "show", *place, "--json")
    for_people = world.calsync("dead-letters", "show", *place), world.calsync("dead-letters", "list")

    assert listed.code == 1
    expected = {"topic": APPOINTMENTS.name, "consumer": GROUP, "reason": "ValueError", "type": "AppointmentBooked.v1"}
    assert {name: row[name] for name in expected} == expected
    assert shown.json["content"]["appointment_id"] == "a-1"
    assert (shown.json["content"]["title"], shown.json["content"]["start"]) == (REDACTED, 1)
    said = "".join(each.out + each.err for each in (listed, shown, *for_people)).encode()
    assert [one for one in shapes(TITLE).values() if one in said] == []
    assert b"marie" not in said
    assert world.calsync("dead-letters", "show", *place[:2], "999999").code == 1


def test_a_letter_that_nobody_can_read_shows_nothing_of_itself(world: World) -> None:
    key = uuid4().hex

    async def poison() -> None:
        async with AIOKafkaProducer(bootstrap_servers=world.kafka) as producer:
            value = f'{{"title": "{TITLE}", "{TITLE}": 1, "reason": "{TITLE} x", "x": ["{TITLE} y"]}}'.encode()
            headers = [("ce_type", TITLE.encode() + b" !"), (TITLE, TITLE.encode())]
            await producer.send_and_wait(APPOINTMENTS.dead, value, key=key.encode(), partition=0, headers=headers)

    asyncio.run(poison())

    (row,) = world.calsync("dead-letters", "list", "--key", key, "--json").json["letters"]
    shown = world.calsync("dead-letters", "show", APPOINTMENTS.name, "0", str(row["offset"]), "--json")

    assert shown.json["content"] == {"title": REDACTED, "reason": REDACTED}
    assert TITLE not in shown.out


def test_a_letter_is_sent_again_as_it_was_and_only_once(world: World) -> None:
    event = booked()
    buried(world, event)
    (before,) = on(world, APPOINTMENTS.name, event.key)

    dry = world.calsync("dead-letters", "replay", "--key", event.key, "--dry-run", "--json")
    refused = world.calsync("dead-letters", "replay", "--key", event.key)
    sent = world.calsync("dead-letters", "replay", "--key", event.key, "--yes", "--json")
    twice = world.calsync("dead-letters", "replay", "--key", event.key, "--yes", "--json")

    assert (dry.json["to_send"], dry.json["sent"]) == (1, 0)
    assert (refused.code, sent.code, sent.json["sent"]) == (2, 0, 1)
    assert (twice.code, twice.json["sent"], twice.json["left_out"]) == (1, 0, 1)
    first, second = on(world, APPOINTMENTS.name, event.key)
    assert first.offset == before.offset
    same = ("key", "value", "headers", "partition")
    assert [getattr(second, name) for name in same] == [getattr(before, name) for name in same]
    entry = world.calsync("audit", "--json").json["audit"][0]
    assert (entry["what"], entry["told"]) == ("dead-letters replay", {"sent": 1})
    assert world.calsync("dead-letters", "replay", "--key", event.key, "--again", "--yes", "--json").json["sent"] == 1


def replayed(world: World, key: str, *more: str) -> tuple[int, str | None]:
    """How many letters of a key are sent, and why the first is not."""
    said = world.calsync("dead-letters", "replay", "--key", key, "--yes", "--json", *more).json
    return said["sent"], said["letters"][0]["left_out"]


def test_what_was_overtaken_is_not_put_last_on_its_key(world: World) -> None:
    one = world.connected(events=2)
    old, alone = (world.events[each] for each in one.events)
    buried(world, old)
    buried(world, alone)
    world.publish([encode(old.model_copy(update={"revision": 2}), source="tests", time=LONG_AGO)])

    overtaken = world.calsync("dead-letters", "replay", "--key", old.key, "--yes", "--json")
    newest = world.calsync("dead-letters", "replay", "--key", alone.key, "--yes", "--json")

    assert (overtaken.code, overtaken.json["sent"]) == (1, 0)
    assert "newer" in overtaken.json["letters"][0]["left_out"]
    assert dict(on(world, ICLOUD_EVENTS.name, old.key)[-1].headers)["ce_revision"] == b"2"
    assert newest.json["sent"] == 1


def test_only_what_is_still_held_as_living_is_put_last_on_its_key(world: World) -> None:
    one = world.connected(events=5)
    erased, gone, changed, ended, living = (world.events[each] for each in one.events)
    for each in (erased, gone, changed, ended, living):
        buried(world, each)
    # Their tombstones, and what is newer on the key, may have been compacted away.
    world.delete("sync", "objects", {"_id": erased.key})
    world.change("sync", "objects", {"_id": gone.key}, {"$set": {"alive": False}})
    world.change("sync", "objects", {"_id": changed.key}, {"$set": {"revision": 2}})

    left_out = [replayed(world, each.key) for each in (erased, gone, changed)]
    sent = replayed(world, living.key)
    world.ended(one)
    after_the_end = replayed(world, ended.key)

    assert [count for count, _ in (*left_out, after_the_end)] == [0, 0, 0, 0]
    assert all("nobody holds it" in (why or "") for _, why in (*left_out, after_the_end))
    assert sent == (1, None)
    assert [len(on(world, ICLOUD_EVENTS.name, each.key)) for each in (erased, living)] == [1, 2]


def test_a_connection_that_has_ended_does_not_come_back(world: World) -> None:
    one = world.connected(events=1)
    whose = {"account_id": one.owner.account_id, "user_id": one.owner.user_id, "connection_id": one.id}
    buried(world, CalendarConnected.model_validate({**STATE, **whose, "epoch": 1, "revision": 1}))

    living = replayed(world, one.id)
    world.ended(one)
    ended = replayed(world, one.id, "--again")

    assert living == (1, None)
    assert ended[0] == 0
    assert "nobody holds it" in (ended[1] or "")


def test_a_request_is_never_made_again(world: World) -> None:
    one = world.connected(events=1)
    request = SyncRequested.model_validate(
        {
            "account_id": one.owner.account_id,
            "user_id": one.owner.user_id,
            "connection_id": one.id,
            "epoch": 1,
            "revision": 1,
            "reason": "user",
            "requested_at": 1,
            "confirm_removals": ["cal-1"],
        }
    )
    buried(world, request)

    sent, why = replayed(world, request.key, "--again")

    assert sent == 0
    assert "request" in (why or "")


def test_what_is_erased_while_it_is_asked_or_sent_is_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = world.connected(events=3)
    for each in one.events:
        buried(world, world.events[each])
    topic = ("--topic", ICLOUD_EVENTS.name, "--since", "2020-01-01")

    monkeypatch.setattr(sys, "stdin", Slow(lambda: erase(world, one.events[:2])))
    said = world.calsync("dead-letters", "replay", *topic, "--per-second", "1", "--json")

    assert said.out, said.err
    shown = {row["key"]: row["left_out"] for row in said.json["letters"]}
    assert [shown[each] for each in one.events] == [None, None, None]
    assert (said.code, said.json["sent"], len(said.json["meanwhile"])) == (1, 1, 2)
    assert [len(on(world, ICLOUD_EVENTS.name, each)) for each in one.events] == [1, 1, 2]


def test_an_older_word_on_a_copy_in_icloud_does_not_follow_a_newer_one(world: World) -> None:
    whose = booked().model_dump(include={"account_id", "user_id", "epoch", "revision", "appointment_id"})
    failed = AppointmentExportFailed.model_validate({**whose, "connection_id": "c-1", "reason": "quota_exceeded"})
    buried(world, failed)
    alone = replayed(world, failed.key)

    written = {"connection_id": "c-1", "calendar_id": "cal-1", "exported_at": 1}
    exported = AppointmentExported.model_validate({**whose, **written})
    world.publish([encode(exported, source="tests", time=LONG_AGO)])
    overtaken = replayed(world, failed.key, "--again")

    assert alone == (1, None)
    assert overtaken[0] == 0
    assert "newer" in (overtaken[1] or "")


def test_letters_are_chosen_by_time(world: World) -> None:
    event = booked()
    buried(world, event)

    def number(*arguments: str) -> int:
        said = world.calsync("dead-letters", "list", "--key", event.key, "--json", *arguments)
        return len(said.json["letters"])

    assert number("--since", "2020-01-01", "--until", "2100-01-01T00:00:00Z") == 1
    assert number("--since", "2100-01-01") == 0
    assert number("--until", "2020-01-01") == 0
    assert world.calsync("dead-letters", "list", "--topic", "icloud.secrets.v1").code == 2
