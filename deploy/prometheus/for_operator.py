# ruff: noqa: INP001 - a script beside what it reads
"""Makes a PrometheusRule of rules/ for one namespace: `.venv/bin/python deploy/prometheus/for_operator.py NAMESPACE`.

One Prometheus of the operator often looks at several installations. Each brings rules that see its own namespace alone,
and name it in what they record and raise. A test compares the overlays with what is made here.
"""

import re
import sys
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
_SELECTOR: Final = re.compile(
    r"\b(calsync[_:][a-z0-9_:]+|kubelet_volume_stats_[a-z_]+|up|process_start_time_seconds)\b(?:\{([^}]*)\})?"
)


def within(namespace: str, expression: str) -> str:
    """The same question about the series of one namespace."""

    def matched(found: re.Match[str]) -> str:
        matchers = ", ".join(filter(None, (f'namespace="{namespace}"', found.group(2))))
        return f"{found.group(1)}{{{matchers}}}"

    return _SELECTOR.sub(matched, expression)


def prometheus_rule(namespace: str) -> dict[str, Any]:
    """The operator's resource."""
    files = sorted((HERE / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "calsync", "labels": {"app.kubernetes.io/part-of": "calsync"}},
        "spec": {"groups": [group | {"rules": [_rule(namespace, one) for one in group["rules"]]} for group in groups]},
    }


def written(namespace: str) -> str:
    """The file's text."""
    head = f"# Made by deploy/prometheus/for_operator.py {namespace} from deploy/prometheus/rules.\n"
    return head + yaml.safe_dump(prometheus_rule(namespace), sort_keys=False, width=200)


def _rule(namespace: str, rule: dict[str, Any]) -> dict[str, Any]:
    labels = {"namespace": namespace, **rule.get("labels", {})}
    return rule | {"expr": within(namespace, rule["expr"]), "labels": labels}


if __name__ == "__main__":
    sys.stdout.write(written(sys.argv[1]))
