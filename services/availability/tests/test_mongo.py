import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from services.availability.tests.examples import (
    ACCOUNT,
    CONNECTION,
    DAY,
    NOW,
    TODAY,
    USER,
    completed,
    connected,
    disconnected,
    imported,
    removed,
    span,
    tombstone,
)
from services.availability.tests.stories import ask, syncs

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.application.timeline import AskLater
from availability.domain.intervals import Window
from availability.outbound.mongo import COLLECTION, QUESTIONS, MongoClock, MongoTimeline
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.indexes import INDEXES
from availability.outbound.mongo.questions import projection, question

pytestmark = pytest.mark.servers


class Commands(CommandListener):
    """What is asked of the server."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.seen.append((event.command_name, dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Its start is enough."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Its start is enough."""


async def test_the_common_clock_is_the_one_that_bounds_what_has_been_read(
    mongo: AsyncIOMotorClient[Document], database: str, mongo_timeline: MongoTimeline
) -> None:
    clock = MongoClock(mongo)
    ahead = int((datetime.now(UTC) + timedelta(days=1)).timestamp())

    before = await clock()
    await syncs(mongo_timeline, completed(ahead))
    after = await clock()

    found = await mongo[database][COLLECTION].find_one({"_id": CONNECTION}) or {}
    assert before <= found["as_of"] <= after


async def test_while_mongodb_is_away_nobody_knows_the_time() -> None:
    away: AsyncIOMotorClient[Document] = AsyncIOMotorClient("mongodb://127.0.0.1:1", serverSelectionTimeoutMS=1)

    with pytest.raises(AskLater):
        await MongoClock(away)()
    away.close()


async def test_no_knowledge_is_younger_than_mongodb_itself(
    mongo: AsyncIOMotorClient[Document], database: str, mongo_timeline: MongoTimeline
) -> None:
    ahead = int((datetime.now(UTC) + timedelta(days=1)).timestamp())

    await syncs(mongo_timeline, completed(ahead))

    found = await mongo[database][COLLECTION].find_one({"_id": CONNECTION}) or {}
    assert found["as_of"] <= datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
async def watched(mongodb_url: str, database: str) -> AsyncIterator[tuple[MongoTimeline, Commands]]:
    commands = Commands()
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongodb_url, tz_aware=True, event_listeners=[commands])
    yield MongoTimeline(client, lambda: NOW, database), commands
    client.close()


async def a_year_of_events(timeline: MongoTimeline) -> None:
    """Eight a day for a year, and three series through all of it."""
    days = range(365)
    singles = [imported(f"{day}-{hour}", span(hour, hour + 0.5, day=day)) for day in days for hour in range(8)]
    series = [
        imported(f"series-{hour}", *(span(hour, hour + 1, day=day) for day in range(365))) for hour in (9, 12, 17)
    ]
    await RecordConnections(timeline)([connected()])
    await RecordEvents(timeline)([*singles, *series])


def stages(plan: dict[str, Any]) -> list[str]:
    return [plan["stage"], *(stages(plan["inputStage"]) if "inputStage" in plan else [])]


async def test_a_question_is_one_query_and_its_answer_one_reply(
    mongo_timeline: MongoTimeline, watched: tuple[MongoTimeline, Commands]
) -> None:
    await a_year_of_events(mongo_timeline)
    timeline, commands = watched

    answer = await ask(timeline, days=92)
    asked = [(name, command) for name, command in commands.seen if name in {"find", "getMore", "aggregate"}]

    assert len(answer.spans) == 92 * (8 + 3)
    assert [name for name, _ in asked] == ["aggregate"]
    assert asked[0][1]["readConcern"]["level"] == "snapshot"


@pytest.mark.parametrize("day", [0, 180, 355])
async def test_a_question_walks_the_index_near_its_time_only(
    mongo_timeline: MongoTimeline, mongo: AsyncIOMotorClient[Document], database: str, day: int
) -> None:
    await a_year_of_events(mongo_timeline)
    window = Window(TODAY + day * DAY, TODAY + (day + 7) * DAY)
    find = {"find": COLLECTION, "filter": question(ACCOUNT, USER, window), "projection": projection(window)}

    explained = await mongo[database].command("explain", find, verbosity="executionStats")
    plan, did = explained["queryPlanner"]["winningPlan"], explained["executionStats"]

    assert stages(plan)[-2:] == ["FETCH", "IXSCAN"]
    assert plan["inputStage"]["inputStage"]["indexName"] == QUESTIONS
    assert did["nReturned"] == 1 + 7 * 8 + 3
    assert did["totalDocsExamined"] == did["nReturned"]
    assert did["totalKeysExamined"] < 3 * did["nReturned"]  # of 4,015 keys in all


async def test_a_batch_of_events_is_three_commands(
    mongo_timeline: MongoTimeline, watched: tuple[MongoTimeline, Commands]
) -> None:
    await RecordConnections(mongo_timeline)([connected()])
    timeline, commands = watched

    await RecordEvents(timeline)([imported(f"event-{number}", revision=r) for r in (1, 2) for number in range(100)])
    asked = [(name, len(command.get("updates", []))) for name, command in commands.seen if name in {"update", "find"}]

    assert asked == [("update", 100), ("update", 1), ("find", 0)]


async def test_what_is_gone_is_forgotten_after_thirty_days(
    mongo_timeline: MongoTimeline, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    documents = mongo[database][COLLECTION]
    await RecordEvents(mongo_timeline)([removed("removed"), tombstone("ended"), imported("living")])
    await syncs(mongo_timeline, completed())

    expiries = {document["_id"]: document.get("expires_at") async for document in documents.find()}
    await RecordConnections(mongo_timeline)([connected()])
    connection = await documents.find_one({"_id": CONNECTION}) or {}

    in_thirty_days = NOW + timedelta(days=30)
    assert [
        index.document["expireAfterSeconds"] for index in INDEXES[COLLECTION] if index.document["name"] == "expiry"
    ] == [0]
    assert expiries == {"removed": in_thirty_days, "ended": in_thirty_days, "living": None, CONNECTION: in_thirty_days}
    assert "expires_at" not in connection


async def test_a_disconnect_leaves_two_numbers_and_no_user(
    mongo_timeline: MongoTimeline, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    await RecordConnections(mongo_timeline)([connected()])
    await RecordEvents(mongo_timeline)([imported("event-1"), removed("event-2", revision=2)])
    await syncs(mongo_timeline, completed())
    await RecordConnections(mongo_timeline)([disconnected(revision=9)])

    left = await mongo[database][COLLECTION].find().to_list(None)

    assert left == [{"_id": CONNECTION, "kind": "connection", "ended": {"epoch": 1, "revision": 9}}]


async def test_writers_at_once_leave_the_newest(mongo_timeline: MongoTimeline) -> None:
    await RecordConnections(mongo_timeline)([connected()])
    record = RecordEvents(mongo_timeline)

    for lap in range(20):
        event = f"event-{lap}"
        revisions = (3, 1, 4, 2)
        await asyncio.gather(
            *(record([imported(event, span(lap, lap + r / 10, day=1), revision=r)]) for r in revisions)
        )
    answer = await ask(mongo_timeline)

    assert answer.spans == tuple(span(lap, lap + 0.4, day=1) for lap in range(20))


async def test_text_from_outside_is_never_taken_for_an_expression(mongo_timeline: MongoTimeline) -> None:
    await RecordConnections(mongo_timeline)([connected(["$ROOT"])])
    await RecordEvents(mongo_timeline)([imported("$$REMOVE", span(9, 10), calendar="$ROOT")])
    await RecordConnections(mongo_timeline)([tombstone("$$ROOT")])

    answer = await ask(mongo_timeline)

    assert await mongo_timeline.ended(["$$ROOT"]) == {"$$ROOT"}
    assert answer.spans == (span(9, 10),)
    assert [calendar.id for calendar in answer.freshness.calendars] == ["$ROOT"]
