"""The admin command's pod is in no overlay, and is held to the same rules and to what the overlays make."""

import kubernetes_validate
import pytest

from manifests import KUBERNETES, Pod, environment, not_restricted, of_kind, parsed, pod

CLUSTERS = ("staging", "production")
(MANIFEST,) = parsed((KUBERNETES / "admin/pod.yaml").read_text())
ADMIN = Pod(MANIFEST, MANIFEST["spec"])
VARIABLES = {entry["name"]: entry["value"] for entry in ADMIN.main["env"]}


def test_it_is_valid_and_restricted_and_knows_nothing_of_kubernetes() -> None:
    kubernetes_validate.validate(MANIFEST, "1.34", strict=True)

    assert not_restricted(ADMIN) == []
    assert (ADMIN.spec["automountServiceAccountToken"], ADMIN.spec["enableServiceLinks"]) == (False, False)
    assert ADMIN.main["securityContext"]["readOnlyRootFilesystem"] is True
    assert ADMIN.main["resources"]["limits"].keys() == {"memory"}


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_it_goes_into_kafka_as_the_services_do_but_as_a_user_of_its_own(overlay: str) -> None:
    theirs = {name: value for name, value in environment(overlay, "connector").items() if "_KAFKA_" in name}
    users = {user["metadata"]["name"] for user in of_kind(overlay, "KafkaUser")}

    own = {name: value for name, value in VARIABLES.items() if "_KAFKA_" in name}

    assert own == theirs | {"CALSYNC_KAFKA_SASL_USERNAME": "calsync-kafka-calsync-admin"}
    assert own["CALSYNC_KAFKA_SASL_USERNAME"] in users


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_its_secrets_are_made_there(overlay: str) -> None:
    (database,) = of_kind(overlay, "MongoDBCommunity")
    made = {user["metadata"]["name"] for user in of_kind(overlay, "KafkaUser")}
    made |= {user["connectionStringSecretName"] for user in database["spec"]["users"]}

    assert ADMIN.secrets - made == {"calsync-cluster-ca-cert"}
    assert {one for one in ADMIN.secrets & made if not one.endswith("-calsync-admin")} == set()


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_its_version_and_its_label_are_those_of_the_overlay(overlay: str) -> None:
    chosen = [one["spec"]["podSelector"].get("matchLabels") for one in of_kind(overlay, "NetworkPolicy")]

    assert MANIFEST["metadata"]["labels"] in chosen
    assert ADMIN.main["image"].split(":")[1] == pod(overlay, "connector").main["image"].split(":")[1]


def test_it_finds_what_it_is_told_to_open() -> None:
    mounts = [mount["mountPath"] for mount in ADMIN.main["volumeMounts"]]

    opened = [value for value in VARIABLES.values() if value.startswith("/")]

    assert [one for one in opened if not any(one.startswith(f"{mount}/") for mount in mounts)] == []
