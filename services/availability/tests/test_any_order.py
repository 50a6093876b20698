"""Three topics are read side by side, and Kafka delivers again what it delivered before: the end is always the same."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.examples import (
    CONNECTION,
    HOME,
    WORK,
    ago,
    completed,
    connected,
    disconnected,
    imported,
    reconnected,
    rejected,
    removed,
    setup_changed,
    span,
    tombstone,
)
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.stories import connections, events, syncs

from availability.application.timeline import Timeline
from availability.domain.changes import Finality
from availability.outbound.mongo import COLLECTION, MongoTimeline
from availability.outbound.mongo.documents import Document
from contracts.facts import OccurrenceFacts

News = tuple[str, Any]
"""The topic, and what came over it."""

_LIFE: Sequence[News] = (
    ("connections", connected([HOME])),
    ("syncs", rejected(revision=500)),
    ("events", imported("moved", revision=1)),
    ("events", imported("moved", span(15, 16), revision=2)),
    ("events", imported("removed", revision=1)),
    ("events", removed("removed", revision=2)),
    ("events", imported("ended", revision=1)),
    ("events", removed("ended", revision=2)),
    ("events", tombstone("ended", revision=2)),
    ("events", imported("ended-at-once", revision=1)),
    ("events", tombstone("ended-at-once", revision=1)),
    ("events", imported("back", revision=1)),
    ("events", removed("back", revision=2)),
    ("events", tombstone("back", revision=2)),
    ("events", imported("back", span(9, 9.5), facts=OccurrenceFacts(tentative=True), revision=3)),
    ("syncs", completed(ago(hours=3), {WORK: ago(days=1)}, revision=1_000)),
    ("connections", setup_changed([HOME, WORK], revision=2)),
    ("syncs", completed(ago(hours=4), revision=2_000)),
    ("syncs", rejected(ago(hours=2), revision=3_000)),
    ("connections", reconnected([HOME, WORK], epoch=2, revision=3)),
    ("events", imported("read-anew", revision=7)),
    ("events", imported("read-anew", span(11, 12), epoch=2, revision=1)),
    ("syncs", completed(ago(hours=1), epoch=2, revision=100)),
    ("connections", connected([WORK], connection="another", user="user-2")),
    ("events", imported("anothers", connection="another", user="user-2")),
    ("syncs", completed(ago(minutes=1), connection="another", user="user-2")),
)
_DEATH: Sequence[News] = (
    ("connections", disconnected(epoch=2, revision=4)),
    ("connections", tombstone(CONNECTION, epoch=2, revision=4)),
)
HISTORIES = pytest.mark.parametrize("history", [_LIFE, (*_LIFE, *_DEATH)], ids=["connected", "disconnected"])


async def tell(timeline: Timeline, news: Iterable[News]) -> None:
    """What stands together in one topic comes as one batch."""
    record: dict[str, Any] = {"connections": connections, "events": events, "syncs": syncs}
    for topic, batch in groupby(news, key=lambda piece: piece[0]):
        await record[topic](timeline, *(piece for _, piece in batch))


def lasting(timeline: MemoryTimeline) -> tuple[object, object]:
    """Everything but the memory of tombstones, which do not tell their connection: it outlives the connection's end
    by thirty days where the event was not known any more."""
    events = {key: change for key, change in timeline.events.items() if change.version.finality is not Finality.ENDED}
    return events, timeline.connections


async def told_in_order(history: Sequence[News]) -> MemoryTimeline:
    timeline = MemoryTimeline()
    for piece in history:
        await tell(timeline, [piece])
    return timeline


@HISTORIES
@given(choice=st.data())
async def test_any_order_and_any_repetition_end_the_same(history: Sequence[News], choice: st.DataObject) -> None:
    order = choice.draw(st.permutations(history))
    again = choice.draw(st.lists(st.sampled_from(history), max_size=20))
    timeline = MemoryTimeline()

    await tell(timeline, choice.draw(st.permutations([*order, *again])))
    expected = await told_in_order(history)

    assert lasting(timeline) == lasting(expected)


@pytest.mark.servers
@HISTORIES
async def test_mongodb_ends_the_same_too(
    history: Sequence[News], mongo_timeline: MongoTimeline, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    documents = mongo[database][COLLECTION]
    chance = Random(20260302)  # noqa: S311 - the same orders in every run
    ends: list[list[Document]] = []

    for orders in range(25):
        news = [*history, *chance.choices(history, k=20)] if orders else list(history)
        if orders:
            chance.shuffle(news)
        await documents.delete_many({})
        await tell(mongo_timeline, news)
        left = documents.find({"finality": {"$ne": Finality.ENDED.value}}, {"expires_at": False})
        ends.append(await left.sort("_id", 1).to_list(None))

    assert len(ends[0]) > 1
    assert all(end == ends[0] for end in ends)


@HISTORIES
async def test_redelivering_any_suffix_changes_nothing(history: Sequence[News]) -> None:
    expected = await told_in_order(history)

    for start in range(len(history)):
        timeline = await told_in_order(history)
        for _ in range(3):
            await tell(timeline, history[start:])
        assert (timeline.events, timeline.connections) == (expected.events, expected.connections)
