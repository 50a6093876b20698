"""Dead letters: found, shown without what is personal, and sent again."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import TypeAdapter

from calsync.ends import Misuse
from calsync.kafka import places, read
from contracts.topics import TOPICS
from contracts.wire import topic_named
from runtime.redaction import REDACTED

_PREFIX: Final = "dl-"
_READABLE: Final = frozenset({"dl-reason", "dl-topic", "dl-partition", "dl-offset", "dl-consumer", "dl-at"})
_CE: Final = frozenset({"ce_type", "ce_id", "ce_time", "ce_epoch", "ce_revision", "ce_source"})
_MOST_SHOWN: Final = 500
_PERSONAL: Final = frozenset({"title", "location", "notes", "name", "color"})
_IMPERSONAL: Final = re.compile(r"[\w.:/|+-]{1,128}", re.ASCII)
"""What an id, a word of ours or a moment looks like: no spaces, and nobody's address."""
_TYPE: Final = "com.crococlick.calendar."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters. What is None does not matter."""

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def names_something(self) -> bool:
        """Whether anything narrows it down."""
        return any(
            one is not None for one in (self.topic, self.partition, self.offset, self.key, self.since, self.until)
        )

    def topics(self) -> list[str]:
        """Those that letters lie on. Raises Misuse."""
        if self.topic is None:
            return [topic.dead for topic in TOPICS]
        try:
            return [topic_named(self.topic.removesuffix(".dead")).dead]
        except StopIteration:
            names = ", ".join(topic.name for topic in TOPICS)
            raise Misuse(f"There is no topic of that name. Ours are: {names}.") from None

    def has(self, letter: "Letter") -> bool:
        """Whether it is one of them."""
        place = letter.place
        return (
            self.partition in {None, place.partition}
            and self.offset in {None, letter.offset}
            and self.key in {None, letter.key_text}
            and (self.since is None or letter.at_ms >= self.since.timestamp() * 1000)
            and (self.until is None or letter.at_ms < self.until.timestamp() * 1000)
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that somebody could not process, as it lies on a `.dead` topic."""

    place: TopicPartition
    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def id(self) -> str:
        """Its name among dead letters."""
        return f"{self.place.topic}/{self.place.partition}/{self.offset}"

    @property
    def topic(self) -> str:
        """Where it came from, and goes when it is sent again."""
        name: str = self.place.topic
        return name.removesuffix(".dead")

    @property
    def key_text(self) -> str:
        """The key as text, however broken."""
        return (self.key or b"").decode(errors="replace")

    @property
    def original_headers(self) -> tuple[tuple[str, bytes], ...]:
        """Those that it had before it died."""
        return tuple(header for header in self.headers if not header[0].startswith(_PREFIX))

    def said(self, name: str) -> str | None:
        """A header of those that may be shown."""
        found = dict(self.headers).get(name)
        return None if found is None else found.decode("ascii", errors="replace")[:_MOST_SHOWN]

    def number(self, name: str) -> int | None:
        """A header that is a number."""
        text = self.said(name)
        return int(text) if text is not None and text.isdecimal() else None


async def letters(found: AIOKafkaConsumer, wanted: Wanted) -> AsyncIterator[Letter]:
    """Those that are wanted and not over, by topic and partition, the oldest first within each."""
    all_places = [
        one
        for one in await places(found, wanted.topics())
        if wanted.partition is None or one.partition == wanted.partition
    ]
    starts: dict[TopicPartition, int | None] = dict.fromkeys(all_places)
    if wanted.offset is not None:
        starts = dict.fromkeys(all_places, wanted.offset)
    elif wanted.since is not None and all_places:
        moment = int(wanted.since.timestamp() * 1000)
        since = await found.offsets_for_times(dict.fromkeys(all_places, moment))
        starts = {place: at.offset for place, at in since.items() if at is not None}
    async for record in read(found, starts):
        letter = Letter(
            TopicPartition(record.topic, record.partition),
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            tuple(record.headers),
        )
        if wanted.has(letter):
            yield letter


def row(letter: Letter) -> dict[str, Any]:
    """A line of a list."""
    return {
        "topic": letter.topic,
        "partition": letter.place.partition,
        "offset": letter.offset,
        "at": letter.said("dl-at"),
        "consumer": letter.said("dl-consumer"),
        "reason": letter.said("dl-reason"),
        "type": _impersonal(letter.said("ce_type") or REDACTED).removeprefix(_TYPE),
        "key": shown_key(letter),
    }


def shown(letter: Letter) -> dict[str, Any]:
    """All of it that is not personal: headers that we know, and the body with what people wrote covered."""
    headers = {name: letter.said(name) for name, _ in letter.headers if name in _READABLE}
    headers |= {name: _impersonal(letter.said(name) or "") for name, _ in letter.headers if name in _CE}
    value = letter.value
    return {
        "letter": letter.id,
        "key": shown_key(letter),
        "headers": headers,
        "bytes": None if value is None else len(value),
        "content": None if value is None else _content(value),
    }


def shown_key(letter: Letter) -> str:
    """The key, where it can be an id of ours."""
    return _impersonal(letter.key_text)


def _impersonal(text: str) -> str:
    return text if _IMPERSONAL.fullmatch(text) else REDACTED


def _content(value: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return _uncovered(json.loads(value))
    except ValueError:
        return "not JSON"


def _uncovered(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What stands under names of the contracts, without people's words."""
    if isinstance(value, Mapping):
        return {
            name: REDACTED if isinstance(one, str) and name in _PERSONAL else _uncovered(one)
            for name, one in value.items()
            if name in _NAMES
        }
    if isinstance(value, list):
        return [_uncovered(one) for one in value]
    return _impersonal(value) if isinstance(value, str) else value


def _names(schema: Any) -> set[str]:  # noqa: ANN401 - JSON
    if isinstance(schema, Mapping):
        own = set(schema["properties"]) if isinstance(schema.get("properties"), Mapping) else set()
        return own.union(*map(_names, schema.values()))
    return set().union(*map(_names, schema)) if isinstance(schema, list) else set()


_NAMES: Final = frozenset(_names([TypeAdapter(event).json_schema() for topic in TOPICS for event in topic.events]))
