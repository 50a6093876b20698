"""After a disconnect: what is gone at once, what Kafka's cleaner takes, and what lies on for a while, and where."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from apple_users import AppleUsers, Person
from compaction import COMPACTED, eager_compaction, in_segments, newest, repeat_newest
from contracts.topics import SYNC
from icloud_simulator.client import SimulatorAdmin
from leftovers import in_mongodb, shapes
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until
from other_service import OtherService

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 30
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
EVENTS = 5
OPLOG = "mongodb local.oplog.rs"
"""MongoDB's own memory of every write. It overwrites the oldest when its size or its retention is reached."""


def test_a_disconnect_leaves_nothing_behind(stack: LocalStack, users: AppleUsers, apple: SimulatorAdmin) -> None:
    mongodb, kafka = stack.env["CALSYNC_MONGODB_URL"], stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"]
    segments = stack.log_files()[0].parents[1] / "kafka"
    title, calendar, later = (f"{kind}{uuid4().hex}" for kind in ("titel", "kalender", "neuer"))
    person = _person_with(users, apple, title=title, calendar=calendar)
    one = _connected(stack, users, person, titles=True)
    apple.add_calendar(person.apple.apple_id, later)
    with OtherService(stack, account=person.crococlick.account, user=person.user) as crm:
        assert wait_until(lambda: crm.calendar(later) is not None, seconds=PATIENCE)
    needles = {
        f"{what}, {shape}": needle
        for what, secret in (("title", title), ("calendar", calendar), ("later", later), ("id", person.apple.apple_id))
        for shape, needle in shapes(secret).items()
    }
    with MongoClient[dict[str, bytes]](mongodb) as client:
        envelope = client["vault"]["credentials"].find_one({"_id": one}) or {}
        ids = [str(d["_id"]).encode() for d in client["sync"]["objects"].find({"connection_id": one}, {"_id": True})]
    needles["ciphertext"] = envelope["sealed"]
    keys = [one.encode(), *ids]
    assert {find.place for find in in_segments(segments, needles)} == {*COMPACTED, SYNC.name}
    before = {find.place for find in in_mongodb(mongodb, needles)}
    assert {"mongodb sync.objects", "mongodb availability.timeline", "mongodb vault.credentials"} <= before

    assert person.crococlick.disconnect(one).status_code == 202
    assert "mongodb vault.credentials" not in {find.place for find in in_mongodb(mongodb, needles)}
    assert wait_until(lambda: {find.place for find in in_mongodb(mongodb, needles)} <= {OPLOG}, seconds=PATIENCE)
    assert wait_until(lambda: _is_taken_back(kafka, keys), seconds=PATIENCE)
    with eager_compaction(kafka):
        repeat_newest(kafka, keys)
        # What changed about calendars is told for seven days, their names with it.
        erased = wait_until(lambda: {f.place for f in in_segments(segments, needles)} <= {SYNC.name}, seconds=PATIENCE)

    assert erased, in_segments(segments, needles)
    print("scanned:", len(needles), "shapes in all of MongoDB, and of Kafka in", *_sizes(segments))
    print("left:", *sorted({f"{find.place}: {find.shape}" for find in in_segments(segments, needles)}))


def _is_taken_back(kafka: str, keys: list[bytes]) -> bool:
    """Whether each key of an event ends with a tombstone, and the connection's with its end, which tells ids alone."""
    last = {key: record for (_, key), record in newest(kafka, keys).items()}
    ends = b"CalendarDisconnected" in dict(last[keys[0]].headers)["ce_type"]
    return ends and all(last[key].value is None for key in keys[1:])


def _person_with(users: AppleUsers, apple: SimulatorAdmin, *, title: str, calendar: str) -> Person:
    person = users.person()
    apple.add_calendar(person.apple.apple_id, calendar)
    for day in range(EVENTS):
        nine = TODAY + timedelta(days=day + 1, hours=9)
        apple.add_event(person.apple.apple_id, "home", title, (nine, nine + timedelta(hours=1)))
    return person


def _connected(stack: LocalStack, users: AppleUsers, person: Person, *, titles: bool) -> str:
    """The connection's id, once the titles are there where they are wanted."""
    made = person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status().json()
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    with OtherService(stack, account=person.crococlick.account, user=person.user) as crm:
        crm.choose(crm.blocking(), {"titles": titles})
    with MongoClient[dict[str, object]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        titled = {"connection_id": made["id"], "title": {"$exists": True}}
        timeline = client["availability"]["timeline"]
        assert wait_until(lambda: timeline.count_documents(titled) == EVENTS, seconds=PATIENCE)
    return str(made["id"])


def _sizes(root: Path) -> list[str]:
    files = list(root.rglob("*.log*"))
    return [f"{len(files)} segments, {sum(file.stat().st_size for file in files):,} bytes"]
