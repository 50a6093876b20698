"""The manifests of deploy/k8s, held to the rules of an outside linter. No cluster and no network is needed."""

from pathlib import Path

import pytest
import yaml

from linted import Finding, excuses, unexcused, verdict
from manifests import KUBERNETES, OVERLAYS, parsed, pods


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whatever_is_found_is_excused_and_every_excuse_is_needed(overlay: str, tmp_path: Path) -> None:
    said = verdict(KUBERNETES / f"rendered/{overlay}.yaml", tmp_path)

    assert said.seen >= {(one.workload["kind"], one.name) for one in pods(overlay)}
    assert unexcused(overlay, said.found) == []
    assert [one for one in excuses(overlay) if one.needless(said.found)] == []


def test_a_privileged_container_and_pods_without_network_policies_are_found(tmp_path: Path) -> None:
    resources = parsed((KUBERNETES / "rendered/production.yaml").read_text())
    worse = [one for one in resources if one["kind"] != "NetworkPolicy"]
    (connector,) = (one for one in worse if (one["kind"], one["metadata"]["name"]) == ("Deployment", "connector"))
    connector["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    (tmp_path / "worse.yaml").write_text(yaml.safe_dump_all(worse))

    said = verdict(tmp_path / "worse.yaml", tmp_path)

    unprotected = {Finding("CKV2_K8S_6", one.name) for one in pods("production")}
    assert set(unexcused("production", said.found)) == {Finding("CKV_K8S_16", "connector"), *unprotected}
