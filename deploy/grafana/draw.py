# ruff: noqa: INP001 - a script beside what it makes
"""Draws the dashboards of panels.yml: `.venv/bin/python deploy/grafana/draw.py`.

A test compares the files with what is drawn here.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT, _ACROSS = 8, 8, 3
_SELECTOR: Final = re.compile(
    r"\b(calsync[_:][a-z0-9_:]+|kubelet_volume_stats_[a-z_]+|process_start_time_seconds)\b(?:\{([^}]*)\})?"
)


def dashboard(uid: str, said: dict[str, Any]) -> dict[str, Any]:
    """A dashboard as Grafana imports it."""
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    # One Prometheus may look at several installations; where series have no namespace, nothing is to be chosen.
    chosen = {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(calsync_build_info, namespace)", "refId": "namespace"},
        "refresh": 2,
        "sort": 1,
    }
    return {
        "uid": uid,
        "title": said["title"],
        "tags": ["calsync"],
        "editable": False,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source, chosen]},
        "links": [{"title": "Others", "type": "dashboards", "tags": ["calsync"], "asDropdown": True}],
        "panels": [_panel(number, panel) for number, panel in enumerate(said["panels"])],
    }


def _panel(number: int, said: dict[str, Any]) -> dict[str, Any]:
    alerts, limit = said.get("alerts", ()), said.get("limit")
    called = f"Alerts: {', '.join(alerts)}." if alerts else ""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if limit is not None:
        steps.append({"color": "red", "value": limit})
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": said["title"],
        "description": " ".join(filter(None, (said.get("says"), called))),
        "datasource": _SOURCE,
        "gridPos": {"x": number % _ACROSS * _WIDTH, "y": number // _ACROSS * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": said.get("unit", "short"),
                "min": 0,
                "custom": {"thresholdsStyle": {"mode": "off" if limit is None else "line"}},
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": _chosen(expr), "legendFormat": legend}
            for n, (legend, expr) in enumerate(said["queries"].items())
        ],
    }


def _chosen(expression: str) -> str:
    """The same question about the namespace that is chosen."""

    def matched(found: re.Match[str]) -> str:
        matchers = ", ".join(filter(None, ('namespace=~"$namespace"', found.group(2))))
        return f"{found.group(1)}{{{matchers}}}"

    return _SELECTOR.sub(matched, expression)


def drawn() -> dict[str, str]:
    """The files' texts by name."""
    said = yaml.safe_load((HERE / "panels.yml").read_text(encoding="utf-8"))
    return {f"{uid}.json": json.dumps(dashboard(uid, one), indent=2) + "\n" for uid, one in said.items()}


if __name__ == "__main__":
    for name, text in drawn().items():
        (HERE / "dashboards" / name).write_text(text, encoding="utf-8")
