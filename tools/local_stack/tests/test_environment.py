import shutil
import subprocess
from pathlib import Path

import pytest

from local_stack.connector_key import make_connector_key
from local_stack.environment import Environment, VaultKeys, lines_of, text_of
from local_stack.errors import CannotGoOn
from local_stack.layout import Layout
from local_stack.roster import FIXED_PORTS, named, names, part, ports_for
from local_stack.services import Service
from local_stack.state import Options


def _environment(tmp_path: Path, options: Options) -> Environment:
    vault = VaultKeys(tmp_path / "public.pem", tmp_path / "private", tmp_path / "signing.pem", tmp_path / "signers")
    return Environment(Layout(tmp_path), options, ports_for(options, automatic=False), vault)


def test_stack_env_names_every_address(tmp_path: Path) -> None:
    lines = _environment(tmp_path, Options(workers=2)).of_stack()

    addresses = {name: value for name, value in lines.items() if not name.startswith("CALSYNC_")}
    assert addresses == {
        "CONNECTOR_URL": "http://127.0.0.1:18080",
        "CONNECTOR_OPS_URL": "http://127.0.0.1:18180",
        "SYNC_WORKER_OPS_URL": "http://127.0.0.1:18201,http://127.0.0.1:18202",
        "AVAILABILITY_URL": "http://127.0.0.1:18081",
        "AVAILABILITY_OPS_URL": "http://127.0.0.1:18181",
        "SIMULATOR_URL": "http://127.0.0.1:18090",
        "SIMULATOR_ADMIN_URL": "http://127.0.0.1:18091",
        "SIGN_IN_URL": "http://127.0.0.1:18082",
    }


def test_a_shell_that_reads_stack_env_has_what_the_admin_command_asks_for(tmp_path: Path) -> None:
    folder = tmp_path / "somebody's own folder; $HOME & more"
    folder.mkdir()
    environment = _environment(folder, Options(env={"CALSYNC_LOG_FORMAT": "console", "CALSYNC_SAID": ""}))
    (folder / "stack.env").write_text(text_of(environment.of_stack()))
    handed_on = f"set -a; . ./stack.env; set +a; {shutil.which('env')} -0"

    done = subprocess.run(["sh", "-c", handed_on], cwd=folder, env={}, check=True, capture_output=True, text=True)

    told = dict(one.split("=", 1) for one in done.stdout.split("\0") if one)
    assert {name: value for name, value in told.items() if name != "PWD"} == environment.of_stack()
    assert told["CALSYNC_CONNECTOR_URL"] == told["CONNECTOR_URL"]
    assert told["CALSYNC_AVAILABILITY_URL"] == told["AVAILABILITY_URL"]


def test_stack_env_is_read_as_it_was_written(tmp_path: Path) -> None:
    lines = _environment(tmp_path / "a 'folder'", Options()).of_stack()

    assert lines_of(text_of(lines)) == lines


def test_the_connector_cannot_open_the_vault_and_the_workers_cannot_be_called(tmp_path: Path) -> None:
    environment = _environment(tmp_path, Options())

    connector, worker = environment.of_connector(), environment.of_worker("sync-worker-1")
    availability = environment.of_availability()

    assert "CALSYNC_VAULT_PRIVATE_KEYS_DIR" not in connector
    assert "CALSYNC_VAULT_PUBLIC_KEY_FILE" not in worker
    assert connector["CALSYNC_VAULT_SIGNING_KEY_FILE"] == str(tmp_path / "signing.pem")
    assert worker["CALSYNC_VAULT_SIGNERS_DIR"] == str(tmp_path / "signers")
    assert "CALSYNC_VAULT_SIGNING_KEY_FILE" not in worker
    assert "CALSYNC_CONNECTOR_KEY_FILE" not in worker
    assert connector["CALSYNC_CONNECTOR_KEY_FILE"] == str(tmp_path / "keys" / "connector.key")
    assert "CALSYNC_HTTP_PORT" not in worker
    assert not [name for name in availability if name.startswith(("CALSYNC_VAULT", "CALSYNC_ICLOUD"))]


def test_settings_of_the_command_line_win(tmp_path: Path) -> None:
    environment = _environment(tmp_path, Options(env={"CALSYNC_LOG_LEVEL": "DEBUG"}))

    assert environment.of_connector()["CALSYNC_LOG_LEVEL"] == "DEBUG"


@pytest.mark.parametrize(
    ("url", "trusted"),
    [("https://caldav.example.org/dav/", "caldav.example.org"), ("http://localhost:5232/", "127.0.0.1,localhost")],
)
def test_another_caldav_server_takes_the_simulators_place(tmp_path: Path, url: str, trusted: str) -> None:
    options = Options(icloud_url=url)

    lines = _environment(tmp_path, options).of_stack()

    assert lines["CALSYNC_ICLOUD_URL"] == url
    assert lines["CALSYNC_ICLOUD_TRUSTED_HOSTS"] == trusted
    assert "SIMULATOR_URL" not in lines
    assert "simulator" not in names(options)


def test_sync_worker_means_every_worker() -> None:
    assert named("sync-worker", Options(workers=2)) == ["sync-worker-1", "sync-worker-2"]
    assert named("sync-worker-2", Options(workers=2)) == ["sync-worker-2"]


def test_mongodb_means_every_member() -> None:
    options = Options(("mongodb",), mongodb_members=3)

    assert named("mongodb", options) == ["mongodb-1", "mongodb-2", "mongodb-3"]
    assert named("mongodb-2", options) == ["mongodb-2"]
    assert ports_for(options, automatic=False) == {"mongodb-1": 19117, "mongodb-2": 19118, "mongodb-3": 19119}


def test_services_are_told_of_every_member(tmp_path: Path) -> None:
    environment = _environment(tmp_path, Options(mongodb_members=3))

    url = environment.of_availability()["CALSYNC_MONGODB_URL"]

    assert url == "mongodb://127.0.0.1:19117,127.0.0.1:19118,127.0.0.1:19119/?replicaSet=calsync"


@pytest.mark.parametrize("members", [0, 2])
def test_members_of_whom_none_may_die_are_refused(members: int) -> None:
    with pytest.raises(CannotGoOn, match="--mongodb-members 3"):
        Options(mongodb_members=members)


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CannotGoOn, match="There is no part redis"):
        Options(("redis",))


def test_no_two_parts_have_the_same_fixed_port() -> None:
    ports = ports_for(Options(workers=9), automatic=False)

    assert len(set(ports.values())) == len(ports)
    assert set(FIXED_PORTS) <= set(ports)


def test_a_vault_key_whose_writing_broke_off_is_not_used(tmp_path: Path) -> None:
    whole = VaultKeys.made(tmp_path)
    (tmp_path / "public" / "0000.pem").write_text("its private key was never written")
    (tmp_path / "private" / "ffff.pem").write_text("its public key is gone")
    (tmp_path / "signing" / "0000.pem").write_text("its public key was never written")

    assert VaultKeys.made(tmp_path) == whole


def test_the_connectors_key_stays_once_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "connector.key"

    make_connector_key(file)
    made = file.read_bytes()
    make_connector_key(file)

    assert (file.read_bytes(), len(made), file.stat().st_mode & 0o777) == (made, 32, 0o600)


def test_a_service_is_run_by_another_module_where_one_is_named(tmp_path: Path) -> None:
    environment = _environment(tmp_path, Options(workers=2, modules={"sync-worker": "storm_worker"}))

    services = [part(name, environment) for name in ("sync-worker-2", "availability")]

    assert [one._start.arguments for one in services if isinstance(one, Service)] == [
        ["storm_worker"],
        ["availability"],
    ]
