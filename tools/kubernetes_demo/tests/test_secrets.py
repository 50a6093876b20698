import json
from pathlib import Path

import pytest

from kubernetes_demo.secrets import make_secrets
from local_stack.checkout import CHECKOUT
from local_stack.tokens import TokenKeys
from manifests import pod, pods

# Keeps what is applied, one file each.
KUBECTL = """#!/bin/sh
cat > "$APPLIED/$$.json"
"""


@pytest.fixture
def applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder, programs = tmp_path / "applied", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    (programs / "kubectl").write_text(KUBECTL)
    (programs / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("APPLIED", str(folder))
    return folder


def test_the_demo_makes_every_secret_that_its_overlay_needs(applied: Path, tmp_path: Path) -> None:
    make_secrets(TokenKeys(tmp_path / "platform"), tmp_path / "made")

    resources = [json.loads(file.read_text()) for file in applied.iterdir()]
    made = {one["metadata"]["name"]: set(one["data"]) for one in resources if one["kind"] == "Secret"}
    assert made.keys() == {secret for one in pods("dev") for secret in one.secrets}
    for one in pods("dev"):
        wanted = [volume["secret"] for volume in one.spec.get("volumes", ()) if "secret" in volume]
        for secret in wanted:
            assert {item["key"] for item in secret.get("items", ())} <= made[secret["secretName"]]
    assert [one["metadata"]["name"] for one in resources if one["kind"] == "ConfigMap"] == ["platform-jwks"]


def test_mongodb_is_handed_a_password_for_each_user_of_the_table() -> None:
    users = {role["user"] for role in json.loads((CHECKOUT / "deploy/mongodb/roles.json").read_text())}

    volumes = {one["name"]: one for one in pod("dev", "mongodb").spec["volumes"]}
    handed = {item["key"]: item["path"] for item in volumes["passwords"]["secret"]["items"]}
    assert handed == {user: f"{user}/password" for user in ("admin", *users)}
