"""After everything else: no credential and no Apple ID is anywhere but in its envelope, closed to the connector.

It stands last by its name, so that it searches what all other tests left behind.
"""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil
import pytest

from apple_users import APPLE_IDS_BEGIN, CANARY, WRONG_PASSWORD, AppleUsers
from leftovers import in_files, in_kafka, in_mongodb, shapes
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.last]
# The simulator is Apple: it knows its own users' passwords. Keys of this stack are no credentials of Apple's.
SECRETS = {"password": CANARY, "Apple ID": APPLE_IDS_BEGIN}
NOT_OURS = ("simulator/", "logs/simulator", "keys/")


@pytest.fixture
def wanted(users: AppleUsers) -> Mapping[str, bytes]:
    """What every password and every Apple ID that was typed begins with, in every shape it may have taken."""
    person = users.person()
    answers = [
        person.crococlick.connect(person.apple.apple_id, WRONG_PASSWORD),
        person.crococlick.connect(person.apple.apple_id, f"{person.apple.app_password}-and-more"),
        person.crococlick.connect(f"{person.apple.app_password}@@", person.apple.app_password),
        person.crococlick.connect(person.apple.apple_id, person.apple.app_password),
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 201]
    assert wait_until(lambda: users.state(person) == "fresh", seconds=30)
    said = b"".join(answer.content + str(answer.headers).encode() for answer in answers)
    canary = {f"{what} {how}": needle for what, one in SECRETS.items() for how, needle in shapes(one).items()}
    assert not any(needle in said for needle in canary.values())
    return canary


def test_no_password_and_no_apple_id_is_anywhere_but_in_its_envelope(
    stack: LocalStack, wanted: Mapping[str, bytes]
) -> None:
    root = Path(stack.log_files()[0]).parent.parent

    assert list(in_files(root, wanted, skip=NOT_OURS)) == []
    assert list(in_mongodb(stack.env["CALSYNC_MONGODB_URL"], wanted)) == []
    assert in_kafka(stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"], wanted) == []
    for url in (stack.env["CONNECTOR_OPS_URL"], *stack.env["SYNC_WORKER_OPS_URL"].split(",")):
        metrics = httpx.get(f"{url}/metrics", trust_env=False).raise_for_status().content
        assert not any(needle in metrics for needle in wanted.values())


@pytest.mark.parametrize("user", ["a@icloud.com", "ab@icloud.com", "abc@icloud.com"])
def test_the_search_finds_a_password_in_every_shape(tmp_path: Path, user: str) -> None:
    password = f"{CANARY}-ijkl-mnop"
    basic = b64encode(f"{user}:{password}".encode())
    places = {
        "raw": password.encode(),
        "typed": password.replace("-", "").encode(),
        "url": f"?p={password.replace('-', '%2D')}".encode(),
        "basic": b"Authorization: Basic " + basic,
        "hex": password.encode().hex().encode(),
    }
    for name, content in places.items():
        (tmp_path / name).write_bytes(b"before " + content + b" after")

    found = list(in_files(tmp_path, shapes(CANARY)))

    assert {find.place for find in found} == set(places)


def test_the_connector_holds_no_private_key(stack: LocalStack) -> None:
    assert stack.state is not None
    process = psutil.Process(stack.state.processes["connector"].pid)
    private = Path(stack.env["CALSYNC_VAULT_PRIVATE_KEYS_DIR"])
    key = next(private.iterdir()).read_text().splitlines()[1]

    environment = process.environ()

    assert not any(str(private) in value or key in value for value in environment.values())
    assert not any(str(private) in file.path for file in process.open_files())
