"""Prometheus and promtool for tests: this machine's, or those that tools/prometheus.sh has laid into the checkout."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local_stack.ports import free_ports
from local_stack.waiting import wait_until

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy/prometheus"
_DURATION = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=for: )(\d+)([smhd])\b")
_START_SECONDS = 30
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def program(name: str) -> str:
    """Its path. Where there is none the test is skipped; in CI, where nobody would see that, it fails."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{ROOT / '.servers'}")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no {name}; tools/prometheus.sh sees to it")
    return found


def promtool(*arguments: str | Path, text: str | None = None) -> str:
    """What it says; fails the test where it finds something wrong."""
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def quicker(rules: str, factor: int) -> str:
    """The rules with every window and every `for` that many times shorter."""

    def shorter(found: re.Match[str]) -> str:
        number, unit = found.group(1) or found.group(3), found.group(2) or found.group(4)
        return f"{int(number) * _SECONDS[unit] * 1000 // factor}ms"

    return _DURATION.sub(shorter, rules)


@dataclass(frozen=True)
class Prometheus:
    """A server that scrapes the given ops ports."""

    url: str

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def rules(self) -> list[dict[str, Any]]:
        """All rules that it has loaded."""
        groups = self._asked("/api/v1/rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> list[dict[str, str]]:
        """The labels of the alerts that fire."""
        return [one["labels"] for one in self._asked("/api/v1/alerts")["alerts"] if one["state"] == "firing"]

    def value(self, query: str) -> float | None:
        """A query's only number."""
        found = self._asked("/api/v1/query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def _asked(self, path: str, **parameters: str) -> dict[str, Any]:
        answer = httpx.get(self.url + path, params=parameters, timeout=10, trust_env=False).raise_for_status().json()
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def prometheus(folder: Path, ops_urls: Collection[str], *, factor: int) -> Iterator[Prometheus]:
    """Our configuration and rules, with time that many times quicker, looking at these processes every second."""
    shutil.copytree(CONFIGURATION, folder, dirs_exist_ok=True)
    for file in (folder / "rules").iterdir():
        file.write_text(quicker(file.read_text(), factor))
    settings = folder / "prometheus.yml"
    settings.write_text(re.sub(r"_interval: \d+s", "_interval: 1s", settings.read_text()))
    targets = [{"targets": [url.removeprefix("http://") for url in ops_urls]}]
    (folder / "targets.json").write_text(json.dumps(targets))
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    arguments = [
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("prometheus"), *arguments], stdout=log, stderr=subprocess.STDOUT)
        try:
            server = Prometheus(f"http://{address}")
            assert wait_until(server.is_ready, seconds=_START_SECONDS), (folder / "log").read_text()
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def rules() -> list[dict[str, Any]]:
    """Our rules as they are written."""
    files = sorted((CONFIGURATION / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def names(expressions: Sequence[str]) -> set[str]:
    """Our metrics, recorded series and the kubelet's that expressions speak of, a histogram's by its own name."""
    found = re.findall(r"\b(?:calsync[_:]|kubelet_)[a-z0-9_:]*", " ".join(expressions))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}
