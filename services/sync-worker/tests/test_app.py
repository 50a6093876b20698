import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from icloud.credentials import KeyPair, new_signing_pair
from icloud_simulator.simulator import Simulator
from runtime.settings import SettingsInvalid, load
from sync_worker.app import main, put_together
from sync_worker.outbound.mongo import MongoConnections, MongoLeases
from sync_worker.outbound.mongo.collections import DATABASE
from sync_worker.settings import Settings
from worker_examples import connected, new_id
from worker_stores import database_named
from worker_waiting import eventually

NOWHERE = {
    "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "CALSYNC_MONGODB_URL": "mongodb://127.0.0.1:1/?replicaSet=none",
}


def environment(keys: KeyPair, **others: str) -> dict[str, str]:
    return NOWHERE | {"CALSYNC_VAULT_PRIVATE_KEYS_DIR": str(keys.private_keys_dir)} | others


async def test_the_worker_is_put_together_without_touching_the_network(
    keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    parts = put_together(load(Settings, environment(keys)))

    assert parts.schedule.unwell() is None
    assert parts.publisher.unready() is not None
    assert parts.consumers.unready() is not None
    await parts.icloud.close()
    parts.client.close()


def test_the_defaults_are_those_of_the_documentation(keys: KeyPair) -> None:
    sync = load(Settings, environment(keys)).sync

    assert (sync.poll_interval, sync.lease) == (timedelta(minutes=5), timedelta(seconds=15))
    assert (sync.horizon_past, sync.horizon_future) == (timedelta(days=1), timedelta(days=400))


def test_what_is_checked_with_are_public_keys_alone(keys: KeyPair, tmp_path: Path) -> None:
    pair = new_signing_pair(tmp_path)

    right = load(Settings, environment(keys, CALSYNC_VAULT_SIGNERS_DIR=str(pair.signers_dir)))

    assert right.vault.signers_dir == pair.signers_dir
    assert load(Settings, environment(keys)).vault.signers_dir is None
    for wrong in (pair.signing_key_file.parent, keys.private_keys_dir, keys.public_key_file.parent, tmp_path):
        with pytest.raises(SettingsInvalid) as told:
            load(Settings, environment(keys, CALSYNC_VAULT_SIGNERS_DIR=str(wrong)))
        assert [mistake.partition(":")[0] for mistake in told.value.mistakes] == ["CALSYNC_VAULT_SIGNERS_DIR"]


def test_the_default_budget_is_that_of_the_documentation(keys: KeyPair) -> None:
    budget = load(Settings, environment(keys)).budget

    assert (budget.per_second, budget.per_account_per_minute) == (50, 30)


def test_every_mistake_is_told_at_once_and_none_of_the_values(keys: KeyPair, tmp_path: Path) -> None:
    wrong = environment(
        keys,
        CALSYNC_POLL_INTERVAL="soon",
        CALSYNC_HORIZON_FUTURE="P9000D",
        CALSYNC_LEASE="PT1S",
        CALSYNC_PASSES_AT_ONCE="0",
        CALSYNC_VAULT_PRIVATE_KEYS_DIR=str(tmp_path),
        CALSYNC_ICLOUD_URL="http://elsewhere.example/",
        CALSYNC_MONGODB_URL="",
    )

    with pytest.raises(SettingsInvalid) as told:
        load(Settings, wrong)

    assert {mistake.partition(":")[0] for mistake in told.value.mistakes} == {
        "CALSYNC_POLL_INTERVAL",
        "CALSYNC_HORIZON_FUTURE",
        "CALSYNC_LEASE",
        "CALSYNC_PASSES_AT_ONCE",
        "CALSYNC_VAULT_PRIVATE_KEYS_DIR",
        "CALSYNC_ICLOUD_URL, CALSYNC_ICLOUD_TRUSTED_HOSTS",
        "CALSYNC_MONGODB_URL",
    }
    assert not {"soon", "P9000D", str(tmp_path), "elsewhere"} & set(str(told.value).split())


@pytest.mark.parametrize(
    ("told", "bounds"),
    [
        ({}, (60, 300, 480)),
        ({"CALSYNC_POLL_MAX": "PT9M"}, (60, 300, 540)),
        ({"CALSYNC_POLL_MIN": "PT30S", "CALSYNC_POLL_INTERVAL": "PT2M"}, (30, 120, 192)),
        ({"CALSYNC_POLL_INTERVAL": "PT1S"}, (0.8, 1, 1.2)),
    ],
)
def test_bounds_that_nobody_sets_follow_the_interval(
    keys: KeyPair, told: dict[str, str], bounds: tuple[float, float, float]
) -> None:
    found = load(Settings, environment(keys, **told)).sync.bounds

    assert tuple(one.total_seconds() for one in (found.shortest, found.usual, found.longest)) == bounds


@pytest.mark.parametrize("told", [{"CALSYNC_POLL_MIN": "PT6M"}, {"CALSYNC_POLL_MAX": "PT4M"}])
def test_bounds_that_are_not_in_order_stop_the_worker(keys: KeyPair, told: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        load(Settings, environment(keys, **told))

    (mistake,) = raised.value.mistakes
    assert mistake.startswith("CALSYNC_POLL_MIN, CALSYNC_POLL_INTERVAL, CALSYNC_POLL_MAX:")


def test_a_worker_without_settings_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    code = main({})

    assert code == 2
    assert "CALSYNC_MONGODB_URL" in capsys.readouterr().err


@pytest.mark.servers
async def test_a_process_becomes_ready_and_lets_go_of_everything_when_told_to_stop(
    keys: KeyPair, simulator: Simulator, mongodb_url: str, kafka_bootstrap_servers: str, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = environment(
        keys,
        CALSYNC_MONGODB_URL=mongodb_url,
        CALSYNC_KAFKA_BOOTSTRAP_SERVERS=kafka_bootstrap_servers,
        CALSYNC_ICLOUD_URL=simulator.url,
        CALSYNC_ICLOUD_TRUSTED_HOSTS="127.0.0.1,localhost",
        CALSYNC_OPS_HOST="127.0.0.1",
        CALSYNC_OPS_PORT=str(port),
        PATH=os.environ["PATH"],
    )
    log = tmp_path / "log"
    async with database_named(mongodb_url, DATABASE) as mine, httpx.AsyncClient(trust_env=False) as ops:
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
                [sys.executable, "-m", "sync_worker"], env=told, stdout=out, stderr=out
            )
        try:
            # Its credential is nowhere: the pass ends at the vault and is postponed.
            one = new_id()
            await MongoConnections(mine.client, mine.name).follow(connected(one, "cal-1"))

            async def ready() -> bool:
                try:
                    return (await ops.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            async def worked() -> bool:
                kept = await mine.client[mine.name]["connections"].find_one({"_id": one})
                return kept is not None and kept.get("committed", 0) > 0

            await eventually(ready, within=40)
            await eventually(worked)
            alive = (await ops.get(f"http://127.0.0.1:{port}/livez")).status_code
            counted = (await ops.get(f"http://127.0.0.1:{port}/metrics")).text
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=25)
        await MongoConnections(mine.client, mine.name).wake(one)
        leases = MongoLeases(mine.client, owner="test", length=timedelta(seconds=30), database=mine.name)
        free_again: set[str] = set()
        while claims := await leases.claim(50):
            free_again |= {claim.connection_id for claim in claims}

    assert (alive, code) == (200, 0), log.read_text()
    assert 'calsync_sync_passes_total{kind="import",result="postponed"}' in counted
    assert one in free_again
    assert "credential_unusable" in log.read_text()
