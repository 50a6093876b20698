# ruff: noqa: INP001 - a script beside what it makes
"""Draws the dashboards of panels.yml: `.venv/bin/python deploy/grafana/draw.py`.

A test compares the files with what is drawn here.
"""

import json
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT, _ACROSS = 8, 8, 3


def dashboard(uid: str, said: dict[str, Any]) -> dict[str, Any]:
    """A dashboard as Grafana imports it."""
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": uid,
        "title": said["title"],
        "tags": ["calsync"],
        "editable": False,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
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
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": expr, "legendFormat": legend}
            for n, (legend, expr) in enumerate(said["queries"].items())
        ],
    }


def drawn() -> dict[str, str]:
    """The files' texts by name."""
    said = yaml.safe_load((HERE / "panels.yml").read_text(encoding="utf-8"))
    return {f"{uid}.json": json.dumps(dashboard(uid, one), indent=2) + "\n" for uid, one in said.items()}


if __name__ == "__main__":
    for name, text in drawn().items():
        (HERE / "dashboards" / name).write_text(text, encoding="utf-8")
