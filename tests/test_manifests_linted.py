"""The manifests of deploy/k8s, held to the rules of an outside linter. No cluster and no network is needed."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from linted import Finding, excuses, unexcused, verdict
from manifests import APPLIED_BY_HAND, BY_HAND, OVERLAYS, Json, Pod, of_kind, pods, rendered

CLUSTERS = ("staging", "production")


def by_hand(overlay: str) -> tuple[Pod, ...]:
    """The pods that are applied there by hand."""
    return BY_HAND if overlay in CLUSTERS else ()


def everything(overlay: str) -> list[Json]:
    """What is rendered, and beside it, in the same namespace, what is applied by hand."""
    (namespace,) = (one["metadata"]["name"] for one in of_kind(overlay, "Namespace"))
    beside = APPLIED_BY_HAND if overlay in CLUSTERS else ()
    placed = [one | {"metadata": one["metadata"] | {"namespace": namespace}} for one in beside]
    return [*deepcopy(rendered(overlay)), *placed]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whatever_is_found_is_excused_and_every_excuse_is_needed(overlay: str, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(everything(overlay)))

    said = verdict(tmp_path / "all.yaml", tmp_path)

    assert said.seen >= {(one.workload["kind"], one.name) for one in (*pods(overlay), *by_hand(overlay))}
    assert unexcused(overlay, said.found) == []
    assert [one for one in excuses(overlay) if one.needless(said.found)] == []


def test_a_privileged_container_and_pods_without_network_policies_are_found(tmp_path: Path) -> None:
    worse = [one for one in everything("production") if one["kind"] != "NetworkPolicy"]
    (connector,) = (one for one in worse if (one["kind"], one["metadata"]["name"]) == ("Deployment", "connector"))
    connector["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    (tmp_path / "worse.yaml").write_text(yaml.safe_dump_all(worse))

    said = verdict(tmp_path / "worse.yaml", tmp_path)

    unprotected = {Finding("CKV2_K8S_6", one.name) for one in (*pods("production"), *BY_HAND)}
    assert set(unexcused("production", said.found)) == {Finding("CKV_K8S_16", "connector"), *unprotected}
