"""Why a letter had better not be sent again. What holds when it is shown may not hold when it is sent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from calsync.kafka import read
from calsync.letters import Letter
from calsync.stores import Collection, Stores
from contracts.topics import CONNECTIONS, EXPORTS, ICLOUD_EVENTS, SYNC_REQUESTS
from contracts.wire import topic_named

_Version = tuple[int, int]
_ENDED: Final = "disconnected"
_REQUEST: Final = "a request is worth nothing later, and what it confirms may be something else by now"
_NUMBERLESS: Final = "it has no revision to go by"
_OVERTAKEN: Final = "its key has something newer"
_NOT_HELD: Final = "nobody holds it like this any more: removed, erased, or changed"


class Objections:
    """Asked as often as one likes: each time it reads on where Kafka ended the last time.

    On a compacted topic an old record must not become its key's last word, least of all one that was erased and whose
    tombstone is gone: only what the store still holds as living, in this very revision, may be sent.
    """

    def __init__(self, kept: Stores, found: AIOKafkaConsumer, letters: Sequence[Letter]) -> None:
        """Of no other letters is it asked."""
        self._kept = kept
        self._found = found
        compacted = [one for one in letters if topic_named(one.topic).compacted]
        self._newest: dict[tuple[str, bytes], _Version] = {(one.topic, one.key or b""): (0, 0) for one in compacted}
        # What is said of an appointment's copy has the appointment's revision: of two such words the later one is true.
        ordered = [one for one in letters if one.topic == EXPORTS.name]
        self._last: dict[tuple[str, bytes], int] = {(one.topic, one.key or b""): -1 for one in ordered}
        self._next = _behind([*compacted, *ordered])

    async def __call__(self, letters: Sequence[Letter]) -> dict[str, str]:
        """Reasons, by the ids of the letters that are not to be sent."""
        await self._read_on()
        living = await self._living(letters)
        told = ((one.id, self._reason(one, living.get((one.topic, one.key_text)))) for one in letters)
        return {one: reason for one, reason in told if reason is not None}

    def _reason(self, letter: Letter, living: _Version | None) -> str | None:
        if letter.topic == SYNC_REQUESTS.name:
            return _REQUEST
        if letter.topic == EXPORTS.name:
            is_last = self._last[letter.topic, letter.key or b""] <= (letter.number("dl-offset") or 0)
            return None if is_last else _OVERTAKEN
        if not topic_named(letter.topic).compacted:
            return None
        version = _version(dict(letter.headers))
        if version is None:
            return _NUMBERLESS
        if self._newest[letter.topic, letter.key or b""] > version:
            return _OVERTAKEN
        return None if living == version else _NOT_HELD

    async def _read_on(self) -> None:
        """What lies on these keys."""
        async for record in read(self._found, self._next):
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1
            place, version = (record.topic, record.key or b""), _version(dict(record.headers))
            if place in self._last:
                self._last[place] = record.offset
            if version is not None and place in self._newest:
                self._newest[place] = max(self._newest[place], version)

    async def _living(self, letters: Sequence[Letter]) -> Mapping[tuple[str, str], _Version]:
        """What the stores hold as living, by topic and key."""
        keys = {
            name: [one.key_text for one in letters if one.topic == name]
            for name in (CONNECTIONS.name, ICLOUD_EVENTS.name)
        }
        objects = await _found(self._kept.objects, keys[ICLOUD_EVENTS.name], {"alive": True})
        of_objects = {whose for _, whose in objects.values()}
        living = {"state": {"$ne": _ENDED}}
        # Where a connection has ended, the worker may not have come to erase what it holds of it.
        connections = await _found(self._kept.connections, [*keys[CONNECTIONS.name], *of_objects], living)
        return {(CONNECTIONS.name, one): version for one, (version, _) in connections.items()} | {
            (ICLOUD_EVENTS.name, one): version for one, (version, whose) in objects.items() if whose in connections
        }


async def _found(among: Collection, ids: Iterable[str], where: Mapping[str, object]) -> dict[str, tuple[_Version, str]]:
    """Versions by id, and of which connection each is."""
    asked = {"_id": {"$in": list(ids)}, **where}
    found = among.find(asked, {"epoch": True, "revision": True, "connection_id": True})
    return {one["_id"]: ((one["epoch"], one["revision"]), one.get("connection_id", one["_id"])) async for one in found}


def _behind(letters: Iterable[Letter]) -> dict[TopicPartition, int | None]:
    """From where to read what came after these, by partition."""
    starts: dict[TopicPartition, int | None] = {}
    for letter in letters:
        place = TopicPartition(letter.topic, letter.number("dl-partition") or 0)
        offset = letter.number("dl-offset") or 0
        known = starts.get(place)
        starts[place] = offset if known is None else min(known, offset)
    return starts


def _version(headers: Mapping[str, bytes]) -> _Version | None:
    epoch, revision = headers.get("ce_epoch", b""), headers.get("ce_revision", b"")
    return (int(epoch), int(revision)) if epoch.isdigit() and revision.isdigit() else None
