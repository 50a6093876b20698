"""Taking and restoring a backup: who may, where it runs, and what the papers tell to type."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from manifests import KUBERNETES, ROOT, Json, Pod, not_restricted, of_kind, parsed
from runbooks import runbooks

BACKUP = KUBERNETES / "components/mongodb/backup"
PAUSED = "autoscaling.keda.sh/paused-replicas"
RESTORE = {"app.kubernetes.io/name": "calsync-restore"}
CLUSTERS = ("staging", "production")
BESIDE = [one for one in parsed((BACKUP / "pod.yaml").read_text()) if one["kind"] != "Pod"]
(POD,) = (Pod(one, one["spec"]) for one in parsed((BACKUP / "pod.yaml").read_text()) if one["kind"] == "Pod")


def user() -> Json:
    """The user that the component adds."""
    (patch,) = yaml.safe_load((BACKUP / "kustomization.yaml").read_text())["patches"]
    (operation,) = yaml.safe_load(patch["patch"])
    assert (operation["op"], operation["path"]) == ("add", "/spec/users/-")
    value: Json = operation["value"]
    return value


def guide() -> str:
    text = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    found = re.search(r"^## Backups$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def blocks() -> list[str]:
    return re.findall(r"^ *```sh\n(.*?)```", guide(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_nobody_may_read_and_write_everything_for_every_day(overlay: str) -> None:
    (database,) = of_kind(overlay, "MongoDBCommunity")

    assert user()["name"] not in {one["name"] for one in database["spec"]["users"]}
    assert [one for one in of_kind(overlay, "NetworkPolicy") if "calsync-restore" in str(one)] == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="nothing here builds an overlay")
def test_an_overlay_that_names_the_component_has_its_user_beside_the_others(tmp_path: Path) -> None:
    up = os.path.relpath(KUBERNETES, tmp_path.resolve())
    told = {"resources": [f"{up}/overlays/production"], "components": [f"{up}/components/mongodb/backup"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(told))

    built = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=True, timeout=60)

    (database,) = (one for one in parsed(built.stdout) if one["kind"] == "MongoDBCommunity")
    (before,) = of_kind("production", "MongoDBCommunity")
    assert database["spec"]["users"] == [*before["spec"]["users"], user()]
    assert user().keys() == before["spec"]["users"][0].keys()


def test_the_pod_is_restricted_ends_by_itself_and_mounts_its_password_alone() -> None:
    kubernetes_validate.validate(POD.workload, "1.34", strict=True)

    assert not_restricted(POD) == []
    assert (POD.spec["automountServiceAccountToken"], POD.spec["restartPolicy"]) == (False, "Never")
    assert POD.main["securityContext"]["readOnlyRootFilesystem"] is True
    assert POD.main["command"][-1].endswith(f"exec sleep {8 * 3600}")
    assert POD.secrets == {user()["passwordSecretRef"]["name"]}


def test_the_pod_speaks_to_mongodb_and_to_nobody_else() -> None:
    port = [{"protocol": "TCP", "port": 27017}]
    mongodb = {"app.kubernetes.io/name": "mongodb"}
    for one in BESIDE:
        kubernetes_validate.validate(one, "1.34", strict=True)

    policies = {one["metadata"]["name"]: one["spec"] for one in BESIDE}

    assert policies == {
        "calsync-restore": {
            "podSelector": {"matchLabels": RESTORE},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [{"to": [{"podSelector": {"matchLabels": mongodb}}], "ports": port}],
        },
        "calsync-restore-mongodb": {
            "podSelector": {"matchLabels": mongodb},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": RESTORE}}], "ports": port}],
        },
    }


def test_the_guide_names_user_secret_and_claim_as_they_are() -> None:
    (database,) = of_kind("production", "MongoDBCommunity")
    name = database["metadata"]["name"]
    (claim,) = database["spec"]["statefulSet"]["spec"]["volumeClaimTemplates"]

    text = guide()

    assert f"create secret generic {user()['passwordSecretRef']['name']} " in text
    assert f"--host={name}/{name}-svc:27017 --username={user()['name']} " in text
    assert f"persistentVolumeClaimName: {claim['metadata']['name']}-{name}-0" in text
    for command in ("mongodump", "mongorestore"):
        (line,) = re.findall(rf"^tool {command} .*$", text, re.MULTILINE)
        assert {"--gzip", "--archive"} <= set(line.split())


def test_mongosh_through_the_pod_hands_on_what_was_said_and_no_password_on_a_command_line(tmp_path: Path) -> None:
    (function,) = (one for one in blocks() if "mongosh()" in one)
    (tmp_path / "password").write_text("its-own")
    (tmp_path / "mongosh").write_text('#!/bin/sh\nprintf "%s\\n" "$PASSWORD" "$@"\n')
    (tmp_path / "mongosh").chmod(0o700)
    stub = f'kubectl() {{ echo "$*" >> \'{tmp_path}/kubectl\'; shift 5; shift; "$@"; }}'
    calling = "mongosh ignored --quiet --eval 'a \"b\"\nc'"
    text = function.replace("/run/secrets/mongodb/password", str(tmp_path / "password"))

    done = subprocess.run(
        ["bash", "-c", f"PASSWORD=made-just-now\n{stub}\n{text}\n{calling}"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    url = "mongodb://calsync-restore:its-own@mongodb-svc:27017/?replicaSet=mongodb&authSource=admin"
    assert done.stdout.splitlines() == ["made-just-now", url, "--quiet", "--eval", 'a "b"', "c"]
    assert "made-just-now" not in (tmp_path / "kubectl").read_text()


def test_the_runbook_stops_all_three_services_and_starts_as_many_as_production_has() -> None:
    (page,) = (one for one in runbooks() if one.name == "restore-from-backup")
    commands = [words for words in page.commands("kubectl") if {"annotate", "scale"} & set(words)]
    scaled = {one["metadata"]["name"]: one["spec"]["minReplicaCount"] for one in of_kind("production", "ScaledObject")}
    fixed = {one["metadata"]["name"]: one["spec"].get("replicas") for one in of_kind("production", "Deployment")}
    services = {"connector", "sync-worker", "availability"}

    pause, stop, resume, *start = commands

    for annotate, word in ((pause, f"{PAUSED}=0"), (resume, f"{PAUSED}-")):
        assert {one for one in annotate if "/" in one} == {*(f"scaledobject/{name}" for name in scaled), word}
    assert _replicas([stop]) == dict.fromkeys(services, 0)
    assert _replicas(start) == scaled | {"connector": fixed["connector"]}


def _replicas(commands: list[list[str]]) -> dict[str, Any]:
    return {
        word.removeprefix("deploy/"): int(words[-1].removeprefix("--replicas="))
        for words in commands
        for word in words
        if word.startswith("deploy/")
    }
