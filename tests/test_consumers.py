"""The example consumers keep the right table, whatever the order and however often records come."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import pytest

from contracts import events, facts
from contracts.examples import as_json
from contracts.facts import AllDayRule, Span
from contracts.wire import WireRecord, encode, tombstone
from local_stack.waiting import wait_until
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings

CHECKOUT: Final = Path(__file__).parents[1]
EXAMPLES: Final = CHECKOUT / "examples" / "consumers"
GOLDEN: Final = CHECKOUT / "shared" / "schemas" / "examples"
SEED: Final = int(os.environ.get("CALSYNC_TEST_SEED", "20261201"))
ACCOUNT: Final = "acc-1"
USERS: Final = ("usr-ada", "usr-bob", "usr-cleo")
CALENDARS: Final = ("home", "work", "feed")
NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
Message = dict[str, Any]
"""As the golden files hold one."""
SetUp = events.CalendarConnected | events.CalendarReconnected | events.CalendarSetupChanged
Replay = Callable[[Sequence[Message], str], list[Span]]


@dataclass
class Event:
    """What is true of an event; the story changes it, and never looks at a revision to know."""

    calendar: str
    groups: tuple[facts.OccurrenceGroup, ...] = ()
    alive: bool = True
    revision: int = 0


@dataclass
class Connection:
    id: str
    user: str
    rules: dict[str, AllDayRule] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    epoch: int = 1
    revision: int = 1

    def ids(self, revision: int) -> dict[str, Any]:
        whose = {"account_id": ACCOUNT, "user_id": self.user, "connection_id": self.id}
        return whose | {"epoch": self.epoch, "revision": revision}


class Story:
    """Three users live for a while. `records` is what our services say of it, `busy` what is true at the end."""

    def __init__(self, random: Random, steps: int) -> None:
        self._random = random
        self._living = {user: Connection(f"{user} 1", user) for user in USERS}
        self.records: list[WireRecord] = []
        for connection in self._living.values():
            self._set_up(connection, events.CalendarConnected)
        for _ in range(steps):
            self._step(random.choice([*self._living.values()]))

    def busy(self, user: str) -> list[Span]:
        return sorted(span for span in self._spans(self._living[user]))

    def _step(self, connection: Connection) -> None:
        known = [*connection.events]
        what = self._random.choices(("read", "change", "remove", "choose", "reconnect", "leave"), (20, 20, 8, 4, 2, 1))[
            0
        ]
        if what == "choose":
            connection.revision += 1
            self._set_up(connection, events.CalendarSetupChanged)
        elif what == "reconnect":
            connection.epoch += 1
            connection.revision += 1
            self._set_up(connection, events.CalendarReconnected)
        elif what == "leave":
            self._leave(connection)
        elif what == "read" or not known:
            name = f"{connection.id} {len(known)}"
            connection.events[name] = Event(self._random.choice(CALENDARS))
            self._import(connection, name)
        else:
            name = self._random.choice(known)
            self._import(connection, name) if what == "change" else self._remove(connection, name)

    def _set_up(self, connection: Connection, kind: type[SetUp]) -> None:
        chosen = self._random.sample(CALENDARS, self._random.randrange(1, 4))
        connection.rules = {one: self._random.choice([*AllDayRule]) for one in chosen}
        said = tuple(facts.ConflictCalendar(id=one, all_day=rule) for one, rule in connection.rules.items())
        whole: dict[str, Any] = {"access": "full", "time_zone": "Europe/Paris", "calendars": ()}
        setup = facts.Setup(conflict_calendars=said)
        self._say(kind(**connection.ids(connection.revision), **whole, setup=setup))

    def _import(self, connection: Connection, name: str) -> None:
        event = connection.events[name]
        event.revision, event.alive, event.groups = event.revision + 1, True, tuple(self._groups())
        whole: dict[str, Any] = {"uid_hash": "u", "as_of": 0, "horizon": (0, 10**9), "all_day": False}
        where: dict[str, Any] = {"event_id": name, "calendar_id": event.calendar}
        whose = connection.ids(event.revision)
        self._say(events.ICloudEventImported(**whose, **where, **whole, occurrences=event.groups))

    def _groups(self) -> Iterator[facts.OccurrenceGroup]:
        for _ in range(self._random.randrange(1, 4)):
            start = self._random.randrange(10**6)
            names = ("cancelled", "declined", "transparent", "tentative", "own_appointment", "all_day")
            marks = {name: self._random.random() < 0.1 for name in names}
            yield facts.OccurrenceGroup(facts=facts.OccurrenceFacts(**marks), spans=((start, start + 900),))

    def _remove(self, connection: Connection, name: str) -> None:
        event = connection.events[name]
        event.revision, event.alive = event.revision + 1, False
        whose = connection.ids(event.revision) | {"event_id": name, "calendar_id": event.calendar, "as_of": 0}
        gone = events.ICloudEventRemoved(**whose, reason=events.RemovalReason.DELETED)
        self._say(gone)
        if self._random.random() < 0.7:
            self.records.append(tombstone(gone, source="tests", time=NOW))

    def _leave(self, connection: Connection) -> None:
        """The end, what a worker says that has not heard of it yet, and a new connection of the user."""
        connection.revision += 1
        over = events.CalendarDisconnected(**connection.ids(connection.revision))
        self._say(over)
        self.records.append(tombstone(over, source="tests", time=NOW))
        for name in connection.events:
            self._import(connection, name)
        self._living[connection.user] = Connection(f"{connection.id}1", connection.user)
        self._set_up(self._living[connection.user], events.CalendarConnected)

    def _say(self, event: events.Event) -> None:
        self.records.append(encode(event, source="tests", time=NOW))

    @staticmethod
    def _spans(connection: Connection) -> Iterator[Span]:
        counted = [one for one in connection.events.values() if one.alive and one.calendar in connection.rules]
        for event in counted:
            for group in event.groups:
                if _blocks(group.facts, connection.rules[event.calendar]):
                    yield from group.spans


def _blocks(said: facts.OccurrenceFacts, rule: AllDayRule) -> bool:
    """The rules as a table: the first whose condition holds decides."""
    table = (
        (said.cancelled, False),
        (said.declined, False),
        (said.own_appointment, False),
        (said.all_day and rule is AllDayRule.ALWAYS_BLOCK, True),
        (said.all_day and rule is AllDayRule.NEVER_BLOCK, False),
        (said.transparent, False),
        (True, True),
    )
    return next(verdict for condition, verdict in table if condition)


def in_python(messages: Sequence[Message], user: str) -> list[Span]:
    example = _example()
    table = example.BlockedTimes()
    for one in messages:
        headers = tuple((name, value.encode()) for name, value in one["headers"].items())
        value = None if one["value"] is None else one["value"].encode()
        record = SimpleNamespace(topic=one["topic"], key=one["key"].encode(), headers=headers, value=value)
        example.take_or_put_aside(table, record)
    told: list[Span] = table.of(ACCOUNT, user)
    return told


def in_node(messages: Sequence[Message], user: str) -> list[Span]:
    command = [_node(), str(EXAMPLES / "node" / "replay.mjs"), ACCOUNT, user]
    done = subprocess.run(command, input=json.dumps(messages), check=True, stdout=subprocess.PIPE, text=True)
    return [(start, end) for start, end in json.loads(done.stdout)]


def _node() -> str:
    node = shutil.which("node")
    if node is None and not os.environ.get("CI"):
        pytest.skip("there is no node here; CI has one")
    assert node is not None, "apt-get install nodejs"
    return node


LANGUAGES = pytest.mark.parametrize("replay", [in_python, in_node])


@LANGUAGES
def test_any_order_and_any_repetition_end_in_what_is_true(replay: Replay) -> None:
    print(f"CALSYNC_TEST_SEED={SEED}")
    random = Random(SEED)
    story = Story(random, steps=200)
    messages = [json.loads(as_json(record)) for record in story.records] + _golden() + _of_tomorrow(story.records[0])

    for lap in range(4):
        told = [*messages, *random.choices(messages, k=len(messages) // 3 * min(lap, 1))]
        if lap:
            random.shuffle(told)
        busy = {user: replay(told, user) for user in USERS}
        assert busy == {user: story.busy(user) for user in USERS}, f"lap {lap}"
    assert any(story.busy(user) for user in USERS)


@LANGUAGES
def test_the_golden_messages_tell_of_an_ended_connection(replay: Replay) -> None:
    living = [_read(GOLDEN / name) for name in ("CalendarConnected.v1.json", "ICloudEventImported.v1.json")]

    before, after = replay(living, "usr-1"), replay(_golden(), "usr-1")

    assert before == [(1796115600, 1796119200), (1796202000, 1796205600)]
    assert after == []


@LANGUAGES
def test_a_record_that_breaks_the_contract_is_put_aside_and_costs_itself_only(
    replay: Replay, capfd: pytest.CaptureFixture[str]
) -> None:
    living = [_read(GOLDEN / name) for name in ("CalendarConnected.v1.json", "ICloudEventImported.v1.json")]
    broken = [bad for message in living for bad in _broken(message)]

    busy = replay([*broken, *living, *broken], "usr-1")

    assert busy == [(1796115600, 1796119200), (1796202000, 1796205600)]
    assert capfd.readouterr().err.count("put aside: ") == 2 * len(broken)


def _python() -> str:
    return sys.executable


@pytest.mark.parametrize(
    ("program", "script", "typed"),
    [
        (_python, "python/blocked_times.py", "python blocked_times.py ACCOUNT USER"),
        (_node, "node/read.mjs", "node read.mjs ACCOUNT USER"),
    ],
    ids=["python", "node"],
)
@pytest.mark.parametrize(
    ("kafka", "words"), [({}, (ACCOUNT, "usr-1")), ({"KAFKA": "127.0.0.1:1"}, ())], ids=["no Kafka", "nobody"]
)
def test_who_does_not_say_where_and_whose_is_told_how_in_one_line(
    program: Callable[[], str], script: str, typed: str, kafka: dict[str, str], words: tuple[str, ...]
) -> None:
    done = _run([program(), str(EXAMPLES / script), *words], kafka)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert f"KAFKA=localhost:9092 {typed}" in done.stderr


@pytest.mark.parametrize("kafka", ["127.0.0.1:1", "HOST:PORT"])
def test_a_kafka_that_is_not_there_is_told_in_one_line(kafka: str) -> None:
    done = _run([sys.executable, str(EXAMPLES / "python/blocked_times.py"), ACCOUNT, "usr-1"], {"KAFKA": kafka})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"There is no Kafka at {kafka}, which KAFKA names.\n"


@pytest.mark.servers
def test_it_goes_on_until_it_is_stopped(kafka_bootstrap_servers: str, tmp_path: Path) -> None:
    account, printed = uuid4().hex, tmp_path / "printed"
    # Whoever starts the tests in the background has it ignored, and all that is started by them with it.
    listening = ["env", "--default-signal=INT"]
    command = [*listening, sys.executable, str(EXAMPLES / "python/blocked_times.py"), account, "usr-1"]
    with printed.open("w") as out:
        running = subprocess.Popen(
            command, env=os.environ | {"KAFKA": kafka_bootstrap_servers}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        asyncio.run(_publish(kafka_bootstrap_servers, [*_one_event(account)]))
        told = wait_until(lambda: "[(5, 7)]" in printed.read_text(), seconds=60)
        running.send_signal(signal.SIGINT)
        code = running.wait(30)
    finally:
        running.kill()
        running.wait()

    assert (told, code) == (True, 0)
    assert "Traceback" not in printed.read_text()


def _run(command: Sequence[str], kafka: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "KAFKA"} | kafka
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def _one_event(account: str) -> Iterator[WireRecord]:
    """Of one connection, in a calendar that counts."""
    whose: dict[str, Any] = {"account_id": account, "user_id": "usr-1", "connection_id": uuid4().hex, "epoch": 1}
    setup = facts.Setup(conflict_calendars=(facts.ConflictCalendar(id="home"),))
    whole: dict[str, Any] = {"access": "full", "time_zone": "Europe/Paris", "calendars": ()}
    yield encode(events.CalendarConnected(**whose, **whole, revision=1, setup=setup), source="tests", time=NOW)
    read: dict[str, Any] = {"uid_hash": "u", "as_of": 0, "horizon": (0, 10**9), "all_day": False}
    what: dict[str, Any] = {"event_id": uuid4().hex, "calendar_id": "home", "revision": 1}
    groups = (facts.OccurrenceGroup(facts=facts.OccurrenceFacts(), spans=((5, 7),)),)
    yield encode(events.ICloudEventImported(**whose, **read, **what, occurrences=groups), source="tests", time=NOW)


async def _publish(kafka: str, records: Sequence[WireRecord]) -> None:
    publisher = Publisher(KafkaSettings(bootstrap_servers=(kafka,)), "consumer-tests")
    await publisher.start()
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()


def test_what_npm_leaves_behind_is_not_taken_for_ours() -> None:
    left = ["node_modules/kafkajs/index.js", "package-lock.json"]
    ignored = (CHECKOUT / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert [name for name in left if not {name, f"{name.split('/')[0]}/"} & {*ignored}] == []


def _broken(message: Message) -> Iterator[Message]:
    """As if newer than the message, and none to be believed."""
    body = json.loads(message["value"]) | {"epoch": 9}
    newer = message | {"headers": message["headers"] | {"ce_epoch": "9"}, "value": json.dumps(body)}
    for header in ("ce_type", "ce_epoch", "ce_revision"):
        headers = {name: value for name, value in newer["headers"].items() if name != header}
        yield newer | {"headers": headers, "value": None}
    yield newer | {"headers": {}}
    yield newer | {"topic": "icloud.sync.v1"}
    for name in ("connection_id", "epoch", "setup", "occurrences", "event_id"):
        if name in body:
            yield newer | {"value": json.dumps({key: value for key, value in body.items() if key != name})}
            yield newer | {"value": json.dumps(body | {name: [[None]]})}
    for text in ("{", "null", "[]", "7"):
        yield newer | {"value": text}


def _golden() -> list[Message]:
    return [_read(path) for path in sorted(GOLDEN.glob("*.json"))]


def _read(path: Path) -> Message:
    message: Message = json.loads(path.read_text(encoding="utf-8"))
    return message


def _of_tomorrow(record: WireRecord) -> list[Message]:
    """A type and a field that a newer writer may bring."""
    message: Message = json.loads(as_json(record))
    with_field = message | {"value": json.dumps(json.loads(message["value"]) | {"mood": "fine"})}
    invented = {"ce_type": "com.crococlick.calendar.Invented.v1", "ce_epoch": "9"}
    return [with_field, message | {"headers": message["headers"] | invented, "value": '{"anything": []}'}]


def _example() -> ModuleType:
    """The script as it lies there; it belongs to no package."""
    spec = spec_from_file_location("blocked_times", EXAMPLES / "python" / "blocked_times.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
