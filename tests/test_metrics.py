"""Metrics, rules and dashboards speak of the same things; promtool agrees with them."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics import MetricWrapperBase

import availability.application.metrics
import connector.application.metrics
import runtime.metrics
import sync_worker.application.metrics
from prometheus_tools import CONFIGURATION, ROOT, names, promtool, quicker, rules
from runtime.ops import application

MODULES = {
    "C W A": runtime.metrics,
    "C": connector.application.metrics,
    "W": sync_worker.application.metrics,
    "A": availability.application.metrics,
}
PERSONAL = re.compile(
    r"user|account|connection|calendar|event|apple|principal|href|title|address|path|subject|(^|_)id$"
)
RULES = sorted((CONFIGURATION / "rules").glob("*.yml"))
TESTS = sorted((CONFIGURATION / "tests").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
OF_THE_KUBELET = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
OF_TARGETS = {"instance", "job", "le", "namespace"}


def metrics() -> Iterator[tuple[str, MetricWrapperBase]]:
    """Who tells it, and the metric."""
    for who, module in MODULES.items():
        for one in vars(module).values():
            # A child with labels is none of its own.
            if isinstance(one, MetricWrapperBase) and not one._labelvalues:
                yield who, one


def name_of(metric: MetricWrapperBase) -> str:
    return str(metric._name) + ("_total" if metric._type == "counter" else "")


def labels_by_name() -> dict[str, set[str]]:
    return {name_of(metric): set(metric._labelnames) for _, metric in metrics()}


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> list[dict[str, Any]]:
    return [panel for file in DASHBOARDS for panel in json.loads(file.read_text())["panels"]]


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def test_every_metric_is_ours_and_made_where_this_test_looks() -> None:
    known = {metric._name for _, metric in metrics()}

    told = {family.name for family in REGISTRY.collect() if family.name.startswith("calsync_")}

    assert told == known
    elsewhere = re.compile(r"^[A-Z_]+(: Final)? = (Counter|Gauge|Histogram|Summary|Info|Enum)\(\n? *\"", re.MULTILINE)
    sources = (file for place in ("services", "shared/src") for file in (ROOT / place).rglob("src/**/*.py"))
    assert [str(file) for file in sources if file.name != "metrics.py" and elsewhere.search(file.read_text())] == []


def test_no_label_names_a_person_or_what_is_theirs() -> None:
    labels = {label for found in labels_by_name().values() for label in found}

    assert [label for label in labels if PERSONAL.search(label)] == []


def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    application({}, {})

    said = promtool("check", "metrics", text=generate_latest().decode())

    assert [line for line in said.splitlines() if "calsync" in line] == []


def test_the_documentation_names_every_metric_and_alert() -> None:
    lines = (ROOT / "docs/metrics.md").read_text().splitlines()
    rows = [tuple(part.strip() for part in line.strip("|").split("|")) for line in lines if line.startswith("| `")]

    told = {
        (
            f"`{name_of(metric)}`",
            metric._type,
            " ".join(f"`{label}`" for label in metric._labelnames),
            who,
            metric._documentation,
        )
        for who, metric in metrics()
    }
    called = {
        (f"`{name}`", rule["labels"]["severity"], rule["annotations"]["runbook"]) for name, rule in alerts().items()
    }

    assert set(rows) == told | called


def test_rules_and_dashboards_ask_for_what_there_is() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}

    assert names(expressions()) <= set(labels_by_name()) | recorded | OF_THE_KUBELET
    assert recorded <= names(expressions())


def test_every_metric_is_on_a_dashboard() -> None:
    shown = names([target["expr"] for panel in panels() for target in panel["targets"]])
    shown |= names([rule["expr"] for rule in rules() if rule.get("record") in shown])

    assert set(labels_by_name()) - shown == set()


def test_rules_and_dashboards_choose_by_labels_that_there_are() -> None:
    known = labels_by_name()

    for expression in expressions():
        for name, matchers in re.findall(r"\b(calsync_[a-z0-9_]+)\{([^}]*)\}", expression):
            metric = re.sub(r"_(bucket|count|sum)$", "", name)
            assert set(re.findall(r"(\w+)\s*[=!]~?", matchers)) <= known[metric] | OF_TARGETS, expression


def test_the_objective_is_a_bound_of_the_histogram() -> None:
    bound = sync_worker.application.metrics.SLO_SECONDS

    indicators = [rule["expr"] for rule in rules() if "freshness_bad" in rule.get("record", "")]

    assert bound in sync_worker.application.metrics.FRESHNESS._upper_bounds
    assert len(indicators) == 5
    assert all(f'le="{bound}"' in expression for expression in indicators)


def test_every_alert_says_what_it_is_and_where_to_look() -> None:
    for name, rule in alerts().items():
        assert re.fullmatch("Calsync([A-Z][A-Za-z]+)", name)
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert re.fullmatch(r"docs/runbooks/[a-z0-9-]+\.md", rule["annotations"]["runbook"])


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = [
        case for file in TESTS for test in yaml.safe_load(file.read_text())["tests"] for case in test["alert_rule_test"]
    ]

    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(alerts())
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(alerts())


def test_every_alert_has_a_panel_that_shows_what_it_goes_by() -> None:
    for name, rule in alerts().items():
        explaining = [panel for panel in panels() if re.search(rf"\b{name}\b", panel["description"])]
        assert explaining, name
        shown = names([target["expr"] for panel in explaining for target in panel["targets"]])
        goes_by = names([rule["expr"]])
        assert shown & goes_by, name


def test_the_dashboards_are_as_they_are_drawn() -> None:
    drawn = runpy.run_path(str(ROOT / "deploy/grafana/draw.py"))["drawn"]()

    assert {file.name: file.read_text() for file in DASHBOARDS} == drawn
    assert [json.loads(file.read_text())["uid"] for file in DASHBOARDS] == [file.stem for file in DASHBOARDS]


def test_the_dashboards_look_at_one_installation_at_a_time() -> None:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    series = re.compile(r"\b(?:calsync[_:]|process_|kubelet_)[a-z0-9_:]+(.{23})")

    assert {rest for expression in asked for rest in series.findall(expression)} == {'{namespace=~"$namespace"'[:23]}
    for file in DASHBOARDS:
        names_of_variables = [one["name"] for one in json.loads(file.read_text())["templating"]["list"]]
        assert names_of_variables == ["datasource", "namespace"]


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_alerts_fire_when_they_should(file: Path) -> None:
    promtool("test", "rules", file)


def test_prometheus_takes_the_configuration() -> None:
    promtool("check", "config", CONFIGURATION / "prometheus.yml")


def test_the_rules_are_valid_at_another_pace(tmp_path: Path) -> None:
    for file in RULES:
        (tmp_path / file.name).write_text(quicker(file.read_text(), 60))

    said = promtool("check", "rules", *sorted(tmp_path.iterdir()))

    assert "FAILED" not in said
    assert quicker("rate(x[5m]) [1d]\nfor: 10m", 60) == "rate(x[5000ms]) [1440000ms]\nfor: 10000ms"
