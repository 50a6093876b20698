"""Making the topics of `contracts.topics`, with their exact settings, on a local broker."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CoordinatorNotAvailableError, KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import DEAD_CONFIG, TOPICS
from local_stack.errors import CannotGoOn

_TRY_AGAIN_SECONDS = 0.1
_TRIES = 300


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    partitions: int
    config: Mapping[str, str]


def make_topics(bootstrap_servers: str) -> None:
    """As `create_topics`, for callers without an event loop of their own, or inside of one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, create_topics(bootstrap_servers)).result()


async def create_topics(bootstrap_servers: str) -> None:
    """Return when every topic and its dead-letter topic stand, with the settings of the contracts and a leader.

    Repeatable: those that exist get the settings again. Raises CannotGoOn when the broker refuses one.
    """
    wanted = [_Wanted(topic.name, topic.partitions, topic.config) for topic in TOPICS]
    wanted += [_Wanted(topic.dead, topic.partitions, DEAD_CONFIG) for topic in TOPICS]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        await _create(admin, wanted)
        await _set(admin, wanted)
        await _wait_until(lambda: _are_led(admin, wanted))
        await _wait_until(lambda: _has_group_coordinator(admin))
    except KafkaError as error:
        msg = f"Kafka at {bootstrap_servers} does not let us make the topics: {error!r}"
        raise CannotGoOn(msg) from error
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, wanted: Sequence[_Wanted]) -> None:
    answer = await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.config)) for topic in wanted]
    )
    for name, code, *message in answer.topic_errors:
        _demand(code, name, message, fine=TopicAlreadyExistsError)


async def _set(admin: AIOKafkaAdminClient, wanted: Sequence[_Wanted]) -> None:
    answers = await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=dict(topic.config)) for topic in wanted]
    )
    for answer in answers:
        for code, message, _kind, name in answer.resources:
            _demand(code, name, message, fine=None)


def _demand(code: int, name: str, message: object, *, fine: type[KafkaError] | None) -> None:
    error = for_code(code)
    if code and error is not fine:
        msg = f"Kafka refused topic {name}: {error.__name__} {message}"
        raise CannotGoOn(msg)


async def _are_led(admin: AIOKafkaAdminClient, wanted: Sequence[_Wanted]) -> bool:
    described = await admin.describe_topics([topic.name for topic in wanted])
    return all(
        topic["partitions"] and all(partition["leader"] >= 0 for partition in topic["partitions"])
        for topic in described
    )


async def _has_group_coordinator(admin: AIOKafkaAdminClient) -> bool:
    """Asking makes the broker's own topic of groups, so that the first consumer does not wait for it."""
    try:
        await admin.find_coordinator("nobody")
    except CoordinatorNotAvailableError:
        return False
    return True


async def _wait_until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(_TRIES):
        if await holds():
            return
        await asyncio.sleep(_TRY_AGAIN_SECONDS)
    msg = "Kafka made the topics but does not serve them. Look into its log."
    raise CannotGoOn(msg)
