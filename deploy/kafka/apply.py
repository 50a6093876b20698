"""Makes the topics of contracts/topics.py and the rights of acls.txt on a Kafka that no operator looks after.

    python apply.py          topics and rights; repeatable: what exists gets its settings again. Takes nothing away:
                             settings that were made on a topic by hand, and that the contracts do not name, stay
    python apply.py diff     names rights of our users that the table does not know; exit code 1 when there are any
    python apply.py prune    takes those away

Runs where a service's packages are (in any service's image), as an administrator of Kafka, by the services' own
variables `CALSYNC_KAFKA_*`, and `KAFKA_REPLICATION`: copies of each topic (3).
"""
# ruff: noqa: INP001, T201 - a script that is run where it lies, and talks on the terminal

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from contracts.topics import DEAD_CONFIG, TOPICS
from runtime.kafka.connection import client_arguments
from runtime.settings import Fragment, KafkaSettings, load

_TABLE: Final = Path(__file__).with_name("acls.txt")
# Kafka's own numbers (AclOperation, ResourceType, PatternType, AclPermissionType).
_OPERATIONS: Final = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8, "DescribeConfigs": 10}
_KINDS: Final = {"topic": 2, "group": 3}
_ANY, _LITERAL, _ALLOW = 1, 3, 3
_OF_THE_TOPIC: Final = 1
"""Kafka's number for a setting that was made on the topic itself."""
_EVERYWHERE: Final = "*"
_TRIES, _AGAIN_SECONDS = 60, 2.0

Right = tuple[str, str, str, str]
"""User, operation, kind of resource, name: a row of the table."""


class Settings(Fragment):
    """All that is read."""

    kafka: KafkaSettings


class Refused(Exception):
    """Kafka did not do it; the message says what and why."""


async def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Do as the module's docstring says; the exit code."""
    if arguments not in ([], ["diff"], ["prune"]):
        sys.stderr.write(__doc__ or "")
        return 2
    admin = await _reached(load(Settings, environ).kafka)
    try:
        if not arguments:
            await _make_topics(admin, int(environ.get("KAFKA_REPLICATION", "3")))
            await _give(admin, _wanted())
            return 0
        surplus = await _given(admin, {user for user, *_ in _wanted()}) - _wanted()
        for right in sorted(surplus):
            print(*right)
        if arguments == ["diff"]:
            return 1 if surplus else 0
        await _take(admin, surplus)
        return 0
    finally:
        await admin.close()


async def _reached(settings: KafkaSettings) -> AIOKafkaAdminClient:
    """A client; Kafka may still be starting. Raises Refused when it is not there in two minutes."""
    for _ in range(_TRIES):
        admin = AIOKafkaAdminClient(**client_arguments(settings, "kafka-setup"))
        try:
            await admin.start()
        except KafkaConnectionError:
            await admin.close()
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            return admin
    raise Refused("Kafka does not answer")


def _wanted() -> set[Right]:
    rows = (line.split() for line in _TABLE.read_text().splitlines() if line and not line.startswith("#"))
    return {(user, operation, kind, name) for user, operation, kind, name in rows}


async def _make_topics(admin: AIOKafkaAdminClient, replication: int) -> None:
    wanted = {topic.name: (topic.partitions, topic.config) for topic in TOPICS}
    wanted |= {topic.dead: (topic.partitions, DEAD_CONFIG) for topic in TOPICS}
    new = [NewTopic(name, number, replication, topic_configs=dict(config)) for name, (number, config) in wanted.items()]
    made = await admin.create_topics(new)
    for name, code, *why in made.topic_errors:
        _demand(code, f"topic {name}", why, fine=TopicAlreadyExistsError)
    own = await _own_settings(admin, [name for name, code, *_ in made.topic_errors if code])
    # Kafka takes all of a topic's own settings at once and forgets the others: those are sent again.
    settings = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs={**old, **wanted[name][1]}) for name, old in own.items()
    ]
    for answer in await admin.alter_configs(settings):
        for code, why, _kind, name in answer.resources:
            _demand(code, f"the settings of {name}", why)
    print(f"{len(wanted)} topics stand")


async def _own_settings(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The settings that were made on these topics, which exist."""
    found: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for code, why, _kind, name, entries in answer.resources:
            _demand(code, f"to tell the settings of {name}", why)
            found[name] = {entry[0]: entry[1] for entry in entries if entry[3] == _OF_THE_TOPIC}
    return found


async def _give(admin: AIOKafkaAdminClient, rights: Iterable[Right]) -> None:
    for right in sorted(rights):
        answer = await _ask(admin, CreateAclsRequest(*_numbers(right)))
        for code, why in answer.creation_responses:
            _demand(code, " ".join(right), why)
        print(*right)


async def _given(admin: AIOKafkaAdminClient, users: set[str]) -> set[Right]:
    """What these users are allowed now."""
    operations, kinds = ({number: word for word, number in words.items()} for words in (_OPERATIONS, _KINDS))
    answer = await _ask(admin, DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ALLOW))
    _demand(answer.error_code, "to tell its rights", answer.error_message)
    return {
        (user, operations.get(operation, str(operation)), kinds.get(kind, str(kind)), name)
        for kind, name, _pattern, acls in answer.resources
        for principal, _host, operation, _permission in acls
        if (user := principal.removeprefix("User:")) in users
    }


async def _take(admin: AIOKafkaAdminClient, rights: Iterable[Right]) -> None:
    for right in rights:
        answer = await _ask(admin, DeleteAclsRequest(*_numbers(right)))
        for code, why, _matching in answer.filter_responses:
            _demand(code, " ".join(right), why)


def _numbers(right: Right) -> tuple[int, str, int, str, str, int, int]:
    user, operation, kind, name = right
    return _KINDS[kind], name, _LITERAL, f"User:{user}", _EVERYWHERE, _OPERATIONS[operation], _ALLOW


async def _ask(admin: AIOKafkaAdminClient, request: Any) -> Any:  # noqa: ANN401 - aiokafka builds these classes from schemas
    # The client has no calls of its own for rights, but it knows the messages.
    return await admin._send_request(request)  # noqa: SLF001 - see above


def _demand(code: int, what: str, why: object, *, fine: type[Exception] | None = None) -> None:
    if code and for_code(code) is not fine:
        raise Refused(f"Kafka refuses {what}: {for_code(code).__name__} {why or ''}")


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1:], os.environ)))  # noqa: TID251 - a tool
    except Refused as refused:
        sys.exit(str(refused))
