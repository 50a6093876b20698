"""The manifests of deploy/k8s, held to what the code says and to our own rules. No cluster is needed."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator

import kubernetes_validate
import pytest

from custom_resources import check, is_ours_to_check
from manifests import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    SERVICES,
    Json,
    Pod,
    digest_of_sources,
    not_restricted,
    of_kind,
    parsed,
    pod,
    pods,
    rendered,
)

VERSION = "1.34"
CLUSTERS = ("staging", "production")
STOP_SECONDS = 25
"""What a service takes at most from SIGTERM to its end."""
ROOT_FILE_SYSTEM_IS_WRITTEN = {"kafka": "the image writes its configuration at start"}
OPERATORS_SECRETS = {"calsync-cluster-ca-cert": "Strimzi"}


def _every(overlays: tuple[str, ...] = OVERLAYS) -> Iterator[tuple[str, Pod]]:
    return ((overlay, one) for overlay in overlays for one in pods(overlay))


def test_what_is_rendered_comes_from_the_sources_as_they_are() -> None:
    noted = (KUBERNETES / "rendered/SOURCES.sha256").read_text().strip()

    assert noted == digest_of_sources(), "run deploy/k8s/render.sh"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here; the digest of the sources is")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_still_builds_what_is_rendered(overlay: str) -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / "overlays" / overlay)], check=True, capture_output=True, text=True
    )

    assert parsed(built.stdout) == list(rendered(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_is_valid(overlay: str) -> None:
    for resource in rendered(overlay):
        if is_ours_to_check(resource):
            check(resource)
        else:  # refuses kinds that it does not know, and fields that do not exist
            kubernetes_validate.validate(resource, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_made_twice_and_everything_is_in_one_restricted_namespace(overlay: str) -> None:
    names = Counter((one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in rendered(overlay))
    (namespace,) = of_kind(overlay, "Namespace")

    assert max(names.values()) == 1
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    inside = {one["metadata"].get("namespace") for one in rendered(overlay) if one["kind"] != "Namespace"}
    assert inside == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted_and_knows_nothing_of_kubernetes(overlay: str) -> None:
    for one in pods(overlay):
        assert not_restricted(one) == [], one.name
        assert one.spec["automountServiceAccountToken"] is False, one.name
        assert one.spec["enableServiceLinks"] is False, one.name
        writable = {c["name"] for c in one.containers if not c["securityContext"].get("readOnlyRootFilesystem")}
        assert writable <= ROOT_FILE_SYSTEM_IS_WRITTEN.keys(), one.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_says_what_it_needs_and_none_has_a_limit_of_cpu(overlay: str) -> None:
    for one in pods(overlay):
        for container in one.containers:
            resources = container["resources"]
            assert resources["requests"].keys() == {"cpu", "memory"}, (one.name, container["name"])
            assert resources["limits"].keys() == {"memory"}, (one.name, container["name"])


def test_images_are_named_by_version_or_digest() -> None:
    exact = re.compile(r"[a-z0-9./-]+(:(distroless-)?v?\d+\.\d+(\.\d+)?|@sha256:[0-9a-f]{64})")

    for overlay, one in _every():
        for container in one.containers:
            image = container["image"]
            local = overlay not in CLUSTERS and re.fullmatch(r"calsync/[a-z-]+:dev", image)
            assert local or exact.fullmatch(image), (overlay, image)
            assert "digest" in image or container["imagePullPolicy"] == "IfNotPresent", (overlay, image)


def test_nothing_made_for_development_runs_elsewhere() -> None:
    images = {container["image"].split(":")[0] for _, one in _every(CLUSTERS) for container in one.containers}

    assert images == {"envoyproxy/envoy", *(f"calsync/{service}" for service in SERVICES)}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_service_is_probed_stopped_spread_and_kept_from_being_drained(overlay: str, service: str) -> None:
    one = pod(overlay, service)
    probes = {name: one.main[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    before = one.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    called = service in {s["spec"]["selector"].get("app.kubernetes.io/name") for s in _called(overlay)}

    assert {name: (get["path"], get["port"]) for name, get in probes.items()} == {
        "startupProbe": ("/livez", "ops"),
        "livenessProbe": ("/livez", "ops"),
        "readinessProbe": ("/readyz", "ops"),
    }
    # A check may take three seconds; a probe that hears nothing sees no reason.
    assert all(one.main[name]["timeoutSeconds"] > 3 for name in probes)
    assert one.spec["terminationGracePeriodSeconds"] >= before + STOP_SECONDS
    assert (before > 0) == called
    assert {c["topologyKey"] for c in one.spec["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    assert one.workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    (budget,) = (b for b in of_kind(overlay, "PodDisruptionBudget") if b["metadata"]["name"] == service)
    assert budget["spec"]["selector"] == one.workload["spec"]["selector"]
    assert budget["spec"]["maxUnavailable"] == 1
    assert one.spec["serviceAccountName"] == service
    (account,) = (a for a in of_kind(overlay, "ServiceAccount") if a["metadata"]["name"] == service)
    assert account["automountServiceAccountToken"] is False


def _called(overlay: str) -> list[Json]:
    """Services that traffic goes through; a headless one only names addresses."""
    return [one for one in of_kind(overlay, "Service") if one["spec"].get("clusterIP") != "None"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_secret_is_seen_by_those_who_need_it_alone(overlay: str) -> None:
    holders = {
        "calsync-vault-private": {"sync-worker"},
        "calsync-vault-signers": {"sync-worker"},
        "calsync-vault-public": {"connector"},
        "calsync-vault-signing": {"connector"},
        "calsync-connector": {"connector"},
        **{f"calsync-mongodb-{service}": {service} for service in SERVICES},
        # The broker of overlays/dev has to know every password.
        **{f"calsync-kafka-{service}": {service, "kafka"} for service in SERVICES},
        "calsync-kafka-admin": {"kafka", "kafka-setup"},
        "calsync-mongodb-keyfile": {"mongodb"},
        "calsync-mongodb-passwords": {"mongodb"},
        "calsync-cluster-ca-cert": set(SERVICES),
    }

    for one in pods(overlay):
        for secret in one.secrets:
            assert one.name in holders[secret], secret


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_written_down(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []
    for one in pods(overlay):
        for container in one.containers:
            told = {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}
            assert not [
                name for name, value in told.items() if "PASSWORD" in name and value and not value.startswith("/")
            ]


def test_the_deployment_guide_tells_every_secret() -> None:
    guide = (ROOT / "docs/deployment.md").read_text()
    needed = {secret for _, one in _every() for secret in one.secrets} - OPERATORS_SECRETS.keys()

    assert {secret for secret in needed if f"`{secret}`" not in guide} == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_referred_to_is_there(overlay: str) -> None:
    maps = {one["metadata"]["name"] for one in of_kind(overlay, "ConfigMap")} | {"platform-jwks"}
    services = {one["metadata"]["name"] for one in of_kind(overlay, "Service")}

    for one in pods(overlay):
        mounted = {volume["configMap"]["name"] for volume in one.spec.get("volumes", ()) if "configMap" in volume}
        told = {source["configMapRef"]["name"] for c in one.containers for source in c.get("envFrom", ())}
        assert mounted | told <= maps
    for ingress in of_kind(overlay, "Ingress"):
        paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        assert {path["backend"]["service"]["name"] for path in paths} <= services
