import socket
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError
from services.availability.tests.examples import ACCOUNT, NOW, USER
from services.availability.tests.tokens import Platform

from availability.app import main, put_together
from availability.application.timeline import AskLater
from availability.domain.intervals import Window
from availability.outbound.mongo import MongoTimeline, passes
from availability.settings import Settings
from runtime.mongo import connect
from runtime.settings import MongoSettings, load


def environment(platform: Platform) -> dict[str, str]:
    return {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "kafka.test:9092",
        "CALSYNC_MONGODB_URL": "mongodb://mongodb.test:27017/?replicaSet=calsync",
        **platform.environment,
    }


async def test_the_service_is_put_together_without_touching_the_network(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, lambda *_: touched.append("socket"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: touched.append("name"))

    parts = put_together(load(Settings, environment(platform)))
    parts.client.close()

    assert touched == []
    assert "/v1/users/{user_id}/busy" in parts.http.openapi()["paths"]
    assert parts.relays.keys() == {"conflicts", "announcements"}
    assert parts.consumers.not_polling() == "availability does not consume yet"
    assert parts.timeline.unprepared() is not None


def test_knowledge_is_stale_after_half_an_hour_unless_set(platform: Platform) -> None:
    usual = load(Settings, environment(platform))
    patient = load(Settings, environment(platform) | {"CALSYNC_STALE_AFTER": "PT2H"})

    assert usual.freshness.stale_after == timedelta(minutes=30)
    assert patient.freshness.stale_after == timedelta(hours=2)


def test_a_wrong_environment_is_told_in_full_and_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    code = main({"CALSYNC_STALE_AFTER": "canary", "CALSYNC_AUTH_AUDIENCE": "calsync"})

    told = capsys.readouterr().err
    assert code == 2
    assert all(
        name in told
        for name in (
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS",
            "CALSYNC_MONGODB_URL",
            "CALSYNC_AUTH_ISSUER",
            "CALSYNC_AUTH_JWKS",
            "CALSYNC_STALE_AFTER",
        )
    )
    assert "canary" not in told


async def test_a_question_to_a_database_that_is_away_can_be_asked_later() -> None:
    nowhere = {
        "CALSYNC_MONGODB_URL": "mongodb://127.0.0.1:1/?directConnection=true",
        "CALSYNC_MONGODB_TIMEOUT": "PT0.2S",
    }
    client = connect(load(MongoSettings, nowhere), "availability-tests")

    with pytest.raises(AskLater):
        await MongoTimeline(client, lambda: NOW).known(ACCOUNT, USER, Window(0, 1))

    client.close()


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (AutoReconnect(), True),
        (OperationFailure("pending catalog changes", code=246), True),
        (OperationFailure("hint provided does not correspond to an existing index", code=2), False),
    ],
)
def test_only_what_passes_by_itself_can_be_asked_later(error: PyMongoError, passing: bool) -> None:  # noqa: FBT001 - a column of the table
    assert passes(error) is passing
