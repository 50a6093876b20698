"""The topics as the contracts want them, held against those that Kafka has."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from calsync.audit import Deed, Entry, audit_where_there_is
from calsync.ends import End, Misuse, NotThere
from calsync.kafka import CLIENT, quiet, refusal
from calsync.session import Session
from calsync.settings import Log
from contracts.topics import DEAD_CONFIG, TOPICS
from runtime.kafka.connection import client_arguments
from runtime.settings import KafkaSettings

_OF_THE_TOPIC: Final = 1
"""Kafka's number for a setting that was made on the topic itself."""
_PARTITIONS: Final = "partitions"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as it is to be."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is; `own` are the settings that were made on it, `config` all that hold."""

    partitions: int
    config: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)


WANTED: Final = tuple(
    each
    for topic in TOPICS
    for each in (
        Wanted(topic.name, topic.partitions, topic.config),
        Wanted(topic.dead, topic.partitions, DEAD_CONFIG),
    )
)


async def diff(session: Session) -> End:
    """What differs; WRONG when anything does."""
    async with _admin(session.load(Log).kafka) as admin:
        rows = list(differences(await _found(admin)))
    session.tell(differences=rows, topics=len(WANTED))
    return End.WRONG if rows else End.OK


async def apply(session: Session, replication_factor: int) -> End:
    """Make what is missing, and set what differs. Settings that the contracts do not name stay as they are."""
    if replication_factor < 1:
        raise Misuse("--replication-factor must be at least 1.")
    async with _admin(session.load(Log).kafka) as admin, audit_where_there_is(session) as audit:
        before = await _found(admin)
        rows = list(differences(before))
        stuck = [row for row in rows if row["setting"] == _PARTITIONS and row["found"] is not None]
        if stuck:
            names = ", ".join(row["topic"] for row in stuck)
            raise NotThere(f"The number of partitions never changes, or keys would lose their order: {names}.")
        if rows:

            async def work(_: Entry) -> None:
                await _make(admin, [one for one in WANTED if one.name not in before], replication_factor)
                await _set(admin, {row["topic"] for row in rows}, before)

            deed = Deed("topics apply", {"topics": sorted({row["topic"] for row in rows})})
            session.preview(differences=rows)
            await session.change(audit, deed, f"Set {len(rows)} settings of topics?", work)
        session.tell(changed=rows if session.as_json else len(rows), topics=len(WANTED))
    return End.OK


def differences(found: Mapping[str, Found]) -> Iterator[dict[str, Any]]:
    """One row for each setting that is not as the contracts say; a topic that is missing is one of no partitions."""
    for one in WANTED:
        there = found.get(one.name)
        if there is None or there.partitions != one.partitions:
            number = None if there is None else str(there.partitions)
            yield {"topic": one.name, "setting": _PARTITIONS, "wanted": str(one.partitions), "found": number}
        for name, value in sorted(one.config.items()):
            if there is not None and there.config.get(name) != value:
                yield {"topic": one.name, "setting": name, "wanted": value, "found": there.config.get(name)}


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    quiet()
    admin = AIOKafkaAdminClient(**client_arguments(settings, CLIENT))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _found(admin: AIOKafkaAdminClient) -> dict[str, Found]:
    described = await admin.describe_topics([one.name for one in WANTED])
    for one in described:
        if for_code(one["error_code"]) is not UnknownTopicOrPartitionError:
            _demand(one["error_code"], one["topic"], "")
    numbers = {one["topic"]: len(one["partitions"]) for one in described if one["partitions"]}
    if not numbers:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in numbers])
    found = {}
    for answer in answers:
        for code, message, _kind, name, entries in answer.resources:
            _demand(code, name, message)
            config = {entry[0]: entry[1] for entry in entries}
            own = {entry[0]: entry[1] for entry in entries if entry[3] == _OF_THE_TOPIC}
            found[name] = Found(numbers[name], config, own)
    return found


async def _make(admin: AIOKafkaAdminClient, missing: Sequence[Wanted], replication_factor: int) -> None:
    if missing:
        answer = await admin.create_topics(
            [NewTopic(one.name, one.partitions, replication_factor, topic_configs=dict(one.config)) for one in missing]
        )
        for name, code, *message in answer.topic_errors:
            if for_code(code) is not TopicAlreadyExistsError:
                _demand(code, name, message)


async def _set(admin: AIOKafkaAdminClient, names: set[str], before: Mapping[str, Found]) -> None:
    """Kafka takes all of a topic's own settings at once and forgets the others: those are sent again."""
    changed = [
        ConfigResource(ConfigResourceType.TOPIC, one.name, configs={**before[one.name].own, **one.config})
        for one in WANTED
        if one.name in names and one.name in before
    ]
    if changed:
        for answer in await admin.alter_configs(changed):
            for code, message, _kind, name in answer.resources:
                _demand(code, name, message)


def _demand(code: int, name: str, message: object) -> None:
    if not code:
        return
    error = for_code(code)(message)
    if refusal(error):
        raise error
    raise NotThere(f"Kafka refuses {name}: {type(error).__name__} ({message}).")
