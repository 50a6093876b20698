"""Several installations under one Prometheus: each is watched for itself, by the rules that its overlay brings."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests import Json, of_kind
from prometheus_tools import CONFIGURATION, ROOT, promtool, rules

CLUSTERS = ("staging", "production")
# The days of slo.yml take promtool half a minute, and its rules are made as all others are.
TESTS = [CONFIGURATION / f"tests/{name}.yml" for name in ("kafka", "servers", "services", "sync")]
Case = dict[str, Any]


def shipped(overlay: str) -> Json:
    """The overlay's rules, as a file of Prometheus' own."""
    (resource,) = of_kind(overlay, "PrometheusRule")
    return dict(resource["spec"])


def namespace(overlay: str) -> str:
    return str(of_kind(overlay, "Namespace")[0]["metadata"]["name"])


def within(place: str, case: Case, expected: Callable[[list[Json]], list[Json]]) -> Case:
    """The case with all its series in one namespace."""
    series = [
        one | {"series": one["series"].replace("{", f'{{namespace="{place}", ', 1)} for one in case["input_series"]
    ]
    checks = [one | {"exp_alerts": expected(one["exp_alerts"])} for one in case["alert_rule_test"]]
    return case | {"input_series": series, "alert_rule_test": checks}


def judged(folder: Path, overlay: str, cases: list[Case]) -> None:
    (folder / "rules.yml").write_text(yaml.safe_dump(shipped(overlay)))
    (folder / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": cases})
    )
    promtool("test", "rules", folder / "tests.yml")


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_an_overlay_brings_every_rule_for_its_own_namespace(overlay: str) -> None:
    made = runpy.run_path(str(CONFIGURATION / "for_operator.py"))["written"](namespace(overlay))

    brought = [rule for group in shipped(overlay)["groups"] for rule in group["rules"]]

    assert (ROOT / f"deploy/k8s/overlays/{overlay}/rules.yaml").read_text() == made
    assert [rule.get("alert") or rule["record"] for rule in brought] == [
        rule.get("alert") or rule["record"] for rule in rules()
    ]
    assert {rule["labels"]["namespace"] for rule in brought} == {namespace(overlay)}
    matcher = re.compile(rf'namespace="{namespace(overlay)}"(, )?')
    assert [matcher.sub("", rule["expr"]).replace("{}", "") for rule in brought] == [rule["expr"] for rule in rules()]


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_a_prometheus_and_its_operator_find_pods_rules_and_dashboards(overlay: str) -> None:
    watched = [one["metadata"]["labels"] for kind in ("PodMonitor", "PrometheusRule") for one in of_kind(overlay, kind)]
    dashboards = [
        one
        for one in of_kind(overlay, "ConfigMap")
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    ]

    # A cluster's own label is put beside this one, as docs/deployment.md tells.
    assert watched == [{"app.kubernetes.io/part-of": "calsync"}] * 2
    told = {name for one in dashboards for name in one["data"]}
    drawn = {file.name for file in (ROOT / "deploy/grafana/dashboards").iterdir()}
    # Grafana takes a dashboard once.
    assert told == (drawn if overlay == "production" else set())


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_what_happens_in_it_raises_its_alerts_with_its_name(file: Path, tmp_path: Path) -> None:
    def named(alerts: list[Json]) -> list[Json]:
        return [one | {"exp_labels": one["exp_labels"] | {"namespace": "calsync"}} for one in alerts]

    cases = yaml.safe_load(file.read_text())["tests"]

    judged(tmp_path, "production", [within("calsync", one, named) for one in cases])


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_what_happens_elsewhere_raises_nothing(file: Path, tmp_path: Path) -> None:
    cases = yaml.safe_load(file.read_text())["tests"]
    for case in cases:
        # Here nothing answers at all, which is another story.
        case["alert_rule_test"] = [one for one in case["alert_rule_test"] if "Missing" not in one["alertname"]]

    judged(tmp_path, "production", [within("calsync-staging", one, lambda _: []) for one in cases])


def test_workers_of_staging_do_not_hide_that_production_has_none(tmp_path: Path) -> None:
    alive = 'calsync_build_info{{namespace="{}", job="{}", instance="{}", service="{}", version="0.1.0"}}'
    running = [("calsync", "connector"), ("calsync", "availability")]
    running += [("calsync-staging", service) for service in ("connector", "sync-worker", "availability")]
    series = [
        {"series": alive.format(place, service, f"{place}-{service}", service), "values": "1x20"}
        for place, service in running
    ]
    (rule,) = (one for one in rules() if one.get("alert") == "CalsyncServiceMissing")
    said = {key: re.sub(r"{{.*?}}", "sync-worker", text) for key, text in rule["annotations"].items()}
    missing = {"severity": "page", "namespace": "calsync", "service": "sync-worker"}

    for overlay, expected in (("production", [{"exp_labels": missing, "exp_annotations": said}]), ("staging", [])):
        check = {"alertname": "CalsyncServiceMissing", "eval_time": "10m", "exp_alerts": expected}
        judged(tmp_path, overlay, [{"interval": "1m", "input_series": series, "alert_rule_test": [check]}])
