"""The pods for work by hand are in no overlay, and are held to the same rules and to what the overlays make."""

from pathlib import Path

import kubernetes_validate
import pytest

from calsync.vouching import Renewing
from calsync_bootstrap.settings import Settings as BootstrapSettings
from calsync_keys.settings import Settings as KeysSettings
from custom_resources import check, is_ours_to_check
from icloud.credentials import new_key_pair, new_signing_pair
from manifests import APPLIED_BY_HAND, BY_HAND, Json, Pod, by_hand, environment, not_restricted, of_kind, pod
from runtime.settings import Fragment, load

CLUSTERS = ("staging", "production")
SERVICE = {
    "calsync-admin": "admin",
    "calsync-keys": "sync-worker",
    "calsync-bootstrap": "availability",
    "calsync-renew": "admin",
}
"""Whose image each runs."""
MADE_BY_PEOPLE = {
    "calsync-admin": set[str](),
    "calsync-keys": {"calsync-vault-private", "calsync-vault-signers", "calsync-vault-tool"},
    "calsync-bootstrap": set[str](),
    "calsync-renew": {"calsync-mongodb-renew", "calsync-vault-signers", "calsync-vault-tool"},
}
EVERY = pytest.mark.parametrize("one", BY_HAND, ids=lambda one: one.name)


def told(one: Pod) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in one.main["env"]}


def test_there_is_one_for_each_tool() -> None:
    assert {one.name for one in BY_HAND} == SERVICE.keys()


def test_what_comes_with_a_pod_is_valid() -> None:
    beside = [one for one in APPLIED_BY_HAND if one["kind"] != "Pod"]

    assert {one["kind"] for one in beside} == {"KafkaUser", "NetworkPolicy"}
    for resource in beside:
        if is_ours_to_check(resource):
            check(resource)
        else:
            kubernetes_validate.validate(resource, "1.34", strict=True)


@EVERY
def test_it_is_valid_and_restricted_and_knows_nothing_of_kubernetes(one: Pod) -> None:
    kubernetes_validate.validate(one.workload, "1.34", strict=True)

    assert not_restricted(one) == []
    assert (one.spec["automountServiceAccountToken"], one.spec["enableServiceLinks"]) == (False, False)
    assert one.main["securityContext"]["readOnlyRootFilesystem"] is True
    assert one.main["resources"]["limits"].keys() == {"memory"}


@EVERY
def test_it_ends_by_itself_and_does_not_begin_anew(one: Pod) -> None:
    assert one.main["command"] == ["sleep", str(8 * 3600)]
    assert one.spec["restartPolicy"] == "Never"


@EVERY
@pytest.mark.parametrize("overlay", CLUSTERS)
def test_it_goes_into_kafka_as_the_services_do_but_as_a_user_of_its_own(one: Pod, overlay: str) -> None:
    theirs = {name: value for name, value in environment(overlay, "connector").items() if "_KAFKA_" in name}
    users = {user["metadata"]["name"] for user in (*of_kind(overlay, "KafkaUser"), *by_hand("KafkaUser"))}

    own = {name: value for name, value in told(one).items() if "_KAFKA_" in name}

    if one.name == "calsync-keys":
        assert own == {}
    else:
        assert own == theirs | {"CALSYNC_KAFKA_SASL_USERNAME": f"calsync-kafka-{one.name}"}
        assert own["CALSYNC_KAFKA_SASL_USERNAME"] in users


@EVERY
@pytest.mark.parametrize("overlay", CLUSTERS)
def test_its_secrets_are_its_own_and_made_there(one: Pod, overlay: str) -> None:
    made = {user["metadata"]["name"] for user in (*of_kind(overlay, "KafkaUser"), *by_hand("KafkaUser"))}
    by_user = {user["name"]: user["connectionStringSecretName"] for user in _users_of_mongodb(overlay)}
    standing = {by_user[one.name]} if one.name in by_user else set()

    of_kafka = {secret for secret in one.secrets if secret in made}

    assert of_kafka == {f"calsync-kafka-{one.name}"} & made
    assert one.secrets >= standing
    rest = one.secrets - of_kafka - standing - {"calsync-cluster-ca-cert"}
    assert rest == MADE_BY_PEOPLE[one.name]
    assert by_user.keys() >= SERVICE.keys() - {"calsync-renew"}


@EVERY
@pytest.mark.parametrize("overlay", CLUSTERS)
def test_its_image_and_its_label_are_those_of_the_overlay(one: Pod, overlay: str) -> None:
    policies = [*of_kind(overlay, "NetworkPolicy"), *by_hand("NetworkPolicy")]
    chosen = [policy["spec"]["podSelector"].get("matchLabels") for policy in policies]
    several = [
        name
        for policy in policies
        for rule in policy["spec"]["podSelector"].get("matchExpressions", ())
        for name in rule["values"]
    ]
    version = pod(overlay, "connector").main["image"].split(":")[1]

    assert one.workload["metadata"]["labels"] == {"app.kubernetes.io/name": one.name}
    assert one.workload["metadata"]["labels"] in chosen or one.name in several
    assert one.main["image"] == f"calsync/{SERVICE[one.name]}:{version}"


@EVERY
def test_it_finds_what_it_is_told_to_open(one: Pod) -> None:
    mounts = [mount["mountPath"] for mount in one.main["volumeMounts"]]

    opened = [value for value in told(one).values() if value.startswith("/")]

    assert [path for path in opened if not any(f"{path}/".startswith(f"{mount}/") for mount in mounts)] == []


@pytest.mark.parametrize(
    ("name", "settings"),
    [("calsync-keys", KeysSettings), ("calsync-bootstrap", BootstrapSettings), ("calsync-renew", Renewing)],
)
def test_what_it_is_told_starts_the_tool(name: str, settings: type[Fragment], tmp_path: Path) -> None:
    (one,) = (one for one in BY_HAND if one.name == name)
    pair, signing = new_key_pair(tmp_path), new_signing_pair(tmp_path)
    (text := tmp_path / "text").write_text("mongodb://somewhere/")
    files = {
        "CALSYNC_VAULT_PRIVATE_KEYS_DIR": pair.private_keys_dir,
        "CALSYNC_VAULT_SIGNING_KEY_FILE": signing.signing_key_file,
        "CALSYNC_VAULT_SIGNERS_DIR": signing.signers_dir,
    }

    given = {key: str(files.get(key, text)) if value.startswith("/run/") else value for key, value in told(one).items()}

    load(settings, given)  # raises, naming every mistake
    assert name != "calsync-keys" or files.keys() <= given.keys()


def test_the_keys_lie_where_the_workers_have_them() -> None:
    (keys,) = (one for one in BY_HAND if one.name == "calsync-keys")
    theirs = environment("production", "sync-worker")
    volumes = {volume["name"]: volume for volume in pod("production", "sync-worker").spec["volumes"]}

    for variable, volume in (("CALSYNC_VAULT_PRIVATE_KEYS_DIR", "vault"), ("CALSYNC_VAULT_SIGNERS_DIR", "signers")):
        assert told(keys)[variable] == theirs[variable]
        assert next(one for one in keys.spec["volumes"] if one["name"] == volume) == volumes[volume]


def _users_of_mongodb(overlay: str) -> list[Json]:
    (database,) = of_kind(overlay, "MongoDBCommunity")
    users: list[Json] = database["spec"]["users"]
    return users
