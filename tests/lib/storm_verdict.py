"""Whether everybody believes the truth after a storm."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import MongoClient

from apple_users import PARIS, AppleUsers, Person
from icloud import event_id
from icloud_simulator.client import SimulatorAdmin
from oracle import Interval, busy
from storm_reader import Reader

_WEEKS: Final = timedelta(weeks=8)
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the storm and their connection."""

    person: Person
    connection_id: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who is asked."""

    apple: SimulatorAdmin
    users: AppleUsers
    reader: Reader
    mongodb_url: str
    today: datetime


def differences(subjects: Iterable[Subject], ask: Witnesses) -> list[str]:
    """What any two of them disagree about, in words; empty when all is well."""
    told: list[str] = []
    for subject in subjects:
        told += _of_topic(subject, ask)
        told += _of_availability(subject, ask)
        told += _of_store(subject, ask)
    return told[:_MOST_TOLD]


def _of_topic(subject: Subject, ask: Witnesses) -> Iterator[str]:
    """iCloud against the topic, object by object: what covers itself in the sum shows here."""
    end = ask.today + _WEEKS
    me = subject.person.apple.apple_id
    true = {
        event_id(subject.connection_id, one.href): busy([one.ics], ask.today, end, zone=PARIS, me=me)
        for one in ask.apple.objects(me)
    }
    said = {
        one: _united(ask.reader.busy(event, ask.today, end))
        for one, event in ask.reader.of(subject.connection_id).items()
    }
    for one in true.keys() | said.keys():
        if true.get(one, []) != said.get(one, []):
            yield f"{subject.person.user}: event {one}: iCloud {_told(true, one)}, topic {_told(said, one)}"


def _of_availability(subject: Subject, ask: Witnesses) -> Iterator[str]:
    """iCloud against availability."""
    true, believed = ask.users.true(subject.person, ask.today), ask.users.believed(subject.person, ask.today)
    for span in sorted(set(true) ^ set(believed)):
        whom = "iCloud" if span in true else "availability"
        yield f"{subject.person.user}: only {whom} says {span[0]:%F %R} - {span[1]:%F %R}"


def _of_store(subject: Subject, ask: Witnesses) -> Iterator[str]:
    """The topic's last word of each event against the worker's database: an older one would have gone last."""
    with MongoClient[dict[str, Any]](ask.mongodb_url) as client:
        kept = list(client["sync"]["objects"].find({"connection_id": subject.connection_id}))
    for document in kept:
        said = ask.reader.last.get(document["_id"])
        wanted = (document["epoch"], document["revision"])
        if said is None or said[:2] != wanted or (said[2] == 0) != document["alive"]:
            yield f"{subject.person.user}: event {document['_id']}: kept {wanted}, last on the topic {said}"


def _told(busy_by_event: Mapping[str, list[Interval]], one: str) -> str:
    spans = busy_by_event.get(one)
    if spans is None:
        return "does not know it"
    return ", ".join(f"{start:%F %R} - {end:%R}" for start, end in spans[:3]) or "has it free"


def _united(spans: list[Interval]) -> list[Interval]:
    united: list[Interval] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united
