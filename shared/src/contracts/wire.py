"""Events as Kafka records: CloudEvents 1.0, Kafka binary content mode (docs/adr/0002)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from contracts.events import Event, SyncCompleted
from contracts.topics import TOPICS, Topic, topic_of

Header = tuple[str, bytes]
AnyEvent = Event | SyncCompleted

TRACEPARENT: Final = "ce_traceparent"
"""CloudEvents' extension for distributed tracing (W3C Trace Context): only on records of a trace that is told."""

_TYPE_PREFIX: Final = "com.crococlick.calendar."
_VERSION: Final = ".v1"
_TOMBSTONE: Final = _TYPE_PREFIX + "Tombstone" + _VERSION
_TYPES: Final = {f"{_TYPE_PREFIX}{e.__name__}{_VERSION}": e for topic in TOPICS for e in topic.events}


@dataclass(frozen=True, slots=True)
class WireRecord:
    """A record ready for a producer; `value` None is a tombstone.

    All records with one `partition_key` lie in one partition, in the order in which they were produced.
    """

    topic: str
    key: str
    value: bytes | None
    headers: tuple[Header, ...]
    partition_key: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The end of a key. It carries epoch and revision, so that a replayed one cannot remove something newer."""

    key: str
    epoch: int
    revision: int


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A type that a newer writer brought; readers pass over it."""

    type: str


class Undecodable(Exception):
    """This record can never be read. The message names the place and the rule, never the content."""


def type_of(event: type[AnyEvent]) -> str:
    """The CloudEvents `type` of an event class."""
    return f"{_TYPE_PREFIX}{event.__name__}{_VERSION}"


def encode(event: AnyEvent, *, source: str, time: datetime) -> WireRecord:
    """The record of an event; `source` is the writing service's name, `time` (aware) when it happened."""
    body = event.model_dump_json(exclude_defaults=True).encode()
    headers = _headers(type_of(type(event)), (event.entity, event.epoch, event.revision), source, time)
    return WireRecord(
        topic=topic_of(type(event)).name,
        key=event.key,
        value=body,
        headers=(*headers, ("content-type", b"application/json")),
        partition_key=event.partition_key,
    )


def tombstone(last: Event, *, source: str, time: datetime) -> WireRecord:
    """The record that ends `last`'s key on its compacted topic, at the same epoch and revision."""
    alive = encode(last, source=source, time=time)
    headers = _headers(_TOMBSTONE, (last.entity, last.epoch, last.revision), source, time)
    return WireRecord(alive.topic, alive.key, None, headers, alive.partition_key)


def decode(
    topic: str, key: bytes | None, headers: Iterable[Header], value: bytes | None
) -> AnyEvent | Tombstone | UnknownEvent:
    """What a record says.

    Raises Undecodable when it is not one of ours or its body breaks the contract.
    """
    said = dict(headers)
    kind = _text(said, "ce_type")
    if not value:
        return Tombstone(_key(key), _number(said, "ce_epoch"), _number(said, "ce_revision"))
    if kind not in _TYPES:
        return UnknownEvent(kind)
    event = _TYPES[kind]
    if topic_of(event).name != topic:
        raise Undecodable(f"{event.__name__} does not belong on {topic}")
    try:
        return event.model_validate_json(value)
    except ValidationError as wrong:
        raise Undecodable(f"{event.__name__}: {_where(wrong)}") from None


def topic_named(name: str) -> Topic:
    """The topic of that name; KeyError when it is not one of ours."""
    return next(topic for topic in TOPICS if topic.name == name)


def _headers(kind: str, identity: tuple[str, int, int], source: str, time: datetime) -> tuple[Header, ...]:
    entity, epoch, revision = identity
    said = {
        "ce_specversion": "1.0",
        "ce_id": f"{entity}:{epoch}:{revision}",
        "ce_source": f"/crococlick/calendar/{source}",
        "ce_type": kind,
        "ce_time": time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ce_epoch": str(epoch),
        "ce_revision": str(revision),
    }
    return tuple((name, content.encode()) for name, content in said.items())


def _text(headers: Mapping[str, bytes], name: str) -> str:
    try:
        return headers[name].decode("ascii")
    except KeyError:
        raise Undecodable(f"header {name} is missing") from None
    except UnicodeDecodeError:
        raise Undecodable(f"header {name} is not ASCII") from None


def _number(headers: Mapping[str, bytes], name: str) -> int:
    text = _text(headers, name)
    if not text.isdecimal():
        raise Undecodable(f"header {name} is not a number")
    return int(text)


def _key(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        raise Undecodable("the key is not UTF-8") from None


def _where(wrong: ValidationError) -> str:
    """Field and rule of each error; the input itself stays out of logs and headers."""
    errors = wrong.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['type']}" for e in errors[:5])
